"""The training loop: events, learning rate, clipping, averaging, early stopping, divergence."""

import math
from itertools import zip_longest

import numpy as np
import pytest
import torch

from rnner.errors import TrainingError
from rnner.scoring.metrics import score
from rnner.tags import Span
from rnner.training.optimizer import learning_rate
from rnner.training.progress import DevResult, Epoch, Step
from tiny_corpus import TRAIN, config_of, same, saved, split_of, trainer_of, weights


def f1_of(*correct, losses=()):
    """Return an evaluation whose calls find these numbers of correct entities, with these losses or 1."""
    gold = [[Span(i, i + 1, "PER") for i in range(10)]]
    results = zip_longest(correct, losses, fillvalue=1.0)

    def evaluation():
        count, loss = next(results)
        return DevResult(score(gold, [gold[0][:count]], [10]), loss)

    return evaluation


# --- events -----------------------------------------------------------------------------------------------


def test_fit_yields_each_step_and_each_epoch():
    trainer = trainer_of()  # ten sentences, four per step
    events = list(trainer.fit())
    assert [type(event) for event in events] == ([Step] * 3 + [Epoch]) * 3
    steps = [event for event in events if isinstance(event, Step)]
    assert [(step.epoch, step.step, step.steps) for step in steps] == [
        (epoch, step, 3) for epoch in (1, 2, 3) for step in (1, 2, 3)
    ]
    tokens = int(split_of(TRAIN).lengths.sum())
    assert [sum(step.tokens for step in steps if step.epoch == epoch) for epoch in (1, 2, 3)] == [tokens] * 3
    epochs = [event for event in events if isinstance(event, Epoch)]
    assert [epoch.last for epoch in epochs] == [False, False, True]
    assert epochs[0].best
    assert trainer.finished
    assert trainer.position.step == 9 and trainer.position.tokens == 3 * tokens


def test_the_loss_and_norm_of_an_epoch_are_means():
    events = list(trainer_of("training.batch_sentences=3").fit())  # steps of 3, 3, 3 and 1 sentences
    first = [event for event in events if isinstance(event, Step) and event.epoch == 1]
    epoch = next(event for event in events if isinstance(event, Epoch))
    assert len(first) == 4
    assert epoch.gradient_norm == pytest.approx(sum(step.gradient_norm for step in first) / 4)
    assert epoch.clipped == sum(step.clipped for step in first) / 4
    assert epoch.learning_rate == first[-1].learning_rate
    means = np.mean([step.loss for step in first])
    assert epoch.loss != pytest.approx(means, rel=1e-6), (
        "the small batch must not weigh as much as the others"
    )
    assert min(step.loss for step in first) <= epoch.loss <= max(step.loss for step in first)


def test_a_finished_trainer_yields_nothing():
    trainer = trainer_of("training.epochs=1")
    list(trainer.fit())
    assert list(trainer.fit()) == []


# --- the learning rate -------------------------------------------------------------------------------------


def rates(*overrides, steps=100):
    plan = config_of("training.learning_rate=1.0", *overrides).training
    return [learning_rate(plan, step, steps) for step in range(steps)]


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_the_learning_rate_warms_up_linearly_and_then_never_grows(schedule):
    rate = rates(f"training.schedule={schedule}", "training.warmup=0.2")
    assert np.diff(rate[:21]) == pytest.approx(np.full(20, 1 / 21))
    assert rate[20] == 1.0
    assert (np.diff(rate[20:]) <= 0).all()
    assert 0 < rate[0] <= 1 / 20


def test_the_linear_schedule_decays_almost_to_zero():
    rate = rates("training.schedule=linear", "training.warmup=0")
    assert rate[0] == 1.0
    assert np.diff(rate) == pytest.approx(np.full(99, -0.01))
    assert rate[-1] == pytest.approx(0.01)


def test_the_cosine_schedule_is_half_in_the_middle_and_flat_at_both_ends():
    rate = rates("training.schedule=cosine", "training.warmup=0")
    assert rate[0] == 1.0 and rate[50] == pytest.approx(0.5) and 0 < rate[-1] < 0.001
    assert rate[0] - rate[1] < 0.001 < rate[50] - rate[51]


def test_the_constant_schedule_is_constant():
    assert set(rates("training.schedule=constant", "training.warmup=0")) == {1.0}


def test_the_schedule_allows_more_steps_than_planned():
    plan = config_of("training.schedule=cosine").training
    assert learning_rate(plan, 130, 100) == pytest.approx(0)
    assert learning_rate(config_of().training, 130, 100) == 0


def test_the_optimizer_uses_the_reported_learning_rate():
    options = ("training.optimizer=sgd", "training.momentum=0", "training.average=null", "training.clip=null")
    trainer = trainer_of(*options, "training.warmup=0.5", "dropout.words=0")
    before = weights(trainer)
    step = next(trainer.fit())
    for old, new in zip(before, trainer.parameters, strict=True):
        torch.testing.assert_close(new.detach(), old - step.learning_rate * new.grad)


# --- clipping ----------------------------------------------------------------------------------------------


def gradients(trainer):
    return torch.cat([p.grad.flatten() for p in trainer.parameters if p.grad is not None])


@pytest.mark.parametrize(("by", "size"), [("norm", lambda g: g.norm()), ("value", lambda g: g.abs().max())])
def test_clipping_bounds_the_gradients_and_reports_the_norm_before(by, size):
    free, bounded = (
        trainer_of("training.clip=null"),
        trainer_of("training.clip=0.1", f"training.clip_by={by}"),
    )
    one, other = next(free.fit()), next(bounded.fit())
    assert size(gradients(free)) > 0.2 and not one.clipped
    assert size(gradients(bounded)) == pytest.approx(0.1, rel=1e-3) and other.clipped
    assert one.gradient_norm == other.gradient_norm == pytest.approx(float(gradients(free).norm()), rel=1e-5)


@pytest.mark.parametrize("by", ["norm", "value"])
def test_clipping_above_all_gradients_changes_nothing(by):
    free, bounded = (
        trainer_of("training.clip=null"),
        trainer_of("training.clip=1e4", f"training.clip_by={by}"),
    )
    free_steps, bounded_steps = list(free.fit()), list(bounded.fit())
    assert not any(step.clipped for step in bounded_steps if isinstance(step, Step))
    assert [e.clipped for e in free_steps if isinstance(e, Epoch)] == [0, 0, 0]
    assert same(weights(free), weights(bounded))


def test_the_share_of_clipped_steps_is_reported():
    norms = [
        event.gradient_norm for event in trainer_of("training.epochs=1").fit() if isinstance(event, Step)
    ]
    between = sorted(norms)[0] * 0.5 + sorted(norms)[1] * 0.5
    events = list(trainer_of("training.epochs=1", f"training.clip={between}").fit())
    clipped = [event.clipped for event in events if isinstance(event, Step)]
    assert events[-1].clipped == sum(clipped) / 3
    assert sum(clipped) > 0


# --- the average -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.999])
def test_the_average_equals_that_of_a_naive_loop(decay):
    trainer = trainer_of(f"training.average={decay}")
    naive = [value.double() for value in weights(trainer)]
    for event in trainer.fit():
        if isinstance(event, Step):
            n = trainer.position.step - 1
            d = min(decay, (1 + n) / (10 + n))
            naive = [
                d * old + (1 - d) * new.double() for old, new in zip(naive, weights(trainer), strict=True)
            ]
    raw = weights(trainer)
    with trainer.averaged():
        for value, expected in zip(weights(trainer), naive, strict=True):
            torch.testing.assert_close(value.double(), expected, atol=1e-6, rtol=1e-5)
        assert same(weights(trainer), raw) == (decay == 0.0)
    assert same(weights(trainer), raw)


def test_the_averaged_weights_are_scored():
    seen = []
    trainer = trainer_of(
        "training.average=0.9", evaluation=lambda: (seen.append(weights(trainer)), f1_of(1)())[1]
    )
    list(trainer.fit())
    with trainer.averaged():
        assert same(seen[-1], weights(trainer))
    assert not same(seen[-1], weights(trainer))


def test_an_error_while_scoring_restores_the_weights():
    def fail():
        raise RuntimeError("no dev today")

    trainer = trainer_of("training.average=0.9", evaluation=fail)
    events = trainer.fit()
    for _ in range(3):
        next(events)
    raw = weights(trainer)
    with pytest.raises(RuntimeError, match="no dev"):
        next(events)
    assert same(raw, weights(trainer))


# --- early stopping ----------------------------------------------------------------------------------------


def test_training_stops_when_patience_runs_out():
    trainer = trainer_of("training.epochs=9", "training.patience=2", evaluation=f1_of(1, 3, 2, 3, 9, 9))
    epochs = [event for event in trainer.fit() if isinstance(event, Epoch)]
    assert [epoch.best for epoch in epochs] == [True, True, False, False]  # equal is not better
    assert [epoch.last for epoch in epochs] == [False, False, False, True]
    assert trainer.position.best_epoch == 2


@pytest.mark.parametrize(
    ("correct", "losses", "best"),
    [
        ((0, 0, 0, 0), (9.0, 5.0, 7.0, 6.0), 2),  # as with a dev part without entities
        ((2, 3, 3, 3), (1.0, 8.0, 6.0, 7.0), 3),
        ((2, 3, 2, 2), (9.0, 8.0, 1.0, 1.0), 2),
        ((3, 3, 3, 3), (1.0, 1.0, 1.0, 1.0), 1),
    ],
)
def test_of_epochs_with_equal_f1_the_one_with_the_lowest_loss_is_the_best(correct, losses, best):
    trainer = trainer_of("training.epochs=4", evaluation=f1_of(*correct, losses=losses))
    epochs = [event for event in trainer.fit() if isinstance(event, Epoch)]
    assert [epoch.epoch for epoch in epochs if epoch.best][-1] == trainer.position.best_epoch == best
    assert trainer.position.best_loss == losses[best - 1]
    assert [epoch.dev_loss for epoch in epochs] == list(losses)


def test_a_lower_loss_at_equal_f1_resets_patience():
    evaluation = f1_of(0, 0, 0, 0, 0, 0, losses=(9.0, 8.0, 7.0, 7.5, 7.2, 7.1))
    trainer = trainer_of("training.epochs=6", "training.patience=2", evaluation=evaluation)
    assert sum(isinstance(event, Epoch) for event in trainer.fit()) == 5


def test_each_best_epoch_resets_patience():
    trainer = trainer_of("training.epochs=5", "training.patience=2", evaluation=f1_of(1, 0, 2, 0, 3))
    assert sum(isinstance(event, Epoch) for event in trainer.fit()) == 5


def test_without_patience_all_epochs_are_trained():
    trainer = trainer_of("training.epochs=4", evaluation=f1_of(3, 2, 1, 0))
    assert sum(isinstance(event, Epoch) for event in trainer.fit()) == 4


# --- divergence --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_training_with_unchanged_weights(poison):
    trainer = trainer_of()
    events = trainer.fit()
    next(events)
    loss = trainer.tagger.loss
    trainer.tagger.loss = lambda batch: loss(batch) * poison
    before, position = saved(trainer)
    with pytest.raises(TrainingError, match=r"the loss is (nan|inf) at step 2 of epoch 1: .*learning_rate"):
        next(events)
    after, _ = saved(trainer)
    assert trainer.position == position
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_gradient_that_is_not_finite_stops_training():
    trainer = trainer_of()
    before = weights(trainer)
    trainer.tagger.emission.bias.register_hook(lambda gradient: gradient * math.nan)
    with pytest.raises(TrainingError, match="the gradient's norm is nan at step 1 of epoch 1"):
        next(trainer.fit())
    assert same(before, weights(trainer))


def test_weights_that_are_not_finite_are_never_scored():
    scored = []
    trainer = trainer_of("training.epochs=1", evaluation=lambda: scored.append(1) or f1_of(1)())
    events = trainer.fit()
    for _ in range(3):
        next(events)
    with torch.no_grad():
        trainer.tagger.emission.bias[0] = math.inf
    with pytest.raises(TrainingError, match="weights are not finite after epoch 1"):
        next(events)
    assert not scored and not trainer.is_finite()


# --- weight decay ------------------------------------------------------------------------------------------


def test_weight_decay_applies_only_to_matrices():
    trainer = trainer_of("training.weight_decay=0.3")
    decayed = {id(p) for g in trainer.optimizer.param_groups if g["weight_decay"] for p in g["params"]}
    names = {name for name, p in trainer.tagger.named_parameters() if id(p) in decayed}
    assert "emission.weight" in names and any(name.endswith("W_aa") for name in names)
    assert not any("bias" in name or "b_a" in name or "embedding" in name for name in names)
    assert not names & {"words.weight", "casing.weight"}
    groups = [id(p) for g in trainer.optimizer.param_groups for p in g["params"]]
    assert sorted(groups) == sorted(id(p) for p in trainer.parameters)

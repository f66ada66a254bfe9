"""Equal seeds give equal bits, and a resumed run ends with the bits of an uninterrupted one."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from rnner.training.progress import Epoch, Position
from tiny_corpus import same, saved, trainer_of, weights


def run(trainer):
    scores = [event.dev for event in trainer.fit() if isinstance(event, Epoch)]
    return weights(trainer), scores


def test_equal_seeds_give_equal_bits_and_other_seeds_do_not():
    one, two, other = (trainer_of(f"training.seed={seed}") for seed in (1, 1, 2))
    torch.rand(7)  # draws outside training must not matter
    assert same(run(one)[0], run(two)[0])
    assert not same(weights(one), run(other)[0])


def test_random_draws_outside_training_change_nothing():
    one, two = trainer_of(), trainer_of()
    for _ in one.fit():
        torch.rand(3)
        np.random.rand(3)
    assert same(weights(one), run(two)[0])


CASES = {
    "adamw": (),
    "adamw without average": ("training.average=null", "training.weight_decay=0.1"),
    "sgd": ("training.optimizer=sgd", "training.learning_rate=0.05"),
    "sgd without momentum": ("training.optimizer=sgd", "training.momentum=0", "training.average=null"),
    "documents": ("embeddings.document=true",),
    "batches by tokens": ("training.batch_sentences=null", "training.batch_tokens=24", "training.patience=2"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_run_resumed_at_any_step_ends_with_the_same_bits(case):
    options = ("training.epochs=2", *CASES[case])
    whole, states, scores = trainer_of(*options), [], []
    states.append(saved(whole))
    for event in whole.fit():
        states.append(saved(whole))
        if isinstance(event, Epoch):
            scores.append(event.dev)
    final, _ = saved(whole)
    assert len(states) > 6
    for tensors, position in states:
        resumed = trainer_of(*options, seed=9)  # other initial weights
        resumed.load_state_dict(tensors, Position(**asdict(position)))
        scores_after = [event.dev for event in resumed.fit() if isinstance(event, Epoch)]
        assert scores_after == scores[position.epoch :]
        after, end = saved(resumed)
        assert after.keys() == final.keys()
        assert all(torch.equal(after[name], final[name]) for name in final)
        assert untimed(end) == untimed(whole.position)


def untimed(position):
    return replace(position, seconds=0.0, scoring_seconds=0.0)


def test_the_state_of_another_tagger_is_refused():
    state, position = saved(trainer_of())
    with pytest.raises((KeyError, RuntimeError)):
        trainer_of("encoder.hidden=9").load_state_dict(state, position)
    with pytest.raises(KeyError):
        trainer_of("head=softmax", "encoder.layers=2").load_state_dict(state, position)

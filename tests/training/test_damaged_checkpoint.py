"""Neither damage to a checkpoint nor a file made by hand gives other weights in silence, or a traceback."""

import json
import math
import random

import pytest
import torch

from rnner.errors import ModelError, UsageError
from rnner.system.tensor_files import read_tensors, write_tensors
from rnner.training.checkpoint import load_checkpoint
from rnner.training.setup import make_trainer, prepare_training
from run_helpers import CPU, assert_same_end, content, run, stopped_after

NAMES = ("state.safetensors", "previous.safetensors")


@pytest.fixture
def config(finished_run):
    return finished_run[0]


@pytest.fixture
def stopped(tmp_path, config):
    """A run stopped in its second epoch, after a first one that was the best."""
    stopped_after(tmp_path / "run", config, 6)
    return tmp_path / "run"


def resumed(folder, config):
    """Resume a run to its end and return the warnings."""
    warnings = []
    run(folder, config, resume=True, warn=warnings.append)
    return warnings


def changed(file, change):
    """Change the tensors and the metadata of a file, which gets a new checksum."""
    tensors, metadata = read_tensors(file)
    metadata["position"] = json.loads(metadata["position"])
    change(tensors, metadata)
    if not isinstance(metadata["position"], str):
        metadata["position"] = json.dumps(metadata["position"])
    write_tensors(file, tensors, metadata)


@pytest.mark.parametrize("seed", range(5))
def test_after_any_damage_the_checkpoint_before_it_gives_the_same_bits(stopped, finished_run, seed):
    config, folder = finished_run
    newest = stopped / "checkpoint" / NAMES[0]
    damaged, draw = bytearray(newest.read_bytes()), random.Random(seed)
    damaged[draw.randrange(2000, len(damaged))] ^= 1 << draw.randrange(8)
    newest.write_bytes(damaged)
    (warning,) = resumed(stopped, config)
    assert "state.safetensors: is damaged" in warning and "resuming from the previous checkpoint" in warning
    assert_same_end(stopped, folder)


def test_a_run_killed_between_the_two_steps_of_a_save_is_resumed_without_a_word(stopped, finished_run):
    config, folder = finished_run
    newest, previous = (stopped / "checkpoint" / name for name in NAMES)
    newest.replace(previous)
    assert resumed(stopped, config) == []
    assert_same_end(stopped, folder)


def test_a_good_predecessor_is_never_replaced_by_a_damaged_checkpoint(stopped, config):
    newest, previous = (stopped / "checkpoint" / name for name in NAMES)
    good = previous.read_bytes()
    newest.write_bytes(b"damaged")
    load_checkpoint(stopped, *trainer_and_fingerprint(config), warn=lambda message: None)
    assert newest.read_bytes() == good and not previous.exists()


def trainer_and_fingerprint(config):
    setup = prepare_training(config, device=CPU)
    return make_trainer(setup), setup.fingerprint


WRONG = {
    "a NaN in the average": lambda t, m: t["average.emission.weight"].fill_(math.nan),
    "an infinite momentum": lambda t, m: t["optimizer.exp_avg.emission.weight"].fill_(math.inf),
    "a NaN in the second moment": lambda t, m: t["optimizer.exp_avg_sq.emission.weight"].fill_(math.nan),
    "a negative second moment": lambda t, m: t["optimizer.exp_avg_sq.emission.weight"].fill_(-1),
    "another dtype": lambda t, m: t.update({"weight.emission.weight": t["weight.emission.weight"].double()}),
    "a missing tensor": lambda t, m: t.pop("average.emission.bias"),
    "a part of the optimizer": lambda t, m: t.pop("optimizer.exp_avg.emission.bias"),
    "another tensor": lambda t, m: t.update({"more": torch.zeros(1)}),
    "a step of the optimizer in the future": lambda t, m: t["optimizer.step.emission.bias"].fill_(99),
    "a step of the optimizer between two": lambda t, m: t["optimizer.step.emission.bias"].fill_(1.5),
    "an epoch in the future": lambda t, m: m["position"].update(epoch=99),
    "a best epoch in the future": lambda t, m: m["position"].update(best_epoch=2),
    "another step": lambda t, m: m["position"].update(step=4),
    "a step after the epoch": lambda t, m: m["position"].update(step=8, epoch_step=5),
    "a negative step": lambda t, m: m["position"].update(epoch_step=-1),
    "a step that is not a number": lambda t, m: m["position"].update(step="5"),
    "a step that is a long text": lambda t, m: m["position"].update(step="x" * 10_000),
    "a tensor with a long name": lambda t, m: t.update({"x" * 10_000: torch.zeros(1)}),
    "a step that is true": lambda t, m: m["position"].update(epoch_step=True),
    "an enormous number": lambda t, m: m["position"].update(tokens=10**400),
    "no time": lambda t, m: m["position"].update(seconds=0.0),
    "infinite time": lambda t, m: m["position"].update(seconds=math.inf),
    "a loss that is not a number": lambda t, m: m["position"].update(epoch_loss=math.nan),
    "an F1 above 1": lambda t, m: m["position"].update(best_f1=1e6),
    "an unknown field": lambda t, m: m["position"].update(more=1),
    "no field": lambda t, m: m.update(position=[]),
    "no environment": lambda t, m: m.pop("environment"),
    "deep nesting": lambda t, m: m.update(position="[" * 100_000),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_training_cannot_have_written_is_refused(stopped, config, what):
    (stopped / "checkpoint" / NAMES[1]).unlink()
    changed(stopped / "checkpoint" / NAMES[0], WRONG[what])
    before = content(stopped)
    trainer, fingerprint = trainer_and_fingerprint(config)
    weights = trainer.tagger.emission.weight.clone()
    with pytest.raises(ModelError, match=r"is not a checkpoint of this run \(.*--overwrite") as caught:
        load_checkpoint(stopped, trainer, fingerprint)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1000
    assert content(stopped) == before and torch.equal(weights, trainer.tagger.emission.weight)


def test_a_square_that_overflowed_is_accepted(stopped, config):
    changed(
        stopped / "checkpoint" / NAMES[0],
        lambda t, m: t["optimizer.exp_avg_sq.emission.weight"].fill_(math.inf),
    )
    assert resumed(stopped, config) == []


def test_another_environment_is_reported_and_training_continues(stopped, config, monkeypatch):
    here = torch.get_num_threads()
    monkeypatch.setattr("rnner.system.software.__version__", "9.9.9")
    monkeypatch.setattr("torch.get_num_threads", lambda: here + 1)
    (warning,) = resumed(stopped, config)
    assert "9.9.9" in warning and f"threads {here} / {here + 1}" in warning and "last bits" in warning


# --- the best weights so far -----------------------------------------------------------------------------


def test_best_weights_that_the_checkpoint_has_are_restored(tmp_path, finished_run):
    config, folder = finished_run
    stopped_after(tmp_path / "run", config, 4)  # at the end of the first epoch
    (tmp_path / "run" / "model.safetensors").unlink()
    run(tmp_path / "run", config, resume=True)
    assert_same_end(tmp_path / "run", folder)


@pytest.mark.parametrize("damage", ["missing", "damaged", "foreign"])
def test_best_weights_that_are_lost_are_reported_with_the_way_out(stopped, config, damage, finished_run):
    weights = stopped / "model.safetensors"
    if damage == "missing":
        weights.unlink()
    elif damage == "damaged":
        weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    else:
        weights.write_bytes((finished_run[1] / "model.safetensors").read_bytes())
    with pytest.raises(ModelError, match=r"the best weights so far are lost .*--overwrite"):
        resumed(stopped, config)


def test_vocabulary_and_config_are_restored(stopped, finished_run):
    config, folder = finished_run
    (stopped / "vocabulary.json").unlink()
    resumed(stopped, config)
    assert_same_end(stopped, folder)


def test_without_its_config_a_run_is_not_resumed(stopped, config):
    (stopped / "config.yaml").unlink()
    with pytest.raises(UsageError, match=r"has no config\.yaml.*--overwrite"):
        resumed(stopped, config)

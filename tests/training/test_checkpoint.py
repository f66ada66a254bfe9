"""Checkpoints are written atomically, checked when loaded, and contain only tensors and JSON."""

import json
import math

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import tiny_corpus
from rnner.errors import ModelError
from rnner.system.files import write_atomically
from rnner.training.checkpoint import has_checkpoint, load_checkpoint, remove_checkpoint, save_checkpoint

STATE = "checkpoint/state.safetensors"


def trainer_of(*overrides, seed=1, steps=0):
    trainer = tiny_corpus.trainer_of(*overrides, seed=seed)
    events = trainer.fit()
    for _ in range(steps):
        next(events)
    return trainer


def equal(left, right):
    one, other = left.state_dict(), right.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("steps", [0, 2, 5])
def test_save_and_load_restores_a_trainer(tmp_path, optimizer, steps):
    options = (f"training.optimizer={optimizer}",)
    trainer = trainer_of(*options, steps=steps)
    assert not has_checkpoint(tmp_path)
    save_checkpoint(tmp_path, trainer, "data-1")
    assert has_checkpoint(tmp_path)
    other = trainer_of(*options, seed=5)
    load_checkpoint(tmp_path, other, "data-1")
    assert equal(trainer, other) and other.position == trainer.position
    list(trainer.fit()), list(other.fit())
    assert equal(trainer, other)


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    trainer = trainer_of(steps=1)
    save_checkpoint(tmp_path, trainer, "data-1")
    write_atomically(tmp_path / "log.jsonl", "old")
    old = (tmp_path / STATE).read_bytes()

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    trainer = trainer_of(steps=2)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(tmp_path, trainer, "data-1")
    with pytest.raises(OSError, match="No space"):
        write_atomically(tmp_path / "log.jsonl", "new")
    assert (tmp_path / STATE).read_bytes() == old
    assert (tmp_path / "log.jsonl").read_text() == "old"


def test_weights_that_are_not_finite_never_replace_a_checkpoint(tmp_path):
    trainer = trainer_of(steps=1)
    save_checkpoint(tmp_path, trainer, "data-1")
    good = (tmp_path / STATE).read_bytes()
    with torch.no_grad():
        trainer.tagger.emission.weight[0, 0] = math.nan
    save_checkpoint(tmp_path, trainer, "data-1")
    assert (tmp_path / STATE).read_bytes() == good


def test_a_checkpoint_of_other_data_is_refused(tmp_path):
    save_checkpoint(tmp_path, trainer_of(steps=1), "data-1")
    trainer = trainer_of()
    before = {name: tensor.clone() for name, tensor in trainer.state_dict().items()}
    with pytest.raises(ModelError, match=r"state\.safetensors: was saved with other data .*--overwrite"):
        load_checkpoint(tmp_path, trainer, "data-2")
    assert all(torch.equal(before[name], tensor) for name, tensor in trainer.state_dict().items())
    assert trainer.position.step == 0


def refused(tmp_path, trainer=None):
    with pytest.raises(ModelError) as caught:
        load_checkpoint(tmp_path, trainer or trainer_of(), "data-1")
    assert "\n" not in str(caught.value) and STATE in str(caught.value)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.999])
def test_a_truncated_checkpoint_is_refused(tmp_path, share):
    save_checkpoint(tmp_path, trainer_of(steps=1), "data-1")
    content = (tmp_path / STATE).read_bytes()
    (tmp_path / STATE).write_bytes(content[: int(len(content) * share)])
    refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x80\x04\x95pickle", b"\0" * 64, b"\xff" * 200])
def test_a_foreign_file_is_refused(tmp_path, content):
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / STATE).write_bytes(content)
    refused(tmp_path)


@pytest.mark.parametrize(
    "metadata",
    [None, {}, {"position": "{", "fingerprint": "data-1"}, {"position": "[]", "fingerprint": "data-1"},
     {"position": "{}", "fingerprint": "data-1"}, {"position": "7", "fingerprint": "data-1"}],
)  # fmt: skip
def test_a_header_without_a_position_is_refused(tmp_path, metadata):
    trainer = trainer_of(steps=1)
    (tmp_path / "checkpoint").mkdir()
    save_file(
        {name: tensor.clone() for name, tensor in trainer.state_dict().items()}, tmp_path / STATE, metadata
    )
    refused(tmp_path)


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    save_checkpoint(tmp_path, trainer_of(steps=1), "data-1")
    refused(tmp_path, trainer_of("encoder.hidden=9"))
    refused(tmp_path, trainer_of("encoder.layers=2"))


def test_a_checkpoint_contains_only_tensors_and_json(tmp_path):
    trainer = trainer_of(steps=1)
    save_checkpoint(tmp_path, trainer, "data-1")
    assert b"torch" not in (tmp_path / STATE).read_bytes() and b"numpy" not in (tmp_path / STATE).read_bytes()
    with safe_open(tmp_path / STATE, framework="pt") as file:
        metadata = file.metadata()
        assert set(file.keys()) == set(trainer.state_dict())
    assert json.loads(metadata["position"])["step"] == 1 and metadata["fingerprint"] == "data-1"


def test_removing_a_checkpoint_keeps_other_files(tmp_path):
    save_checkpoint(tmp_path, trainer_of(), "data-1")
    (tmp_path / "checkpoint" / ".rnner-4f3k.partial").mkdir()  # as a killed run leaves it
    remove_checkpoint(tmp_path)
    assert not (tmp_path / "checkpoint").exists()
    save_checkpoint(tmp_path, trainer_of(), "data-1")
    (tmp_path / "checkpoint" / "notes.txt").write_text("mine")
    remove_checkpoint(tmp_path)
    assert [path.name for path in (tmp_path / "checkpoint").iterdir()] == ["notes.txt"]
    remove_checkpoint(tmp_path / "nowhere")

"""`rnner info`: versions, and the description of a model."""

import shutil

import pytest
import torch

from rnner import __version__


def rows(out):
    """Return the table before the first blank line."""
    return dict(line.split(None, 1) for line in out.partition("\n\n")[0].splitlines())


def test_versions_and_cells(rnner):
    outcome = rnner("info")
    table = rows(outcome.out)
    assert (outcome.code, outcome.err) == (0, "")
    assert table["rnner"] == __version__
    assert table["torch"] == torch.__version__
    assert {"rnn", "gru", "gru_reset_after", "lstm", "none"} <= set(table["cells"].split(", "))


def test_a_model_with_its_labels_size_and_layers(rnner, trained):
    outcome = rnner("info", "--model", trained)
    table = rows(outcome.out)
    assert table["labels"] == "LOC, ORG, PER"
    assert table["scheme"] == "bioes"
    assert int(table["weights"].replace(",", "")) > 1000
    layers = outcome.out.partition("\n\n")[2]
    assert "GRU" in layers
    assert "CRFHead" in layers


# --- --verify ----------------------------------------------------------------------------------------------


@pytest.fixture
def copied(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "model")


def test_verify_lists_the_state_of_each_file(rnner, copied):
    outcome = rnner("info", "--model", copied, "--verify")
    assert (outcome.code, outcome.err) == (0, "")
    table = {line.split()[0]: " ".join(line.split()[1:]) for line in outcome.out.splitlines()}
    names = {"config.yaml", "vocabulary.json", "model.safetensors", "metrics.json", "log.jsonl", "README.md"}
    assert table == dict.fromkeys([*names, "training.svg"], "ok")


def test_verify_fails_if_a_file_changed_or_is_missing(rnner, copied):
    (copied / "README.md").write_text("My own card.")
    (copied / "model.safetensors").unlink()
    outcome = rnner("info", "--model", copied, "--verify")
    assert outcome.code == 1
    assert "README.md          changed\n" in outcome.out and "model.safetensors  missing\n" in outcome.out
    assert f"{copied}: 2 files changed or missing; copy the model folder again" in outcome.err


def test_verify_says_that_there_is_no_manifest(rnner, copied):
    (copied / "manifest.json").unlink()
    outcome = rnner("info", "--model", copied, "--verify")
    assert outcome.code == 1 and "has no manifest.json" in outcome.err


def test_verify_needs_a_model(rnner, tmp_path):
    assert rnner("info", "--verify").code == 2
    assert "not found" in rnner("info", "--model", tmp_path / "gone", "--verify").err


def test_the_bundled_model_is_whole(rnner):
    outcome = rnner("info", "--model", "en", "--verify")
    assert outcome.code == 0 and "changed" not in outcome.out
    assert outcome.out.count(" ok\n") == 6


def test_verify_checks_an_exported_file(rnner, trained, tmp_path):
    path = tmp_path / "my.onnx"
    assert rnner("export", "--model", trained, "--output", path).code == 0
    outcome = rnner("info", "--model", path, "--verify")
    assert (outcome.code, outcome.out) == (0, "my.onnx  ok\n")
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)
    outcome = rnner("info", "--model", path, "--verify")
    assert outcome.code == 1 and "does not match its checksum" in outcome.err


def test_verify_prints_names_of_files_without_controls(rnner, copied):
    (copied / "a\x1b[2J\nb").write_text("x")
    outcome = rnner("info", "--model", copied, "--verify")
    assert outcome.code == 0 and "\x1b" not in outcome.out and r"a\x1b[2J\nb" in outcome.out

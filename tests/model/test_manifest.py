"""The manifest of a model folder: damaged, exchanged and missing files are noticed; killed runs are not."""

import json
import logging
import shutil

import pytest

from rnner.errors import ModelError
from rnner.model.folder import (
    load_metrics,
    load_model,
    save_config_and_vocabulary,
    save_metrics,
    save_weights,
)
from rnner.model.manifest import file_states, read_manifest, replacing, write_manifest
from tiny_corpus import config_of, tagger_of

FILES = ("config.yaml", "vocabulary.json", "model.safetensors", "metrics.json", "README.md")

_SCORES = {"precision": 0.4, "recall": 0.6, "f1": 0.5}
METRICS = {"dev": _SCORES, "train": {"epochs": 3, "best_epoch": 2, "seconds": 9.5}}


def saved(folder, seed=1):
    tagger, vocabulary = tagger_of(seed=seed)
    save_config_and_vocabulary(folder, config_of(), vocabulary)
    save_weights(folder, tagger)
    (folder / "README.md").write_text("A card.\n")
    save_metrics(folder, METRICS)
    return folder


@pytest.fixture
def model(tmp_path):
    return saved(tmp_path / "model")


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def states(folder):
    return file_states(folder, read_manifest(folder))


def test_every_file_is_listed(model):
    assert states(model) == dict.fromkeys(FILES, "ok")
    assert load_model(model).folder == model


@pytest.mark.parametrize("name", ["vocabulary.json", "model.safetensors"])
@pytest.mark.parametrize("place", [-1, -2, -100])
def test_one_flipped_bit_is_noticed(model, name, place):
    flip(model / name, place)
    with pytest.raises(ModelError, match=rf"{name}: is damaged.*copy the model folder again$"):
        load_model(model)
    assert states(model)[name] == "changed"


def test_one_flipped_bit_in_the_metrics_is_noticed(model):
    path = model / "metrics.json"
    path.write_text(path.read_text().replace("0.5", "0.7"))
    with pytest.raises(ModelError, match=r"metrics\.json: is damaged"):
        load_metrics(model)


def test_weights_of_another_model_of_the_same_shape_are_refused(tmp_path, model):
    other = saved(tmp_path / "other", seed=2)
    shutil.copy(other / "model.safetensors", model)
    with pytest.raises(ModelError, match="belongs to another model"):
        load_model(model)


def test_an_edited_config_is_loaded_with_a_warning(model, caplog):
    path = model / "config.yaml"
    path.write_text(path.read_text().replace("threshold: null", "threshold: 0.25"))
    with caplog.at_level(logging.WARNING):
        assert load_model(model).config.threshold == 0.25
    assert [record.message for record in caplog.records] == [
        f"{path}: has been edited since the model was written"
    ]
    assert states(model)["config.yaml"] == "changed"


def test_an_edited_card_is_loaded(model, caplog):
    (model / "README.md").write_text("Another card.\n")
    load_model(model)
    assert not caplog.records and states(model)["README.md"] == "changed"


def test_missing_and_other_files_are_reported(model):
    (model / "README.md").unlink()
    (model / "notes.txt").write_text("mine")
    (model / "checkpoint").mkdir()
    load_model(model)
    assert states(model) == {**dict.fromkeys(FILES, "ok"), "README.md": "missing", "notes.txt": "not listed"}


def test_a_model_without_a_manifest_is_loaded(model):
    (model / "manifest.json").unlink()
    assert read_manifest(model) is None
    load_model(model)


@pytest.mark.parametrize("place", [-1, -2, -100])
def test_without_a_manifest_the_weights_have_their_own_checksum(model, place):
    (model / "manifest.json").unlink()
    flip(model / "model.safetensors", place)
    with pytest.raises(ModelError, match="does not match its checksum"):
        load_model(model)


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "7", "{}", "[" * 50_000, "\udcff"),
        *('{"sha256": 5}', '{"sha256": {"config.yaml": 5}}', '{"sha256": {"x": "ab"}}'),
    ],
)
def test_a_damaged_manifest_is_refused(model, content):
    (model / "manifest.json").write_text(content, errors="surrogateescape")
    with pytest.raises(
        ModelError, match=r"manifest\.json: is corrupted.*copy the model folder again"
    ) as caught:
        load_model(model)
    assert "\n" not in str(caught.value)


def test_names_in_the_manifest_are_not_used_as_paths(tmp_path, model):
    (tmp_path / "secret").write_text("secret")
    listed = read_manifest(model)
    content = {"sha256": {**listed, "../secret": "0" * 64, str(tmp_path / "secret"): "0" * 64}}
    (model / "manifest.json").write_text(json.dumps(content))
    assert states(model)["../secret"] == "missing" and states(model)[str(tmp_path / "secret")] == "missing"


# --- every state that a killed process leaves behind passes the check --------------------------------------


def test_new_weights_invalidate_the_manifest_before_they_are_written(model, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("rnner.model.folder.write_tensors", killed)
    with pytest.raises(KeyboardInterrupt):
        save_weights(model, tagger_of(seed=2)[0])
    assert read_manifest(model) is None
    load_model(model)


def test_a_run_killed_between_manifest_and_metrics_is_not_finished_but_can_be_loaded(tmp_path, monkeypatch):
    model = saved(tmp_path / "model")
    (model / "metrics.json").unlink()
    (model / "manifest.json").unlink()

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("rnner.model.folder.write_atomically", killed)
    with pytest.raises(KeyboardInterrupt):
        save_metrics(model, METRICS)
    assert load_metrics(model) is None
    load_model(model)
    monkeypatch.undo()
    save_metrics(model, METRICS)
    assert states(model) == dict.fromkeys(FILES, "ok") and load_metrics(model) == METRICS


def test_a_file_is_not_listed_while_it_is_replaced(model):
    (model / "model.onnx").write_bytes(b"old")
    write_manifest(model)
    with replacing(model, "model.onnx"):
        assert states(model)["model.onnx"] == "not listed"
        (model / "model.onnx").write_bytes(b"new")
    assert states(model)["model.onnx"] == "ok"


def test_a_file_is_never_added_to_a_folder_without_a_manifest(model):
    (model / "manifest.json").unlink()
    with replacing(model, "model.onnx"):
        (model / "model.onnx").write_bytes(b"new")
    assert read_manifest(model) is None

"""`rnner.train`: a config, a folder, a result, and nothing on the terminal."""

import logging

import pytest

import rnner
from rnner.config import load_config
from rnner.errors import ConfigError, UsageError
from rnner.model.folder import load_metrics
from rnner.training.progress import Epoch, Step
from rnner.training.run import InterruptedRun
from rnner.training.setup import TrainingSetup
from tiny_corpus import TRAIN, config_of, write_columns

FAST = ("training.epochs=1", "training.learning_rate=0.01")


def test_the_result_names_the_folder_and_holds_its_metrics(tmp_path, finished_run, capsys):
    config, folder = finished_run
    result = rnner.train(config, output=tmp_path / "run", device="cpu")
    assert result.output == tmp_path / "run"
    assert result.metrics == load_metrics(result.output)
    assert (result.output / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    assert rnner.load(result.output).labels == ["LOC", "MISC", "ORG", "PER"]
    assert capsys.readouterr() == ("", "")


def test_a_config_is_a_file_a_dict_or_a_config(tmp_path, finished_run):
    config, folder = finished_run
    sources = [folder / "config.yaml", str(folder / "config.yaml"), config.model_dump(), config]
    weights = []
    for number, source in enumerate(sources):
        result = rnner.train(source, tmp_path / str(number), overrides=["training.epochs=1"], device="cpu")
        weights.append((result.output / "model.safetensors").read_bytes())
        assert load_config(result.output / "config.yaml").training.epochs == 1
    assert len(set(weights)) == 1


def test_paths_are_also_looked_up_beside_the_file_and_the_folder_is_named_after_it(tmp_path, monkeypatch):
    write_columns(tmp_path / "names.conll", TRAIN)
    (tmp_path / "mine.yaml").write_text("data: {train: names.conll}\nencoder: {hidden: 4}\n")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    result = rnner.train("../mine.yaml", overrides=FAST)
    assert result.output.resolve() == tmp_path / "here" / "runs" / "mine"


def test_without_a_file_the_folder_must_be_named():
    with pytest.raises(UsageError, match=r"train\(config, output=DIR\)"):
        rnner.train(config_of())


def test_progress_is_reported_to_a_function(tmp_path, config):
    seen = []
    rnner.train(config, tmp_path / "run", overrides=FAST, progress=seen.append)
    assert [type(event) for event in seen] == [TrainingSetup, Step, Step, Step, Epoch]


def test_notes_warnings_and_epochs_are_logged(tmp_path, config, caplog):
    write_columns(tmp_path / "dev.conll", "It snowed .")
    with caplog.at_level(logging.INFO, "rnner"):
        rnner.train(config, tmp_path / "run", overrides=[*FAST, "training.epochs=2"])
    messages = [(record.levelname, record.getMessage()[:22]) for record in caplog.records]
    assert messages == [
        ("WARNING", "dev has no entities, s"),
        ("INFO", "epoch 1: loss " + messages[1][1][14:]),
        ("INFO", "epoch 2: loss " + messages[2][1][14:]),
    ]


def test_an_existing_run_is_kept_resumed_or_replaced(tmp_path, config):
    first = rnner.train(config, tmp_path / "run", overrides=FAST)
    with pytest.raises(UsageError, match="contains a run"):
        rnner.train(config, tmp_path / "run", overrides=FAST)
    seen = []
    assert rnner.train(config, tmp_path / "run", overrides=FAST, resume=True, progress=seen.append) == first
    assert seen == []  # it is finished
    again = rnner.train(config, tmp_path / "run", overrides=FAST, overwrite=True, progress=seen.append)
    assert again.metrics["dev"] == first.metrics["dev"] and seen


def test_a_stopped_run_is_saved(tmp_path, config):
    with pytest.raises(InterruptedRun):
        rnner.train(config, tmp_path / "run", overrides=FAST, stop=lambda: True)
    assert rnner.train(config, tmp_path / "run", overrides=FAST, resume=True).metrics["train"]["steps"] == 3


def test_init_from_takes_the_network_of_the_model(tmp_path, finished_run):
    _, folder = finished_run
    data = {"train": str(write_columns(tmp_path / "new.conll", "[SPELL Lumos] glows .\nIt rained .\n" * 3))}
    seen = []
    result = rnner.train(
        {"data": data, "embeddings": {"words": {"vectors": "mine.txt"}}},
        tmp_path / "run",
        overrides=FAST,
        init_from=folder,
        progress=seen.append,
    )
    assert "SPELL" in rnner.load(result.output).labels
    assert load_config(result.output / "config.yaml").encoder.hidden == 8
    assert any("vectors is not read" in note for note in seen[0].notices)
    with pytest.raises(ConfigError, match=r"encoder\.hidden: 9 / 8"):
        rnner.train({"data": data, "encoder": {"hidden": 9}}, tmp_path / "other", init_from=folder)
    assert not (tmp_path / "other").exists()


def test_own_cells_are_registered_by_their_file(tmp_path, config):
    (tmp_path / "cells.py").write_text(
        "from rnner.nn.cells import RNNCell, register_cell\n\n"
        "@register_cell('mine')\nclass Mine(RNNCell):\n    pass\n"
    )
    with pytest.raises(ConfigError, match="no cell is named 'mine'"):
        rnner.train(config, tmp_path / "run", overrides=["encoder.cell=mine"])
    rnner.train(config, tmp_path / "run", overrides=[*FAST, "encoder.cell=mine"], code=tmp_path / "cells.py")

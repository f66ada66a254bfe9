"""Configs of the package, found by name."""

from pathlib import Path

import pytest

from rnner.config import bundled_configs, data_folders, description_of, load_config
from rnner.config.bundled import find_config
from rnner.errors import UsageError

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_every_bundled_config_can_be_loaded_by_name(monkeypatch):
    for variable in ("CONLL2003", "WNUT17", "EN", "VECTORS"):
        monkeypatch.setenv(variable, "data")
    for name, path in bundled_configs().items():
        settings = ["data.train=my.conll"] if name == "default" else []
        assert load_config(name, settings) == load_config(path, settings)


def test_the_configs_of_the_repository_are_those_of_the_package():
    assert {path.stem: path.resolve() for path in (ROOT / "configs").iterdir()} == bundled_configs()


def test_every_description_is_one_short_sentence():
    for name, path in bundled_configs().items():
        text = description_of(path)
        assert text.endswith(".") and len(text) <= 80 - 2 - len("conll2003-small"), name


def test_a_file_takes_precedence_over_a_bundled_config_and_a_folder_does_not(tmp_path):
    Path("notes").write_text("data: {train: my.conll}\n")
    assert load_config("notes").data.train == "my.conll"
    Path("quickstart").mkdir()
    assert load_config("quickstart").data.train == "sample:train"
    Path("other").mkdir()
    with pytest.raises(UsageError, match="other: is a folder"):
        load_config("other")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("quikstart", r"quikstart: unknown config \(did you mean quickstart\?\); .* `rnner config list`"),
        ("zzz", r"zzz: unknown config; give a YAML file, or a name from `rnner config list`"),
        ("my.yaml", r"my.yaml: config file not found; `rnner config init FILE` writes one"),
        ("configs/notes.yaml", r"configs/notes.yaml: config file not found; rnner includes notes: --config"),
    ],
)
def test_an_unknown_name_is_refused_with_advice(name, message):
    with pytest.raises(UsageError, match=f"^{message}"):
        find_config(name)


def test_relative_paths_of_a_bundled_config_are_not_looked_up_in_the_package(tmp_path):
    Path("my.yaml").write_text("data: {train: my.conll}\n")
    assert data_folders("my.yaml") == [tmp_path]
    assert data_folders("default") == data_folders(None) == []

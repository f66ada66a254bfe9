"""Fixtures shared by several test files."""

import gc
from pathlib import Path

import pytest
from hypothesis import settings

from overfit_corpus import write_corpus
from rnner.cli import main as cli
from rnner.nn import cells
from rnner.text import tokenizer
from run_helpers import run
from tiny_corpus import corpus_config

# The suite tests the same examples in each run, so it fails on what has changed and on nothing else. New
# examples are searched for with `pytest --hypothesis-profile search`.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=2000, deadline=None)
settings.load_profile("same")


def pytest_collection_finish():
    """Keep the garbage collector from going through the libraries and the collected tests again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def temporary_cache(tmp_path_factory):
    """Use a temporary cache, not the cache of the user who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNNER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def restore_registries(monkeypatch):
    """Unregister the cells and tokenizers that a test registers."""
    monkeypatch.setattr(cells, "_CELLS", dict(cells._CELLS))
    monkeypatch.setattr(tokenizer, "_SEGMENTERS", dict(tokenizer._SEGMENTERS))


@pytest.fixture
def config(tmp_path):
    """The tiny config, with a new copy of its corpus next to it."""
    return corpus_config(tmp_path)


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    """The config and folder of a finished, uninterrupted run. Do not write to it."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    config = corpus_config(folder)
    run(folder / "run", config)
    return config, folder / "run"


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A model that has overfitted the tiny corpus. Do not change it."""
    folder = tmp_path_factory.mktemp("trained")
    write_corpus(folder)
    config, output = str(folder / "tiny.yaml"), str(folder / "model")
    assert cli.run(["train", "--config", config, "--output", output, "--quiet", "--threads", "1"]) == 0
    return Path(output)


@pytest.fixture(scope="session")
def exported(trained, tmp_path_factory):
    """The same model exported to one ONNX file. Do not change it."""
    path = tmp_path_factory.mktemp("exported") / "new" / "model.onnx"
    assert cli.run(["export", "--model", str(trained), "--output", str(path)]) == 0
    return path

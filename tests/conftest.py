"""What several test files share."""

from pathlib import Path

import pytest

from learnt import write_corpus
from rnner.cli import main as cli
from rnner.nn import cells
from runs import run
from tiny import corpus_config


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Nothing is kept in the cache of who runs the tests, or taken from there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNNER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    """A cell that a test registers is forgotten after it."""
    monkeypatch.setattr(cells, "_CELLS", dict(cells._CELLS))


@pytest.fixture
def config(tmp_path):
    """The tiny config, its corpus freshly written beside it."""
    return corpus_config(tmp_path)


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """A finished, undisturbed run: its config and folder. Not to be written to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    config = corpus_config(folder)
    run(folder / "run", config)
    return config, folder / "run"


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A model that knows the tiny corpus by heart; not to be changed, see `model`."""
    folder = tmp_path_factory.mktemp("trained")
    write_corpus(folder)
    config, output = str(folder / "tiny.yaml"), str(folder / "model")
    assert cli.run(["train", "--config", config, "--output", output, "--quiet", "--threads", "1"]) == 0
    return Path(output)


@pytest.fixture(scope="session")
def exported(trained, tmp_path_factory):
    """That model as one file; not to be changed."""
    path = tmp_path_factory.mktemp("exported") / "new" / "model.onnx"
    assert cli.run(["export", str(trained), str(path)]) == 0
    return path

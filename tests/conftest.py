"""What several test files of the middle layers share."""

import pytest

from runs import run
from tiny import corpus_config


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Nothing is kept in the cache of who runs the tests, or taken from there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNNER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


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

"""A service with the tiny model, in this process."""

import shutil
from pathlib import Path

import pytest

import rnner
from rnner.serve.access import LOOPBACK, Access
from rnner.serve.app import Service
from rnner.serve.limits import Limits
from rnner.serve.model import LoadedModel
from service import TOKEN, client_of  # skips these tests without the extra


@pytest.fixture(scope="session")
def pipeline(trained):
    return rnner.load(trained)


@pytest.fixture
def model(trained, tmp_path):
    """A copy of the trained model that a test may change."""
    return Path(shutil.copytree(trained, tmp_path / "model"))


@pytest.fixture
def serve(trained, pipeline):
    """Return a service of the trained model with these limits."""

    def create(access=None, *, reloads=False, load=None, **limits):
        load = load or (lambda: LoadedModel("tiny", trained, pipeline))
        return Service(load, Limits(**limits), access or Access(hosts=LOOPBACK), reloads=reloads)

    return create


@pytest.fixture
def client(serve):
    with client_of(serve()) as client:
        yield client


@pytest.fixture
def guarded(serve):
    """A client of a service that needs a token and can be reloaded."""
    with client_of(serve(Access(token=TOKEN, hosts=LOOPBACK), reloads=True)) as client:
        yield client

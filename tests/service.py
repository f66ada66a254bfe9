"""Services in this process, for the tests of `rnner serve`."""

from contextlib import contextmanager

import pytest

pytest.importorskip("fastapi", reason='needs the extra: pip install "rnner[serve]"')

from starlette.testclient import TestClient

import rnner
from rnner.serve.model import LoadedModel

TOKEN = "a-token-for-the-tests"
BEARER = {"authorization": f"Bearer {TOKEN}"}
JSON = {"content-type": "application/json"}


def loader(path):
    """Return the function that loads a model for a service."""
    return lambda: LoadedModel(path.name, path, rnner.load(path))


@contextmanager
def client_of(service, **options):
    """Start a service and yield its client, which sees no exceptions, like a client over the network."""
    address = "http://127.0.0.1:8000"
    with TestClient(service.app, base_url=address, raise_server_exceptions=False, **options) as client:
        yield client


def refused(answer, status, *parts):
    """Check that an answer is the JSON of an error, with these parts in its message."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    content = answer.json()
    assert list(content) == ["error"]
    assert "Traceback" not in content["error"]
    for part in parts:
        assert part in content["error"]

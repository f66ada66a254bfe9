"""Services in this process, for the tests of `rnner serve`."""

import threading
from contextlib import contextmanager

import pytest

pytest.importorskip("fastapi", reason='needs the extra: pip install "rnner[serve]"')

from starlette.testclient import TestClient

import rnner
from rnner.serve.model import LoadedModel
from rnner.serve.server import address_of, open_socket, run_service

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


@contextmanager
def running(service):
    """Run a service in a thread and yield its address."""
    listener, started, stops = open_socket("127.0.0.1", 0), threading.Event(), []
    address = address_of(listener)

    def on_start(stop):
        stops.append(stop)
        started.set()

    thread = threading.Thread(target=run_service, args=(service, listener, on_start))
    thread.start()
    try:
        assert started.wait(10)
        yield address
    finally:
        for stop in stops:
            stop()
        thread.join(10)
    assert not thread.is_alive()


def refused(answer, status, *parts):
    """Check that an answer is the JSON of an error, with these parts in its message."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    content = answer.json()
    assert list(content) == ["error"]
    assert "Traceback" not in content["error"]
    for part in parts:
        assert part in content["error"]

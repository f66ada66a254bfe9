"""Answers of a service whose model is slow, busy or broken."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from rnner.decoding.document import Document
from rnner.serve.model import LoadedModel
from service import client_of, refused


class StubModel:
    """A model that finds nothing, and that a test can hold back or break."""

    vocabulary = SimpleNamespace(labels=[], scheme="iob2")

    def __init__(self):
        self.go, self.running = threading.Event(), threading.Event()
        self.go.set()

    def documents(self, texts):
        self.running.set()
        assert self.go.wait(10)
        if "break" in texts:
            raise ValueError(f"cannot read {texts}")
        return [Document(text, [[]], [[]]) for text in texts]

    __call__ = documents


@pytest.fixture
def model():
    return StubModel()


@pytest.fixture
def start(serve, model, trained):
    """Start a service of the model with these limits, and hold the model back from now on."""

    def start(**limits):
        service = serve(load=lambda: LoadedModel("stub", trained, model), **limits)
        model.go.clear()
        model.running.clear()
        return client_of(service)

    yield start
    model.go.set()


def test_an_answer_that_is_not_ready_in_time(start, model):
    with start(seconds=0.2) as client:
        answer = client.post("/predict", json={"text": "Ada"})
        refused(answer, 504, "the answer was not ready in time; 0.2 seconds are allowed (--timeout)")
        assert answer.headers["retry-after"] == "1"
        refused(client.get("/ready"), 503, "one batch has taken more than 0.2 seconds")
        assert client.get("/health").status_code == 200
        model.go.set()
        time.sleep(0.05)
        assert client.get("/ready").status_code == 200
        assert client.post("/predict", json={"text": "Ada"}).status_code == 200


def test_more_requests_than_may_wait(start, model):
    with start(queue=2) as client, ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(client.post, "/predict", json={"text": "first"})]
        assert model.running.wait(5)
        answers += [pool.submit(client.post, "/predict", json={"text": "next"}) for _ in range(2)]
        while "rnner_queue_requests 2.0" not in client.get("/metrics").text:
            time.sleep(0.005)
        answer = client.post("/predict", json={"text": "one too many"})
        refused(answer, 503, "2 requests are waiting; at most 2 may wait (--max-queue)")
        assert answer.headers["retry-after"] == "1"
        refused(client.get("/ready"), 503)
        model.go.set()
        assert [answer.result().status_code for answer in answers] == [200] * 3


def test_an_error_of_the_model_is_reported_without_the_text(start, model, caplog):
    caplog.set_level(logging.INFO, "rnner.serve")
    with start() as client:
        model.go.set()
        answer = client.post("/predict", json={"text": "break"})
        refused(answer, 500, "an error of the service, not of the request")
        assert "break" not in answer.text
        assert client.post("/predict", json={"text": "Ada"}).status_code == 200
    messages = [record.getMessage() for record in caplog.records]
    assert any(m.startswith("unexpected ValueError at test_load.py:") for m in messages)
    assert not any("break" in message or "Ada" in message for message in messages)
    assert any(message.startswith("POST /predict 500 ") for message in messages)
    assert answer.headers["content-security-policy"]


def test_paths_are_logged_without_their_query_and_escaped(client, caplog):
    caplog.set_level(logging.INFO, "rnner.serve")
    client.get("/no%0Asuch?text=Ada%20Lovelace")
    (message,) = [record.getMessage() for record in caplog.records if record.name == "rnner.serve.requests"]
    assert message.startswith("GET /no%0Asuch 404 ")

"""The model of a service: batches do not change its answers, and it can be replaced."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from rnner.errors import ModelError
from rnner.serve.access import LOOPBACK, Access
from rnner.serve.app import Service
from rnner.serve.batcher import Piece
from rnner.serve.model import ModelSlot
from rnner.serve.service_metrics import Metrics
from service import BEARER, TOKEN, client_of, loader, refused

TEXTS = [
    "Ada Lovelace wrote to Charles Babbage.",
    "",
    "Nobody in Paris had heard of it. Alan Turing walked from Cambridge to London.",
    "London",
    "Remington Rand hired Konrad Zuse, " * 40,
    "Grace Hopper joined Remington Rand in Philadelphia.",
]


@pytest.fixture
def slot(trained):
    return ModelSlot(loader(trained), Metrics())


def rounded(item):
    """Return an answer with probabilities of five digits; the seventh depends on the size of a product."""
    if isinstance(item, dict):
        return {key: rounded(value) for key, value in item.items()}
    if isinstance(item, list):
        return [rounded(value) for value in item]
    return round(item, 5) if isinstance(item, float) else item


def test_answers_do_not_depend_on_the_batch(slot):
    pieces = [Piece(text, threshold, nbest) for text in TEXTS for threshold in (0, 0.9) for nbest in (0, 2)]
    alone = [json.loads(slot.predict([piece])[0]) for piece in pieces]
    together = list(map(json.loads, slot.predict(pieces)))
    backwards = list(map(json.loads, slot.predict(pieces[::-1])))[::-1]
    for found in (together, backwards):
        assert [rounded(item) for item in found] == [rounded(item) for item in alone]


@pytest.fixture
def replaceable(model):
    """A folder with a model that a test may change, and the client of a service with it."""
    service = Service(loader(model), access=Access(TOKEN, LOOPBACK), reloads=True)
    with client_of(service) as client:
        yield model, client


def test_reload_takes_the_new_model(replaceable, trained):
    folder, client = replaceable
    before = client.post("/predict", json={"text": TEXTS[0]}, headers=BEARER).json()
    loaded = client.get("/model", headers=BEARER).json()
    (folder / "README.md").write_text("A new card.")
    answer = client.post("/reload", headers=BEARER)
    assert answer.status_code == 200
    assert answer.json()["card"] == "A new card." != loaded["card"]
    assert client.post("/predict", json={"text": TEXTS[0]}, headers=BEARER).json() == before
    assert 'rnner_reloads_total{result="done"} 1.0' in client.get("/metrics", headers=BEARER).text


@pytest.mark.parametrize("name", ["config.yaml", "model.safetensors", "vocabulary.json"])
def test_a_broken_model_does_not_replace_the_current_one(replaceable, name):
    folder, client = replaceable
    before = client.post("/predict", json={"text": TEXTS[0]}, headers=BEARER).json()
    content = (folder / name).read_bytes()
    (folder / name).unlink()  # the current model may still map the old file
    (folder / name).write_bytes(content[: len(content) // 2])
    refused(client.post("/reload", headers=BEARER), 500, "the current model stays", name)
    assert client.post("/predict", json={"text": TEXTS[0]}, headers=BEARER).json() == before
    assert client.get("/ready").status_code == 200
    assert 'rnner_reloads_total{result="failed"} 1.0' in client.get("/metrics", headers=BEARER).text


def test_a_service_without_a_model_does_not_start(tmp_path):
    with pytest.raises(ModelError, match="not found"):
        Service(loader(tmp_path / "gone"))


def test_one_reload_at_a_time(trained):
    load, go, calls = loader(trained), threading.Event(), 0

    def slow():
        nonlocal calls
        calls += 1
        assert calls == 1 or go.wait(10)
        return load()

    service = Service(slow, access=Access(TOKEN, LOOPBACK), reloads=True)
    with client_of(service) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, "/reload", headers=BEARER)
        while calls < 2:
            pass
        refused(client.post("/reload", headers=BEARER), 409, "already being loaded")
        assert client.post("/predict", json={"text": TEXTS[0]}, headers=BEARER).status_code == 200
        go.set()
        assert first.result().status_code == 200


def test_reload_needs_the_token_and_post(guarded):
    refused(guarded.post("/reload"), 401)
    refused(guarded.get("/reload", headers=BEARER), 405)
    refused(guarded.post("/reload", headers={**BEARER, "origin": "https://evil.example"}), 403)


def test_no_request_is_dropped_while_the_model_is_replaced(replaceable):
    _, client = replaceable
    expected = client.post("/predict", json={"text": TEXTS[0]}, headers=BEARER).json()
    with ThreadPoolExecutor(5) as pool:
        reloads = pool.submit(lambda: [client.post("/reload", headers=BEARER) for _ in range(3)])
        answers = [
            pool.submit(client.post, "/predict", json={"text": TEXTS[0]}, headers=BEARER) for _ in range(60)
        ]
        assert all(answer.result().json() == expected for answer in answers)
        assert [answer.status_code for answer in reloads.result()] == [200] * 3


def test_damaged_scores_are_reported(model):
    (model / "metrics.json").write_text("{")
    with pytest.raises(ModelError, match=r"metrics\.json: is not JSON"):
        ModelSlot(loader(model), Metrics())


def test_an_exported_model_is_served(exported):
    slot = ModelSlot(loader(exported), Metrics())
    assert slot.description["card"] is None
    (answer,) = slot.predict([Piece(TEXTS[0])])
    assert [entity["text"] for entity in json.loads(answer)["entities"]] == [
        "Ada Lovelace",
        "Charles Babbage",
    ]

import json

import pytest

from rnner.cli.main import run
from service import refused

TEXT = "Ada Lovelace wrote to Charles Babbage. Nobody in Paris had heard of it."
TEXTS = [TEXT, "", "It rained.", "Konrad Zuse met Hedy Lamarr in Vienna."]


def predicted(trained, tmp_path, texts, *options):
    """Return what `rnner predict --format json` writes."""
    source, output = tmp_path / "texts.jsonl", tmp_path / "found.json"
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    command = ["predict", "--model", trained, "--file", source, "--output", output, *options]
    assert run([str(part) for part in command]) == 0
    return output.read_text()


@pytest.mark.parametrize(
    ("asked", "options"),
    [
        ({}, []),
        ({"threshold": 0.9}, ["--threshold", "0.9"]),
        ({"nbest": 3}, ["--nbest", "3"]),
        ({"nbest": 2, "threshold": 1}, ["--nbest", "2", "--threshold", "1"]),
    ],
)
def test_the_answer_is_what_predict_writes(client, trained, tmp_path, asked, options):
    answer = client.post("/predict", json={"texts": TEXTS, **asked})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.text == predicted(trained, tmp_path, TEXTS, *options)


def test_one_text_gets_one_object(client):
    (first, *_) = client.post("/predict", json={"texts": TEXTS}).json()
    assert client.post("/predict", json={"text": TEXT}).json() == first
    assert [entity["text"] for entity in first["entities"]] == ["Ada Lovelace", "Charles Babbage", "Paris"]


def test_no_texts_get_no_objects(client):
    assert client.post("/predict", json={"texts": []}).json() == []
    assert client.post("/predict", json={"text": ""}).json() == {"text": "", "entities": []}


def test_the_model_describes_itself(client, trained):
    model = client.get("/model").json()
    assert (model["name"], model["labels"], model["scheme"]) == ("tiny", ["LOC", "ORG", "PER"], "bioes")
    assert model["card"] == (trained / "README.md").read_text()
    assert model["metrics"] == json.loads((trained / "metrics.json").read_text())
    assert model["colours"]["PER"] == {"light": "#87d7d7", "dark": "#0b4f57"}


def test_a_service_is_healthy_and_ready(client):
    assert client.get("/health").json() == {"status": "ok", "token": False}
    assert client.get("/ready").json() == {"status": "ready"}


def test_metrics_count_what_was_answered(client):
    parser = pytest.importorskip("prometheus_client.parser")
    client.post("/predict", json={"texts": TEXTS})
    client.post("/predict", content="{", headers={"content-type": "application/json"})
    client.get("/no/such/address")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in parser.text_string_to_metric_families(answer.text)}
    requests = {tuple(sample.labels.values()): sample.value for sample in families["rnner_requests"].samples}
    assert requests == {("/predict", "200"): 1, ("/predict", "400"): 1, ("other", "404"): 1}
    entities = {sample.labels["label"]: sample.value for sample in families["rnner_entities"].samples}
    assert entities == {"PER": 4, "LOC": 2}
    (texts,) = families["rnner_texts"].samples
    assert texts.value == len(TEXTS)
    assert "rnner_request_seconds" in families
    assert families["rnner_queue_requests"].samples[0].value == 0


def test_addresses_that_do_not_exist_and_methods_that_are_not_taken(client):
    refused(client.get("/nope"), 404, "nothing at this address", "/docs")
    refused(client.get("/predict/"), 404)
    refused(client.get("/predict"), 405, "does not take GET", "POST")
    refused(client.delete("/model"), 405, "expected GET")
    refused(client.post("/reload"), 404)


def test_the_documentation_is_complete_and_loads_nothing_from_elsewhere(client):
    openapi = client.get("/openapi.json").json()
    assert sorted(openapi["paths"]) == ["/health", "/metrics", "/model", "/predict", "/ready"]
    request = openapi["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert sorted(request["properties"]) == ["nbest", "text", "texts", "threshold"]
    assert request["properties"]["text"]["maxLength"] == 100_000
    page = client.get("/docs").text
    assert "<code>POST /predict</code>" in page and "<code>GET /metrics</code>" in page
    assert "http" not in page.replace("http-equiv", "")
    assert page.count("<h1>") == 1


def test_the_documented_example_is_an_answer_of_the_documented_form(client):
    operation = client.get("/openapi.json").json()["paths"]["/predict"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["schema"]["examples"][0]
    shown = operation["responses"]["200"]["content"]["application/json"]["example"]
    answer = client.post("/predict", json=example).json()
    assert answer.keys() == shown.keys()
    assert answer["entities"][0].keys() == shown["entities"][0].keys()

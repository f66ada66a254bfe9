"""The services in docs/service.md answer requests as the page says."""

import json
import re
import threading
from http.client import HTTPConnection
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "service.md").read_text(encoding="utf-8")
PROGRAMS = dict(re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
TEXTS = ["Dr. Amara Nwosu flew from Lagos to Oslo.", "It rained."]


def program(name):
    """Run a program of the page and return its variables."""
    variables = {"__name__": "service"}
    exec(compile(PROGRAMS[name], name, "exec"), variables)
    return variables


@pytest.fixture(scope="module")
def post():
    """Send a body to the service of the standard library; return the status and the answer."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), program("serve.py")["Handler"])
    server.RequestHandlerClass.log_message = lambda *_: None
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def send(body, **headers):
        connection = HTTPConnection("127.0.0.1", server.server_address[1], timeout=30)
        connection.request("POST", "/", body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    yield send
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_request_gets_the_entities_of_each_text(post):
    status, (first, second) = post(json.dumps({"texts": TEXTS}))
    assert status == 200
    assert [(it["label"], it["start"], it["end"]) for it in first] == [
        ("PER", 4, 15),
        ("LOC", 26, 31),
        ("LOC", 35, 39),
    ]
    assert second == []


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ("{", "property name"),
        ('{"text": "Oslo"}', "texts"),
        ('{"texts": [null]}', "texts[0] is None"),
        ('{"texts": "Oslo"}', "texts is not a list"),
        ("", "0 bytes"),
    ],
)
def test_an_invalid_request_is_answered_with_its_reason(post, body, part):
    status, answer = post(body)
    assert status == 400
    assert part in answer["error"]


def test_a_large_request_is_refused_before_it_is_read(post):
    status, answer = post("", **{"Content-Length": "1000001"})
    assert (status, answer["error"]) == (400, "the body has 1000001 bytes; 1 to 1000000 are allowed")


def test_the_fastapi_service_answers_alike():
    testclient = pytest.importorskip("fastapi.testclient", reason="fastapi is not installed")
    client = testclient.TestClient(program("api.py")["app"])
    first, second = client.post("/entities", json={"texts": TEXTS}).json()
    assert [it["text"] for it in first] == ["Amara Nwosu", "Lagos", "Oslo"]
    assert second == []
    assert client.post("/entities", json={"texts": [None]}).status_code == 422

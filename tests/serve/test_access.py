"""Who may send requests."""

import pytest

from rnner.serve.access import Access, host_name, is_loopback
from service import BEARER, TOKEN, client_of, refused

BODY = {"text": "Ada Lovelace"}


@pytest.mark.parametrize("path", ["/model", "/metrics", "/no/such/address", "/reload"])
def test_all_but_public_addresses_need_the_token(guarded, path):
    answer = guarded.get(path)
    refused(answer, 401, "no token; expected the header Authorization: Bearer TOKEN")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/", "/serve.js", "/page.css", "/docs", "/openapi.json", "/ready"])
def test_pages_and_checks_need_no_token(guarded, path):
    assert guarded.get(path).status_code == 200


def test_the_health_check_says_that_a_token_is_needed(guarded):
    assert guarded.get("/health").json() == {"status": "ok", "token": True}


def test_the_right_token_opens_everything(guarded):
    assert guarded.post("/predict", json=BODY, headers=BEARER).status_code == 200
    assert guarded.get("/model", headers={"authorization": f"bearer  {TOKEN} "}).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        *("Bearer", "Bearer ", "Bearer wrong", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", TOKEN),
        *(f"Basic {TOKEN}", f"Bearer {TOKEN.upper()}", b"Bearer \xe9\xff", "Bearer " + "x" * 5000),
    ],
)
def test_wrong_tokens(guarded, header):
    answer = guarded.post("/predict", json=BODY, headers={"authorization": header})
    refused(answer, 401)
    assert TOKEN not in answer.text


def test_a_wrong_token_is_refused_before_the_body_is_read(guarded):
    refused(guarded.post("/predict", content=b" " * 10_000_000, headers={"authorization": "x"}), 401)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost:8000", "LOCALHOST", "[::1]:9"])
def test_names_of_this_machine(client, host):
    assert client.get("/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost@evil", "", "[::1"]
)
def test_another_name_may_be_an_attempt_to_read_this_machine(client, host):
    refused(client.get("/health", headers={"host": host}), 421, "expected 127.0.0.1, [::1], localhost")


def test_without_names_any_name_is_allowed(serve):
    with client_of(serve(Access())) as client:
        assert client.get("/health", headers={"host": "names.example"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:3000"},
        {"origin": ""},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:8000"},
    ],
)
def test_pages_of_other_sites_may_not_predict(client, headers):
    answer = client.post("/predict", json=BODY, headers=headers)
    refused(answer, 403, "a page of another site")
    assert not any(name.startswith("access-control-") for name in answer.headers)


def test_its_own_page_may_predict(client):
    own = {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
    assert client.post("/predict", json=BODY, headers=own).status_code == 200


def test_browsers_are_not_allowed_to_ask_from_other_sites(client):
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    answer = client.options("/predict", headers=asked)
    refused(answer, 405)
    assert not any(name.startswith("access-control-") for name in answer.headers)


@pytest.mark.parametrize("path", ["/", "/docs", "/health", "/nope", "/model"])
def test_every_answer_has_the_security_headers(client, path):
    headers = client.get(path).headers
    assert "'unsafe" not in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_host_names():
    assert host_name("Names.Example.:8000") == "names.example"
    assert host_name("[::1]:8000") == "[::1]"


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_addresses_of_this_machine(address):
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.2", "names.example"])
def test_addresses_that_others_reach(address):
    assert not is_loopback(address)

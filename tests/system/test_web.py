"""HTTP GET: limits, redirects, tokens, proxies. tests/model/test_hostile_hub.py has the attacks."""

import socket
import threading
import time

import pytest

from raw_server import http, serve
from rnner.system import web
from rnner.system.web import WebError, fetch


def get(url, limit=1000, seconds=5, **options):
    return b"".join(map(bytes, fetch(url, limit=limit, seconds=seconds, **options)))


def moved(target, status="302 Found"):
    return http(b"<html>", f"Location: {target}", status=status)


def test_content_is_yielded_in_blocks_up_to_the_limit():
    content = bytes(range(256)) * 1000
    for length in (True, False):
        with serve(lambda path, length=length: http(content, length=length)) as server:
            assert get(server.url, limit=len(content)) == content
            with pytest.raises(WebError, match="more than the expected 255,999 bytes"):
                get(server.url, limit=len(content) - 1)


def test_chunks_are_joined():
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
    with serve(lambda path: answer) as server:
        assert get(server.url) == b"abcde"


def test_status_and_reason_of_an_error_are_reported():
    with serve(lambda path: http(b"", "X-Error-Code: RepoNotFound", status="404 Gone away")) as server:
        with pytest.raises(WebError, match=r"^HTTP 404 Not Found$") as caught:
            get(server.url)
        assert (caught.value.status, caught.value.reason) == (404, "RepoNotFound")
        assert not caught.value.temporary


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See other", "307 Temporary", "308 For ever"]
)
def test_redirects_are_followed_and_relative_ones_resolved(status):
    def answer(path):
        return http(b"here") if path == "/b/d%20e?x=%2F" else moved("../b/d%20e?x=%2F", status)

    with serve(answer) as server:
        assert get(f"{server.url}/a/c") == b"here"


def test_the_token_is_sent_to_the_same_server_only():
    with serve(lambda path: http(b"other")) as other:

        def answer(path):
            return moved("/2") if path == "/1" else moved(f"{other.url}/3")

        with serve(answer) as server:
            assert get(f"{server.url}/1", token="secret") == b"other"
    assert [b"Bearer secret" in r.encode() for r in (*server.requests, *other.requests)] == [
        True,
        True,
        False,
    ]


def test_from_https_no_redirect_leads_to_http():
    allowed = web._target("https://hub/a", "https://cdn/x?y=%2f")
    assert allowed == "https://cdn/x?y=%2f"
    for target in ("http://hub/a", "file:///etc/passwd", ""):
        with pytest.raises(WebError, match="redirects to an address that is not allowed"):
            web._target("https://hub/a", target)


def test_a_proxy_of_the_environment_is_used(monkeypatch):
    with serve(lambda path: http(path.encode())) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert get("http://hub.invalid/x") == b"http://hub.invalid/x"


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://127.0.0.1/", "x", "http:///", "http://a:b/", "http://[/"]
)
def test_other_addresses_are_refused(url):
    with pytest.raises(WebError):
        get(url)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_never_answers_is_given_up(scheme, monkeypatch):
    monkeypatch.setattr(web, "_STALL", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        before = time.monotonic()
        with pytest.raises(WebError, match=r"no answer for 0.1 seconds|timed out"):
            get(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/")
        assert time.monotonic() - before < 3


def test_the_deadline_ends_a_request_wherever_it_is():
    """Each byte comes in time, but all together too late."""

    def slowly(path):
        yield b"HTTP/1.1 200 OK\r\nX-Name: "
        for _ in range(100):
            time.sleep(0.05)
            yield b"x"

    with serve(slowly) as server:
        before = time.monotonic()
        with pytest.raises(WebError, match="too slow: not finished after 0 seconds") as caught:
            get(server.url, seconds=0.2)
        assert time.monotonic() - before < 2 and not caught.value.temporary


def test_no_thread_stays_behind():
    with serve(lambda path: http(b"ok")) as server:
        before = threading.active_count()
        get(server.url, seconds=60)
        time.sleep(0.1)
        assert threading.active_count() <= before + 1  # of the server

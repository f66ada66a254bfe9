"""A hostile Hub: whatever it answers, bytes and time are bounded and nothing is written outside the cache."""

import hashlib
import json
import time
import tracemalloc

import pytest
from huggingface_hub import constants

from raw_server import http, serve
from rnner.errors import ModelError
from rnner.model.names import find_model

FILES = {"config.yaml": b"{}", "vocabulary.json": b"[]", "model.safetensors": b"weights" * 100}
COMMIT = "0123456789abcdef0123456789abcdef01234567"
OUTSIDE = "../../../../../outside"
MEGABYTE = 1 << 20


def listing(**changes):
    siblings = [{"rfilename": name, "size": len(content)} for name, content in FILES.items()]
    return {"id": "ada/names", "sha": COMMIT, "siblings": siblings, **changes}


def entry(**changes):
    """Return a listing in which the entry of the weights has these values; ... removes a key."""
    value = {"rfilename": "model.safetensors", "size": len(FILES["model.safetensors"]), **changes}
    value = {key: one for key, one in value.items() if one is not ...}
    return listing(siblings=[*listing()["siblings"][:2], value])


def for_ever(block, start=b"", pause=0.0):
    """Yield a block again and again, for a minute at most."""
    end = time.monotonic() + 60
    yield start
    while time.monotonic() < end:
        yield block
        time.sleep(pause)


ZEROS = bytes(MEGABYTE)
ENDLESS_HEADER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def moved(target, *headers):
    return http(b"", f"Location: {target}", *headers, status="302 Found")


# What a request may be answered with, for a listing or a file alike.
ANSWERS = {
    "endless body": lambda: for_ever(ZEROS, ENDLESS_HEADER),
    "endless chunks": lambda: for_ever(b"100000\r\n" + ZEROS + b"\r\n", CHUNKED),
    "negative chunk": lambda: for_ever(ZEROS, CHUNKED + b"-1\r\n"),
    "negative chunks": lambda: for_ever(b"-1\r\n", CHUNKED),
    "chunk of 10**30 bytes": lambda: for_ever(ZEROS, CHUNKED + b"f" * 25 + b"\r\n"),
    "endless size of a chunk": lambda: for_ever(b"0" * MEGABYTE, CHUNKED),
    "endless trailer": lambda: for_ever(b"X-Name: value\r\n", CHUNKED + b"0\r\n"),
    "wrong chunk": lambda: CHUNKED + b"zz\r\n",
    "length of 10**30": lambda: for_ever(ZEROS, http(b"", f"Content-Length: {10**30}", length=False)),
    "negative length": lambda: for_ever(ZEROS, http(b"", "Content-Length: -5", length=False)),
    "two lengths": lambda: http(b"12345", "Content-Length: 3"),
    "endless header": lambda: for_ever(b"a" * MEGABYTE, b"HTTP/1.1 200 OK\r\nX-Name: "),
    "endless headers": lambda: for_ever(b"X-Name: value\r\n" * 100, b"HTTP/1.1 200 OK\r\n"),
    "endless continues": lambda: for_ever(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "endless status": lambda: for_ever(b"H" * MEGABYTE),
    "slow header": lambda: for_ever(b"a", b"HTTP/1.1 200 OK\r\nX-Name: ", pause=0.05),
    "slow body": lambda: for_ever(b"a", ENDLESS_HEADER, pause=0.05),
    "slow blanks": lambda: for_ever(b" ", b"HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n", pause=0.05),
    "silence": lambda: for_ever(b"", pause=0.05),
    "silence in the body": lambda: for_ever(b"", http(b"{", "Content-Length: 10", length=False), pause=0.05),
    "closed": lambda: b"",
    "closed in the header": lambda: b"HTTP/1.1 200 OK\r\nContent-",
    "closed in the body": lambda: http(b"[", "Content-Length: 10", length=False),
    "no HTTP": lambda: b"220 ready\r\n",
    "HTTP 0.9": lambda: b"<html>",
    "status 999999": lambda: http(status="999999 Odd"),
    "status -1": lambda: http(status="-1 Odd"),
    "compressed": lambda: http(b"\x1f\x8b\x08" + ZEROS, "Content-Encoding: gzip"),
    "unknown encoding": lambda: http(b"", "Content-Encoding: ../../x"),
    "too many requests": lambda: http(status="429 Too Many Requests"),
    "retry after a year": lambda: http(b"", "Retry-After: 31536000", status="429 Too Many Requests"),
    "server error": lambda: http(b"<html>", status="500 Internal Server Error"),
    "endless server error": lambda: for_ever(ZEROS, b"HTTP/1.1 503 Busy\r\n\r\n"),
    "forbidden": lambda: http(b"", "X-Error-Message: \x1b[2Jerror", status="403 Forbidden"),
    "nothing new": lambda: http(status="304 Not Modified"),
    "no content": lambda: http(status="204 No Content"),
    "part": lambda: http(b"{}", status="206 Partial Content"),
    "to a file": lambda: moved("file:///etc/passwd"),
    "to a file without slashes": lambda: moved("file:/etc/passwd"),
    "to FTP": lambda: moved("ftp://127.0.0.1/x"),
    "to data": lambda: moved("data:text/plain,x"),
    "to code": lambda: moved("javascript:alert(1)"),
    "to nothing": lambda: moved(""),
    "without a place": lambda: http(status="302 Found"),
    "to itself": lambda: moved("again"),
    "to a broken address": lambda: moved("http://[::1"),
    "to a broken port": lambda: moved("http://127.0.0.1:port/"),
    "to no host": lambda: moved("http:///x"),
    "to a long address": lambda: moved("/" + "x" * 60_000),
    "to controls": lambda: moved("http://127.0.0.1\t/\x1b[2J"),
    "to other letters": lambda: moved("http://\xff\xfe/"),
    "endless redirect": lambda: for_ever(ZEROS, b"HTTP/1.1 302 Found\r\nLocation: again\r\n\r\n"),
    "endless redirect with a length": lambda: for_ever(
        ZEROS, b"HTTP/1.1 302 Found\r\nLocation: again\r\nContent-Length: 99999999999\r\n\r\n"
    ),
}  # fmt: skip

LISTINGS = {
    **{f"commit {sha!r:.30}": listing(sha=sha) for sha in (
        OUTSIDE, "", "..", "/etc", COMMIT[:39], COMMIT + "\n", COMMIT.upper(), COMMIT[:36] + "/../",
        "\0" * 40, None, 5, [COMMIT], {"sha": COMMIT}, "x" * 100_000,
    )},
    **{f"size {size!r:.30}": entry(size=size) for size in (
        ..., None, -1, 2.5, "100", True, [], {}, float("nan"), float("inf"), 10**400, 1 << 62,
    )},
    **{f"digest {digest!r:.30}": entry(lfs={"sha256": digest}) for digest in (
        OUTSIDE, "", "0" * 64, "0" * 63, 5, ["0" * 64],
    )},
    "lfs of another type": entry(lfs=[1]),
    "lfs text": entry(lfs="x"),
    "no name": entry(rfilename=...),
    "name of another type": entry(rfilename={"a": 1}),
    "name outside": entry(rfilename=f"{OUTSIDE}/model.safetensors"),
    "name with a folder": entry(rfilename="x/model.safetensors"),
    "absolute name": entry(rfilename="/etc/model.safetensors"),
    "name with NUL": entry(rfilename="model.safetensors\0"),
    "name with another separator": entry(rfilename="..\\model.safetensors"),
    "no files": listing(siblings=[]),
    "no list": listing(siblings=None),
    "list of another type": listing(siblings={"config.yaml": 1}),
    "numbers": listing(siblings=[1, 2]),
    "null": None,
    "list": [listing()],
    "text": "ada",
}  # fmt: skip
RAW_LISTINGS = {
    "100,000 files": json.dumps(listing(siblings=listing()["siblings"] + [
        {"rfilename": f"data/part-{i:08}.parquet", "size": i, "blobId": COMMIT} for i in range(100_000)
    ])).encode(),
    "deep": b"[" * MEGABYTE,
    "deep objects": b'{"sha":' * 500_000,
    "many lists": b"[" + b"[]," * 100_000 + b"[]]",
    "long number": b"9" * MEGABYTE,
    "huge number": b'{"sha": 1e999}',
    "nothing": b"",
    "not UTF-8": b'{"sha": "\xff\xfe"}',
    "UTF-16": json.dumps(listing()).encode("utf-16-le")[:301],
    "HTML": b"<!doctype html><html>" * 1000,
    "duplicate keys": b'{"sha": 1, ' + b'"sha": 2, ' * 100_000 + b'"x": 1}',
}  # fmt: skip
HEADERS = [
    f"ETag: {OUTSIDE}",
    'ETag: "../x"',
    'ETag: W/"/etc/x"',
    f"X-Repo-Commit: {OUTSIDE}",
    f"X-Linked-Etag: {OUTSIDE}",
    "X-Linked-Size: 99999999999",
    f"X-Xet-Hash: {OUTSIDE}",
    f"Content-Disposition: attachment; filename={OUTSIDE}",
    "Link: <file:///etc>; rel=next",
]


@pytest.fixture
def attack(tmp_path, monkeypatch):
    """`attack(listing, file)` loads a model from a Hub with these answers, and returns the folder or error.

    It checks that bytes, memory and time are bounded, and that nothing is outside the cache.
    """
    cache = tmp_path / "a" / "b" / "c" / "d" / "cache"
    cache.mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a")
    monkeypatch.setenv("RNNER_CACHE", str(cache))
    monkeypatch.setattr("huggingface_hub.get_token", lambda: "hf_secret")
    monkeypatch.setattr("rnner.system.hub_repository._WAITS", (0, 0))
    monkeypatch.setattr("rnner.system.hub_repository._PATIENCE", 0.25)
    monkeypatch.setattr("rnner.system.web._STALL", 0.1)

    def attack(of_listing, of_file):
        def answer(path):
            return of_file(path) if "/resolve/" in path else of_listing()

        old = set(tmp_path.rglob("*"))
        with serve(answer) as server:
            monkeypatch.setattr(constants, "ENDPOINT", server.url)
            before = time.monotonic()
            tracemalloc.start()
            try:
                outcome = find_model("ada/names")
            except ModelError as error:
                outcome = str(error)
                assert outcome.startswith("ada/names: ") and "\n" not in outcome and len(outcome) < 600
                assert "hf_secret" not in outcome
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert time.monotonic() - before < 20
            assert peak < 64 * MEGABYTE
        assert server.sent < 100 * MEGABYTE
        new = {path for path in tmp_path.rglob("*") if path.is_file() or path.name.startswith(".")} - old
        assert all(cache in path.parents for path in new)
        assert not new or not isinstance(outcome, str)
        return outcome

    return attack


def good_listing():
    return http(json.dumps(listing()).encode())


def good_file(path, *headers):
    return http(FILES[path.rpartition("/")[2]], *headers)


def only_weights(answer):
    return lambda path: good_file(path) if path.endswith((".yaml", ".json")) else answer()


def test_the_same_hub_without_an_attack_works(attack):
    folder = attack(good_listing, good_file)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES


@pytest.mark.parametrize("kind", ANSWERS)
def test_no_answer_to_the_listing_does_harm(attack, kind):
    assert isinstance(attack(ANSWERS[kind], good_file), str)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ANSWERS)
def test_no_answer_for_a_file_does_harm(attack, kind):
    assert "download failed: model.safetensors: " in attack(good_listing, only_weights(ANSWERS[kind]))


@pytest.mark.parametrize("kind", LISTINGS)
def test_no_listing_does_harm(attack, kind):
    content = json.dumps(LISTINGS[kind]).encode()
    assert isinstance(attack(lambda: http(content), good_file), str)


@pytest.mark.parametrize("kind", RAW_LISTINGS)
def test_no_text_in_place_of_a_listing_does_harm(attack, kind):
    assert isinstance(attack(lambda: http(RAW_LISTINGS[kind]), good_file), str)


@pytest.mark.parametrize("header", HEADERS)
def test_headers_of_a_file_never_become_paths(attack, header):
    assert attack(good_listing, lambda path: good_file(path, header)).name == COMMIT


@pytest.mark.parametrize("names", [[f"{OUTSIDE}/config.yaml", "/etc/x", "..", "code.py"], ["a/" * 5000]])
def test_other_names_in_a_listing_are_ignored(attack, names):
    siblings = [{"rfilename": name, "size": 10**12} for name in names]
    content = json.dumps(listing(siblings=siblings + listing()["siblings"])).encode()
    folder = attack(lambda: http(content), good_file)
    assert {path.name for path in folder.iterdir()} == FILES.keys()


@pytest.mark.parametrize("change", [-600, -1, 1, 1000, 5 * MEGABYTE])
@pytest.mark.parametrize("length", [True, False])
def test_a_file_must_have_the_size_in_the_listing(attack, change, length):
    size = len(FILES["model.safetensors"]) + change
    reported = attack(good_listing, only_weights(lambda: http(bytes(size), length=length)))
    assert ("ends after" if change < 0 else "more than the expected") in reported


def test_a_large_file_must_have_the_digest_in_the_listing(attack):
    weights = FILES["model.safetensors"]
    right, wrong = hashlib.sha256(weights).hexdigest(), hashlib.sha256(weights[1:]).hexdigest()
    assert "SHA-256" in attack(lambda: http(json.dumps(entry(lfs={"sha256": wrong})).encode()), good_file)
    assert attack(lambda: http(json.dumps(entry(lfs={"sha256": right})).encode()), good_file).is_dir()


def test_another_commit_than_the_one_named_is_refused(attack, monkeypatch):
    with serve(lambda path: good_listing()) as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        with pytest.raises(ModelError, match="the list of files belongs to another commit"):
            find_model(f"ada/names@{COMMIT[::-1]}")


def test_a_file_is_asked_for_three_times(attack):
    answers = iter([http(status="503 Busy"), b"", http(FILES["model.safetensors"])])
    assert attack(good_listing, only_weights(lambda: next(answers))).is_dir()
    asked = []

    def busy():
        asked.append(1)
        return http(status="503 Busy")

    assert "HTTP 503" in attack(good_listing, only_weights(busy))
    assert len(asked) == 3


def test_large_files_may_be_elsewhere_but_the_token_stays(attack):
    with serve(lambda path: http(FILES[path.rpartition("/")[2]])) as network:
        elsewhere = moved(f"{network.url}/x?signature=a%2Fb/model.safetensors")
        folder = attack(good_listing, only_weights(lambda: elsewhere))
    assert folder.is_dir()
    assert len(network.requests) == 1 and "signature=a%2Fb" in network.requests[0]
    assert "authorization" not in network.requests[0].lower()


def test_the_token_follows_a_redirect_within_the_hub(monkeypatch, attack):
    def answer(path):
        if path == "/api/models/ada/names?blobs=true":
            return moved("/api/models/ada/renamed?blobs=true")
        return good_listing() if path.startswith("/api") else good_file(path)

    with serve(answer) as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        assert find_model("ada/names").is_dir()
    assert len(server.requests) == 5
    assert all("Authorization: Bearer hf_secret" in request for request in server.requests)

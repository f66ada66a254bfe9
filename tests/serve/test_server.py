"""The service on a socket: hostile clients, limits of time and number, signals."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

import rnner
from rnner.errors import UsageError
from rnner.serve.access import LOOPBACK, Access
from rnner.serve.app import Service
from rnner.serve.limits import Limits
from rnner.serve.model import LoadedModel
from rnner.serve.server import open_socket
from service import running

TEXT = b'{"text": "Ada Lovelace wrote."}'
LIMITS = Limits(body=2000, seconds=0.4, connections=5)


@pytest.fixture(scope="module")
def port(trained):
    """The port of a service in a thread, with little patience."""
    pipeline = rnner.load(trained)
    service = Service(lambda: LoadedModel("tiny", trained, pipeline), LIMITS, Access(hosts=LOOPBACK))
    with running(service) as address:
        yield int(address.rpartition(":")[2])


@pytest.fixture
def connect(port):
    """Open connections, which are closed after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
    time.sleep(0.02)  # until the service has noticed


def request(body=TEXT, *lines, method=b"POST", path=b"/predict", length=True):
    head = [
        method + b" " + path + b" HTTP/1.1",
        b"Host: localhost",
        b"Content-Type: application/json",
        *lines,
    ]
    if length:
        head.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def received(connection):
    """Return everything until the service closes the connection."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def answer(connection):
    """Return the status and the JSON of one answer."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        assert part, data
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    while len(body) < int(fields[b"content-length"]):
        body += connection.recv(65536)
    return int(head.split()[1]), json.loads(body)


def still_answers(connect):
    connection = connect()
    connection.sendall(request())
    status, content = answer(connection)
    assert status == 200
    assert content["text"] == "Ada Lovelace wrote."


def test_a_connection_is_used_for_several_requests(connect):
    connection = connect()
    for _ in range(3):
        connection.sendall(request())
        assert answer(connection)[0] == 200
    connection.sendall(request() + request(TEXT, b"Connection: close"))
    assert received(connection).count(b"HTTP/1.1 200 ") == 2


@pytest.mark.parametrize(
    "data",
    [
        *(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"hello\r\n\r\n"),
        *(b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        *(b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        request(b"", b"Content-Length: 5", b"Content-Length: 6", length=False),
        request(b"", b"Content-Length: -1", length=False),
        request(b"", b"Content-Length: +5", length=False),
        request(b"", b"Content-Length: 5, 6", length=False),
        request(b"", b"Transfer-Encoding: chunked, gzip", length=False),
        request(b"", b"Transfer-Encoding: xchunked", length=False),
        request(b"0\r\n\r\n", b"Transfer-Encoding: chunked"),  # also has Content-Length: smuggling
        request(b"zz\r\n", b"Transfer-Encoding: chunked", length=False),
        request(b"5\r\nabcdefghij", b"Transfer-Encoding: chunked", length=False),
    ],
)
def test_invalid_http_is_refused_and_the_connection_closed(connect, data):
    connection = connect()
    connection.sendall(data)
    got = received(connection)
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.split()[1] == b"400", got
    assert list(json.loads(body)) == ["error"]
    assert b"frame-ancestors" in head
    still_answers(connect)


def test_a_second_request_cannot_be_smuggled_into_the_first(connect):
    connection = connect()
    inner = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    connection.sendall(request(b"0\r\n\r\n" + inner, b"Transfer-Encoding: chunked"))
    assert received(connection).count(b"HTTP/1.1 ") == 1


def test_many_headers(connect):
    connection = connect()
    connection.sendall(request(TEXT, *(b"X-%d: %s" % (i, b"x" * 100) for i in range(100))))
    assert answer(connection)[0] == 200
    connection = connect()
    with contextlib.suppress(ConnectionError):
        connection.sendall(request(TEXT, *(b"X-%d: %s" % (i, b"x" * 100) for i in range(1000))))
    assert b"431" in received(connection)[:20]
    still_answers(connect)


def test_a_long_address(connect):
    connection = connect()
    connection.sendall(b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer(connection)[0] == 404


@pytest.mark.parametrize("length", [True, False])
def test_a_client_that_sends_too_much_gets_the_answer(connect, length):
    connection = connect()
    size = 100_000_000
    framing = b"Content-Length: %d" % size if length else b"Transfer-Encoding: chunked"
    connection.sendall(request(b"", framing, length=False))
    block = b" " * 100_000
    try:
        for _ in range(100):
            connection.sendall(block if length else b"%x\r\n%s\r\n" % (len(block), block))
    except ConnectionError:
        pass  # the service may close the connection once it has answered
    status, content = answer(connection)
    assert (status, "at most 2,000 bytes are allowed" in content["error"]) == (413, True)
    still_answers(connect)


def test_headers_that_do_not_arrive(connect):
    connection, started = connect(), time.monotonic()
    connection.sendall(b"POST /predict HTTP/1.1\r\nHost: ")
    while time.monotonic() - started < 3:
        try:
            connection.sendall(b"a")  # always a little more
            connection.settimeout(0.05)
            assert connection.recv(100) == b""
            break
        except TimeoutError:
            continue
        except ConnectionError:
            break
    assert time.monotonic() - started < 2
    still_answers(connect)


def test_a_body_that_does_not_arrive(connect):
    connection = connect()
    connection.sendall(request(b"", b"Content-Length: 100", length=False) + b'{"text')
    status, content = answer(connection)
    assert status == 408
    assert content["error"] == "received 6 bytes, then nothing more; 0.4 seconds are allowed"
    still_answers(connect)


def test_a_client_that_leaves_in_the_middle_of_a_body(connect):
    connection = connect()
    connection.sendall(request(b"", b"Content-Length: 100", length=False) + b'{"text')
    connection.close()
    still_answers(connect)


@pytest.mark.slow
def test_answers_that_are_not_read(connect):
    connection, started = connect(), time.monotonic()
    asked = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100
    with pytest.raises((ConnectionError, TimeoutError)):
        while True:
            connection.sendall(asked)
    assert time.monotonic() - started < 5
    still_answers(connect)


def test_an_idle_connection_is_closed(connect):
    assert received(connect()) == b""


@pytest.mark.slow
def test_more_connections_than_allowed_are_refused(connect):
    for _ in range(LIMITS.connections):
        connect()
    time.sleep(0.05)
    got = received(connect())
    assert got.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1" in got
    assert b"at most 5 connections may be open" in got
    time.sleep(2 * LIMITS.seconds)
    still_answers(connect)


def test_expecting_to_continue(connect):
    connection = connect()
    connection.sendall(request(b"", b"Expect: 100-continue", b"Content-Length: 31", length=False))
    assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
    connection.sendall(TEXT)
    assert answer(connection)[0] == 200
    connection = connect()
    connection.sendall(request(b"", b"Expect: 100-continue", b"Content-Length: 99999", length=False))
    assert answer(connection)[0] == 413


def test_a_request_for_another_protocol_is_answered_as_usual(connect):
    connection = connect()
    connection.sendall(request(TEXT, b"Connection: Upgrade", b"Upgrade: websocket"))
    assert answer(connection)[0] == 200


def test_an_address_that_is_taken(port):
    with pytest.raises(UsageError, match=f"--port {port}: Address already in use; choose another"):
        open_socket("127.0.0.1", port)


def test_a_name_that_does_not_exist():
    with pytest.raises(UsageError, match=r"--host no\.such\.name\.invalid"):
        open_socket("no.such.name.invalid", 0)


@pytest.fixture
def process(trained):
    """`rnner serve` in a process, and the port."""
    command = [sys.executable, "-m", "rnner", "serve", "--model", str(trained), "--port", "0", "--verbose"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "500"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        line = process.stderr.readline()
        assert line.startswith("serving model (LOC, ORG, PER) at http://127.0.0.1:")
        yield process, int(line.split(";")[0].rpartition(":")[2])
        process.kill()


@pytest.mark.slow
def test_signals(process):
    running, port = process
    address = ("127.0.0.1", port)
    with socket.create_connection(address) as connection:
        running.send_signal(signal.SIGHUP)
        assert running.stderr.readline() == "reloaded model\n"
        head, body = request().split(b"\r\n\r\n")
        connection.sendall(head + b"\r\n\r\n" + body[:5])
        time.sleep(0.3)
        running.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
        connection.sendall(body[5:])  # a request that had begun is answered
        assert answer(connection)[0] == 200
        assert received(connection) == b""
    assert running.wait(10) == 0
    (line,) = running.stderr.read().splitlines()
    assert line.startswith("POST /predict 200 ")
    assert "Ada" not in line

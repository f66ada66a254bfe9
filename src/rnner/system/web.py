"""HTTP GET from untrusted servers, with limits on size, time, redirects and hosts."""

from __future__ import annotations

import os
import ssl
import string
from collections.abc import Iterator
from contextlib import suppress
from functools import cache, partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from socket import SHUT_RDWR, socket
from threading import Lock, Timer
from typing import Any, cast
from urllib.error import URLError
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import AbstractHTTPHandler, OpenerDirector, ProxyHandler, Request

_STALL = 10  # seconds without a byte
_REDIRECTS = 5
_BLOCK = 1 << 16
_MOVED = (301, 302, 303, 307, 308)
_BUSY = (408, 429, 500, 502, 503, 504)
_SHORT = 120  # characters of a message
_PORTS = {"http": 80, "https": 443}


class WebError(Exception):
    """A request that failed; the text is one short line.

    Attributes:
        status: the HTTP status, or None if there was no usable answer.
        reason: the header `X-Error-Code`, with which the Hub reports what was not found.
        temporary: whether the same request may succeed later.
    """

    def __init__(
        self, message: str, *, status: int | None = None, reason: str = "", temporary: bool = False
    ) -> None:
        super().__init__(message)
        self.status, self.reason, self.temporary = status, reason, temporary


def fetch(url: str, *, limit: int, seconds: float, token: str | None = None) -> Iterator[memoryview]:
    """Yield the content of a URL in blocks. Each block is overwritten by the next.

    Redirects are followed, but only to HTTP and HTTPS, and never from HTTPS to HTTP. Proxies are taken from
    the environment, as `urllib` does.

    Args:
        url: an `http` or `https` address.
        limit: the maximum number of bytes.
        seconds: the maximum time for the whole request, from connecting to the last byte.
        token: sent as `Authorization`, but only to the scheme, host and port of `url`.

    Raises:
        WebError: there is no answer, or the answer has a status other than 200, exceeds a limit, is
            compressed, or redirects to a forbidden address.
    """
    with _Deadline(seconds) as deadline:
        try:
            origin = _origin(url)
            if origin[0] not in _PORTS:
                raise WebError(f"expected an http or https address, got {url[:_SHORT]}")
            for _ in range(_REDIRECTS + 1):
                with _open(url, token if _origin(url) == origin else None, deadline) as answer:
                    if answer.status not in _MOVED:
                        yield from _blocks(answer, limit)
                        deadline.check()
                        return
                    url = _target(url, answer.headers.get("Location", ""))
        except (OSError, HTTPException, ValueError) as error:  # ValueError: an address that cannot be used
            deadline.check()
            raise WebError(_short(error), temporary=not isinstance(error, ValueError)) from None
    raise WebError(f"the server redirects more than {_REDIRECTS} times")


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def _target(url: str, location: str) -> str:
    """Return the address that an answer redirects to; raise a WebError if it is forbidden."""
    target = urljoin(url, quote(location, safe=string.punctuation))
    scheme = urlsplit(target).scheme
    allowed = ("https",) if urlsplit(url).scheme == "https" else ("http", "https")
    if not location or scheme not in allowed:
        raise WebError(
            f"the server redirects to an address that is not allowed: {target[:_SHORT]}; "
            f"expected {' or '.join(allowed)}"
        )
    return target


def _blocks(answer: HTTPResponse, limit: int) -> Iterator[memoryview]:
    """Yield the body of an answer; raise a WebError unless it is a 200, uncompressed and not too long."""
    if answer.status != HTTPStatus.OK:
        known = {status.value: status.phrase for status in HTTPStatus}
        raise WebError(
            f"HTTP {answer.status} {known.get(answer.status, '')}".rstrip(),
            status=answer.status,
            reason=answer.headers.get("X-Error-Code", "")[:_SHORT],
            temporary=answer.status in _BUSY,
        )
    if answer.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise WebError("the server sends compressed content, which was not requested")
    too_long = WebError(f"the server sends more than the expected {limit:,} bytes")
    if answer.length is not None and answer.length > limit:
        raise too_long
    # `read` would trust the chunk sizes that the server sends; `readinto` never reads more than the buffer.
    buffer, total = memoryview(bytearray(_BLOCK)), 0
    while count := answer.readinto(buffer):
        total += count
        if total > limit:
            raise too_long
        yield buffer[:count]


def _open(url: str, token: str | None, deadline: _Deadline) -> HTTPResponse:
    headers = {"Accept-Encoding": "identity", "User-Agent": "rnner"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    opener = OpenerDirector()  # without the handlers of other schemes, redirects and error pages
    opener.add_handler(ProxyHandler())
    opener.add_handler(_Handler(deadline))
    return cast(HTTPResponse, opener.open(Request(url, headers=headers), timeout=_STALL))


def _short(error: BaseException) -> str:
    """Return the cause of an error in one short line."""
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no answer for {_STALL} seconds"
    return " ".join(str(cause).split())[:_SHORT] or type(cause).__name__


class _Deadline:
    """Shuts down connections when time is up, be it during the handshake, the header or the body."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._passed = seconds, False
        self._lock, self._sockets = Lock(), list[socket]()
        self._timer = Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            for duplicate in self._sockets:
                duplicate.close()
            self._sockets.clear()

    def watch(self, connection: socket) -> None:
        """Watch a connection, by a duplicate of its socket, which stays valid if it is wrapped or closed."""
        with self._lock:
            self._sockets.append(connection.dup())
        if self._passed:
            self._end()

    def check(self) -> None:
        """Raise a WebError if time is up, since the data may then end early."""
        if self._passed:
            raise WebError(f"the server is too slow: not finished after {self._seconds:,.0f} seconds")

    def _end(self) -> None:
        self._passed = True
        with self._lock:
            for duplicate in self._sockets:
                with suppress(OSError):  # no longer connected
                    duplicate.shutdown(SHUT_RDWR)


class _Http(HTTPConnection):
    """A connection with a deadline, which applies before the TLS handshake begins."""

    deadline: _Deadline

    def connect(self) -> None:
        super().connect()
        self.deadline.watch(self.sock)


class _Https(HTTPSConnection, _Http):
    """An `_Http` connection with TLS. `HTTPSConnection.connect` calls `_Http.connect`, then shakes hands."""


class _Handler(AbstractHTTPHandler):
    """Opens HTTP and HTTPS connections with a deadline."""

    def __init__(self, deadline: _Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def http_open(self, request: Request) -> Any:
        return self.do_open(partial(self._connection, _Http), request)

    def https_open(self, request: Request) -> Any:
        return self.do_open(partial(self._connection, _Https), request, context=_tls_context())

    def _connection(self, kind: type[_Http], host: str, **options: Any) -> _Http:
        connection = kind(host, **options)
        connection.deadline = self._deadline
        return connection

    http_request = https_request = AbstractHTTPHandler.do_request_


@cache
def _tls_context() -> ssl.SSLContext:
    """Return a context that trusts the certificates of the system, or those named in the environment."""
    for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if file := os.environ.get(variable):
            return ssl.create_default_context(cafile=file)
    context = ssl.create_default_context()
    with suppress(ImportError):  # certifi comes with huggingface_hub; some Pythons have no other certificates
        import certifi

        context.load_verify_locations(certifi.where())
    return context

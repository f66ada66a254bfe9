"""HTTP GET from servers that are not trusted: bytes, time, redirects and hosts are bounded."""

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
        reason: the header `X-Error-Code`, in which the Hub says what was not found.
        temporary: whether the same request may succeed later.
    """

    def __init__(
        self, message: str, *, status: int | None = None, reason: str = "", temporary: bool = False
    ) -> None:
        super().__init__(message)
        self.status, self.reason, self.temporary = status, reason, temporary


def fetch(url: str, *, limit: int, seconds: float, token: str | None = None) -> Iterator[memoryview]:
    """Yield the content of a URL in blocks, each of which is valid until the next.

    Redirects are followed, but only to HTTP and HTTPS, and never from HTTPS to HTTP. Proxies are taken from
    the environment, as `urllib` does.

    Args:
        url: an address with the scheme `http` or `https`.
        limit: the maximum number of bytes.
        seconds: the maximum time for everything, from the connection to the last byte.
        token: sent as `Authorization`, but only to the scheme, host and port of `url`.

    Raises:
        WebError: there is no answer, its status is not 200, it exceeds a limit, is compressed, or redirects
            to a forbidden address.
    """
    with _Deadline(seconds) as deadline:
        try:
            origin = _origin(url)
            if origin[0] not in _PORTS:
                raise WebError(f"expected an address with http or https, got {url[:_SHORT]}")
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
    """Yield the body of an answer; raise a WebError if it is not 200, encoded or too long."""
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
    # `read` would trust the sizes of chunks; `readinto` never takes more than the buffer.
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
    """Return what is wrong in one short line."""
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no answer for {_STALL} seconds"
    return " ".join(str(cause).split())[:_SHORT] or type(cause).__name__


class _Deadline:
    """Shuts down connections when time is up, wherever they are then: in a handshake, a header or a body."""

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
        """Add a connection. Its duplicate stays valid if the connection is wrapped or closed."""
        with self._lock:
            self._sockets.append(connection.dup())
        if self._passed:
            self._end()

    def check(self) -> None:
        """Raise a WebError if time is up: then the end of the data means nothing."""
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
    """The same with TLS: `HTTPSConnection.connect` calls that of `_Http`, then starts the handshake."""


class _Handler(AbstractHTTPHandler):
    """Opens HTTP and HTTPS with a deadline."""

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
    with suppress(ImportError):  # comes with huggingface_hub; some installations of Python have no other
        import certifi

        context.load_verify_locations(certifi.where())
    return context

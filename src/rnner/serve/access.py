"""Which requests are answered: the names of the service, requests from other sites, and the token."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from rnner.serve.request_errors import CLOSE, RequestError

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
SECURITY_HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
"""Headers of every answer, unless it has its own."""
HEADERS = 16_384
"""Maximum number of bytes of a request's address and headers."""
_SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Access:
    """The rules of access.

    Attributes:
        token: required for all addresses but the public ones; None for no token.
        hosts: names that the Host header may have; empty for any name.
        public: paths that need no token.
    """

    token: str | None = field(default=None, repr=False)
    hosts: Collection[str] = ()
    public: Collection[str] = ()

    def check(self, scope: Scope) -> None:
        """Raise a RequestError unless the request is allowed."""
        _check_size(scope)
        headers = Headers(scope=scope)
        if "transfer-encoding" in headers and "content-length" in headers:
            message = "the request has both Transfer-Encoding and Content-Length; expected one of them"
            raise RequestError(400, message, CLOSE)
        self._check_host(headers.get("host", ""))
        if scope["method"] not in _SAFE:
            _check_origin(headers)
        if self.token is not None and scope["path"] not in self.public:
            self._check_token(headers.get("authorization", ""))

    def _check_host(self, host: str) -> None:
        """Check the Host header. A page whose name resolves to this machine must not read from it."""
        if self.hosts and host_name(host) not in self.hosts:
            names = ", ".join(sorted(self.hosts))
            raise RequestError(421, f"Host is {host[:100] or 'missing'}; expected {names} (--allowed-host)")

    def _check_token(self, header: str) -> None:
        assert self.token is not None
        kind, _, given = header.partition(" ")
        right = hmac.compare_digest(given.strip().encode("latin-1", "replace"), self.token.encode())
        if not (kind.lower() == "bearer" and right):
            found = "the token is wrong" if header else "no token"
            message = f"{found}; expected the header Authorization: Bearer TOKEN"
            raise RequestError(401, message, {"www-authenticate": "Bearer"})


def _check_size(scope: Scope) -> None:
    """Refuse long headers. h11 bounds only those that do not arrive at once."""
    size = len(scope["raw_path"]) + len(scope["query_string"])
    size += sum(len(name) + len(value) for name, value in scope["headers"])
    if size > HEADERS:
        message = f"the headers have {size:,} bytes; at most {HEADERS:,} are allowed"
        raise RequestError(431, message, CLOSE)


def _check_origin(headers: Headers) -> None:
    """Refuse requests from pages of other sites. Programs other than browsers send none of these headers."""
    site, origin = headers.get("sec-fetch-site", "none"), headers.get("origin")
    from_here = origin is None or urlsplit(origin).netloc == headers.get("host", "")
    if site not in ("same-origin", "none") or not from_here:
        raise RequestError(
            403, "the request comes from a page of another site; only pages of this service may"
        )


def host_name(host: str) -> str:
    """Return a Host header or a bound address without its port, in lower case: `localhost`, `[::1]`."""
    name = host.lower()
    if name.startswith("["):
        return name[: name.find("]") + 1]
    return name.partition(":")[0].removesuffix(".")


def is_loopback(host: str) -> bool:
    """Return whether an address to bind to can be reached only from this machine."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"

"""Requests that the service refuses: their statuses, and the JSON that says what came and what is allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rnner.render.json_output import to_json

STATUSES = {
    400: "The body is not JSON in UTF-8, or the request is not valid HTTP.",
    401: "The token is missing or wrong.",
    403: "The request comes from a page of another site.",
    404: "There is nothing at this address.",
    405: "The address does not take this method.",
    408: "The body took too long to arrive.",
    409: "A model is already being loaded.",
    413: "The body, a text or the list of texts is too long.",
    415: "The body is not declared as application/json.",
    421: "The Host header is not a name of this service.",
    422: "The JSON is not a valid request.",
    431: "The headers are too long.",
    500: "An error of the service. Its log names the place.",
    503: "Too many requests are waiting, or too many connections are open.",
    504: "The answer took too long.",
}
"""Every status other than 200, and when it is sent."""
CLOSE = {"connection": "close"}
"""Header of an answer after which the rest of the request is not read."""
RETRY = {"retry-after": "1"}
"""Header that asks clients to try again after one second."""

_BODY_READ = "rnner.body_read"  # key in the scope of a request


class RequestError(Exception):
    """A request that is not answered.

    Args:
        status: a key of `STATUSES`.
        message: what came, and what is allowed.
        headers: additional headers of the answer.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, dict(headers or {})


class ErrorAnswer(Response):
    """The answer `{"error": message}`.

    A client that is still sending would not read the answer if the connection were closed. So what it sends
    is read and discarded, for at most `seconds`.
    """

    media_type = "application/json"

    def __init__(self, refusal: RequestError, seconds: float) -> None:
        super().__init__(error_json(refusal.message), refusal.status, refusal.headers)
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, and discard the rest of the request."""
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await send(start)
        if not scope.get(_BODY_READ):
            await send({"type": "http.response.body", "body": self.body, "more_body": True})
            await _discard_body(receive, self._seconds)
            self.body = b""
        await send({"type": "http.response.body", "body": self.body})


def error_json(message: str) -> str:
    """Return the body of the answer to a refused request."""
    return to_json({"error": message}) + "\n"


def mark_body_read(scope: Scope) -> None:
    """Note that the whole body of a request has been received."""
    scope[_BODY_READ] = True


async def _discard_body(receive: Receive, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive()).get("more_body"):
                pass

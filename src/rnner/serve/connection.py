"""HTTP connections that slow clients cannot hold, on uvicorn's implementation of HTTP/1.1.

uvicorn bounds how long an idle connection stays open, but not how long headers may take to arrive, or an
answer to be read.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from rnner.serve.access import SECURITY_HEADERS
from rnner.serve.limits import Limits
from rnner.serve.request_errors import RETRY, error_json

_PHASES = 3  # of a request after its headers: its body, the prediction, the answer


def bounded_connection(limits: Limits) -> type[H11Protocol]:
    """Return the class of connections with these limits."""

    class BoundedConnection(H11Protocol):
        """A connection that is cut off if a request takes too long."""

        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            """Refuse the connection if there are too many; otherwise wait for headers."""
            super().connection_made(transport)
            self._allow(limits.seconds)
            if len(self.connections) > limits.connections:
                allowed = f"at most {limits.connections:,} connections may be open; try again later"
                self._refuse(503, allowed, RETRY)

        def connection_lost(self, exc: Exception | None) -> None:
            """Stop the clock."""
            if self._timer is not None:
                self._timer.cancel()
            super().connection_lost(exc)

        def handle_events(self) -> None:
            """Handle what has arrived. Once headers are complete, allow time for the rest of the request."""
            before = self.cycle
            super().handle_events()
            if self.cycle is not before:
                self._allow(_PHASES * limits.seconds)

        def on_response_complete(self) -> None:
            """Allow time until the headers of the next request are complete."""
            self._allow(limits.seconds)
            super().on_response_complete()

        def send_400_response(self, msg: str) -> None:
            """Refuse a request that is not valid HTTP, even if it is being answered."""
            too_long = getattr(sys.exception(), "error_status_hint", 400) == 431
            what = "the headers are too long" if too_long else "the request is not valid HTTP/1.1"
            if self.cycle is not None:
                self.cycle.disconnected = True
                self.cycle.message_event.set()
            self._refuse(431 if too_long else 400, what)

        def _refuse(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
            if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
                self.transport.abort()
                return
            content = error_json(message).encode()
            fields = {
                **SECURITY_HEADERS,
                "content-type": "application/json",
                "content-length": str(len(content)),
                "connection": "close",
                **(headers or {}),
            }
            start = h11.Response(status_code=status, headers=list(fields.items()))
            for event in (start, h11.Data(data=content), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

        def _allow(self, seconds: float) -> None:
            """Restart the clock."""
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self.loop.call_later(seconds, self._cut_off)

        def _cut_off(self) -> None:
            self.transport.abort()

    return BoundedConnection

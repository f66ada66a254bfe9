"""`Gate`: the outermost layer of the service, which every request passes."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Collection
from pathlib import Path
from traceback import extract_tb
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rnner.serve.access import SECURITY_HEADERS, Access
from rnner.serve.request_errors import ErrorAnswer, RequestError
from rnner.serve.service_metrics import Metrics

_SHOWN = 100  # characters of a path in the log
_UNKNOWN = "other"  # in the metrics, all addresses that do not exist

_logger = logging.getLogger("rnner.serve")
_requests = logging.getLogger("rnner.serve.requests")


class Gate:
    """Checks access, adds headers, counts and logs answers, and reports errors without their content.

    Args:
        app: the application behind the gate.
        access: the rules of access.
        metrics: counts the answers.
        paths: the paths that exist; others are counted together.
        seconds: how long the rest of a refused request is read.
    """

    def __init__(
        self, app: ASGIApp, access: Access, metrics: Metrics, paths: Collection[str], seconds: float
    ) -> None:
        self._app, self._access, self._metrics = app, access, metrics
        self._paths, self._seconds = frozenset(paths), seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._answer(scope, receive, send_with_headers)
        finally:
            seconds, path = time.perf_counter() - started, scope["path"]
            self._metrics.answered(path if path in self._paths else _UNKNOWN, status, seconds)
            shown = quote(path[:_SHOWN], safe="/:@")
            _requests.info("%s %s %d %.0f ms", scope["method"], shown, status, 1e3 * seconds)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._access.check(scope)
            await self._app(scope, receive, send)
        except RequestError as refusal:
            await ErrorAnswer(refusal, self._seconds)(scope, receive, send)
        except Exception as error:  # FastAPI has answered
            if os.environ.get("RNNER_DEBUG") == "1":
                raise
            _logger.error("%s", _place(error))


def _place(error: Exception) -> str:
    """Return the type of an error and where it was raised; its message may quote a text."""
    frames = extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"unexpected {type(error).__name__}{where} (RNNER_DEBUG=1 shows the traceback)"

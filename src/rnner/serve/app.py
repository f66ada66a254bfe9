"""The application behind `rnner serve`: its addresses and what they answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from rnner import __version__
from rnner.render.json_output import json_list, to_json
from rnner.serve.access import Access
from rnner.serve.batcher import Batcher, Piece
from rnner.serve.documentation import DESCRIPTIONS, documentation_page, error_schemas, prediction_schema
from rnner.serve.gate import Gate
from rnner.serve.limits import Limits
from rnner.serve.model import LoadedModel, ModelSlot
from rnner.serve.pages import HTML, REPORT_POLICY, answer_with, page_routes
from rnner.serve.request_errors import CLOSE, RETRY, STATUSES, ErrorAnswer, RequestError
from rnner.serve.requests import parse_request, read_body
from rnner.serve.service_metrics import Metrics

FAILED_RELOAD = "The new model cannot be loaded. The current one stays."
PUBLIC = ("/health", "/ready", "/docs", "/openapi.json")
"""Paths of the API that need no token."""
_JSON = "application/json"
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class Service:
    """A model behind HTTP.

    Args:
        load: loads the model; called again by `reload`.
        limits: what requests may contain.
        access: who may send requests; its public paths are added.
        reloads: whether `POST /reload` exists.
        report: a report of `rnner evaluate` in HTML, linked from the page.

    Attributes:
        app: the ASGI application.
        slot: holds the model.

    Raises:
        RnnerError: the model cannot be loaded.
    """

    def __init__(
        self,
        load: Callable[[], LoadedModel],
        limits: Limits | None = None,
        access: Access | None = None,
        *,
        reloads: bool = False,
        report: bytes | None = None,
    ) -> None:
        self.limits, self.metrics = limits or Limits(), Metrics()
        self.slot = ModelSlot(load, self.metrics)
        self._batcher = Batcher(self.slot.predict, self.limits.queue)
        self.metrics.watch_queue(lambda: len(self._batcher))
        pages = page_routes()
        access = access or Access()
        self._facts = {"limits": asdict(self.limits), "report": report is not None}
        self._needs_token = access.token is not None
        public = (*PUBLIC, *pages, *access.public)
        api = self._api(reloads=reloads)
        if report is not None:
            pages["/report"] = answer_with(report, HTML, REPORT_POLICY)
        for path, page in pages.items():
            api.add_api_route(path, page, include_in_schema=False)
        paths = [route.path for route in api.routes if hasattr(route, "path")]
        self.app: ASGIApp = Gate(
            api, replace(access, public=public), self.metrics, paths, self.limits.seconds
        )

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Run the batcher while the application runs."""
        running = asyncio.create_task(self._batcher.run())
        try:
            yield
        finally:
            running.cancel()

    def _api(self, *, reloads: bool) -> FastAPI:
        errors: dict[int | type[Exception], Any] = {
            RequestError: self._refuse,
            HTTPException: self._refuse_unknown,
            Exception: self._report_failure,
        }
        api = FastAPI(
            title="rnner serve",
            version=__version__,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            lifespan=self._lifespan,
            exception_handlers=errors,
        )

        def add(
            path: str,
            answer: Callable[..., Any],
            *statuses: int,
            post: bool = False,
            schema: dict[str, Any] | None = None,
            special: Mapping[int, str] = {},  # statuses with a meaning of their own
        ) -> None:
            api.add_api_route(
                path,
                answer,
                methods=["POST"] if post else ["GET"],
                responses=error_schemas({**{status: STATUSES[status] for status in statuses}, **special}),
                response_class=Response,
                summary=DESCRIPTIONS[path],
                openapi_extra=schema,
            )

        predicting = (400, 401, 403, 408, 413, 415, 421, 422, 500, 503, 504)
        add("/predict", self.predict, *predicting, post=True, schema=prediction_schema(self.limits))
        add("/model", self.model, 401, 421)
        add("/health", self.health, 421)
        add("/ready", self.ready, 421, 503)
        add("/metrics", self.figures, 401, 421)
        if reloads:
            add("/reload", self.reload, 401, 403, 409, 421, post=True, special={500: FAILED_RELOAD})
        page = documentation_page(api.openapi(), self.limits).encode()
        api.add_api_route("/docs", answer_with(page, HTML), include_in_schema=False)
        return api

    async def predict(self, request: Request) -> Response:
        """Find the names in texts."""
        self._batcher.check_room()  # before the body is read, which takes memory
        asked = parse_request(await read_body(request, self.limits), self.limits)
        pieces = [Piece(text, asked.threshold, asked.nbest) for text in asked.contents()]
        answers = await self._answers(request, self._batcher.submit(pieces))
        if answers is None:
            return Response(status_code=499)  # nobody reads it; for the log and the metrics
        content = answers[0] + "\n" if asked.texts is None else "".join(json_list(answers))
        return Response(content, media_type=_JSON)

    async def _answers(self, request: Request, future: asyncio.Future[list[str]]) -> list[str] | None:
        """Return the answers, or None if the client has gone; withdraw the request if nobody waits for it."""
        gone = asyncio.ensure_future(request.receive())  # after the body, only the disconnection is left
        try:
            waiting: set[asyncio.Future[Any]] = {future, gone}
            await asyncio.wait(waiting, timeout=self.limits.seconds, return_when=asyncio.FIRST_COMPLETED)
            if future.done():
                return future.result()
            if gone.done():
                return None
            allowed = f"{self.limits.seconds:g} seconds are allowed (--timeout); try again, or send less text"
            raise RequestError(504, f"the answer was not ready in time; {allowed}", RETRY)
        finally:
            gone.cancel()
            future.cancel()

    async def model(self) -> Response:
        """Describe the model, with the limits of requests."""
        return Response(to_json(self.slot.description | self._facts, indent=2) + "\n", media_type=_JSON)

    async def health(self) -> Response:
        """Answer as long as the process runs, and say whether requests need a token."""
        return Response(to_json({"status": "ok", "token": self._needs_token}) + "\n", media_type=_JSON)

    async def ready(self) -> Response:
        """Answer 200 if a request would be answered now."""
        self._batcher.check_room()
        since = self._batcher.busy_since
        if since is not None and asyncio.get_running_loop().time() - since > self.limits.seconds:
            raise RequestError(503, f"one batch has taken more than {self.limits.seconds:g} seconds", RETRY)
        return Response('{"status": "ready"}\n', media_type=_JSON)

    async def figures(self) -> Response:
        """Return the figures of the service."""
        return PlainTextResponse(self.metrics.exposition(), headers={"content-type": _PROMETHEUS})

    async def reload(self) -> Response:
        """Load the model again."""
        await self.slot.reload()
        return await self.model()

    async def _refuse(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestError)
        return ErrorAnswer(error, self.limits.seconds)

    async def _refuse_unknown(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 405:
            allowed = (error.headers or {}).get("Allow", "another method")
            message = f"this address does not take {request.method}; expected {allowed}"
        else:
            message = "there is nothing at this address; GET /docs lists all addresses"
        return ErrorAnswer(RequestError(error.status_code, message, error.headers), self.limits.seconds)

    async def _report_failure(self, request: Request, error: Exception) -> Response:
        message = "an error of the service, not of the request; its log names the place"
        return ErrorAnswer(RequestError(500, message, CLOSE), self.limits.seconds)

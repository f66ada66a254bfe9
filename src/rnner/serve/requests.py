"""Requests for predictions: reading their bodies, and checking them against the limits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from rnner.errors import counted
from rnner.serve.limits import Limits
from rnner.serve.request_errors import CLOSE, RequestError, mark_body_read

_JSON = "application/json"
_SHOWN = 60  # characters of a value in a message


class PredictionRequest(BaseModel):
    """Texts to find names in. Give either `text` or `texts`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[str | None, Field(description="One text.")] = None
    texts: Annotated[list[str] | None, Field(description="Several texts, each a document.")] = None
    threshold: Annotated[
        float,
        Field(ge=0, le=1, allow_inf_nan=False, description="Leave out entities less probable than this."),
    ] = 0.0
    nbest: Annotated[
        int, Field(ge=0, description="Also return the N most probable readings of each sentence.")
    ] = 0

    def contents(self) -> list[str]:
        """Return the texts, of which there may be only one."""
        return [self.text] if self.text is not None else self.texts or []


async def read_body(request: Request, limits: Limits) -> bytes:
    """Return the body of a request, counting its bytes as they arrive.

    Raises:
        RequestError: it is not declared as JSON, too long, or took too long to arrive.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _JSON:
        raise RequestError(415, f"Content-Type is {_shown(kind) or 'missing'}; expected {_JSON}")
    declared = request.headers.get("content-length", "0")
    _check_body(int(declared) if declared.isdecimal() else 0, limits)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.seconds):
            while not await _receive(request, body):
                _check_body(len(body), limits)
    except TimeoutError:
        allowed = f"{limits.seconds:g} seconds are allowed"
        raise RequestError(
            408, f"received {len(body):,} bytes, then nothing more; {allowed}", CLOSE
        ) from None
    _check_body(len(body), limits)
    return bytes(body)


async def _receive(request: Request, body: bytearray) -> bool:
    """Add the next part of a body; return whether it was the last."""
    message = await request.receive()
    is_last = not message.get("more_body")
    if is_last:
        mark_body_read(request.scope)
    if message["type"] == "http.disconnect":
        raise RequestError(400, f"the connection was closed after {len(body):,} bytes of the body")
    body += message.get("body", b"")
    return is_last


def _check_body(size: int, limits: Limits) -> None:
    if size > limits.body:
        allowed = f"at most {limits.body:,} bytes are allowed (--max-body)"
        raise RequestError(413, f"the body has {size:,} bytes or more; {allowed}", CLOSE)


def parse_request(body: bytes, limits: Limits) -> PredictionRequest:
    """Return the request in a body.

    Raises:
        RequestError: it is not JSON, not a valid request, or exceeds a limit.
    """
    try:
        asked = PredictionRequest.model_validate_json(body)
    except ValidationError as error:
        raise _invalid(error, limits) from None
    if (asked.text is None) == (asked.texts is None):
        found = "neither" if asked.text is None else "both"
        raise RequestError(422, f'found {found} of "text" and "texts"; expected one of them')
    if asked.nbest > limits.nbest:
        raise RequestError(422, f'"nbest" is {_shown(asked.nbest)}; expected {_expected(limits)["nbest"]}')
    _check_texts(asked, limits)
    return asked


def _check_texts(asked: PredictionRequest, limits: Limits) -> None:
    texts = asked.contents()
    if len(texts) > limits.texts:
        allowed = f"at most {limits.texts:,} are allowed (--max-texts)"
        raise RequestError(413, f"the request has {counted(len(texts), 'text')}; {allowed}")
    for number, text in enumerate(texts):
        if len(text) > limits.text:
            name = '"text"' if asked.texts is None else f'"texts"[{number}]'
            allowed = f"at most {limits.text:,} are allowed (--max-text)"
            raise RequestError(413, f"{name} has {len(text):,} characters; {allowed}")
    characters, room = sum(map(len, texts)), limits.body // (1 + asked.nbest)
    if characters > room:
        allowed = (
            f'at most {room:,} are allowed with "nbest": {asked.nbest} (--max-body, divided by 1 + nbest)'
        )
        raise RequestError(413, f"the request has {characters:,} characters; {allowed}")


def _invalid(error: ValidationError, limits: Limits) -> RequestError:
    """Return the error for the first problem that pydantic found."""
    problem = error.errors(include_url=False, include_context=False)[0]
    kind, place, value = problem["type"], problem["loc"], problem["input"]
    expected = _expected(limits)
    if kind == "json_invalid":
        return RequestError(400, f"not valid JSON: {problem['msg'].partition(': ')[2] or problem['msg']}")
    if not place:
        return RequestError(422, f'found {_shown(value)}; expected an object such as {{"text": "..."}}')
    name = f'"{_shown(str(place[0]))}"' + "".join(f"[{part}]" for part in place[1:])
    if kind == "extra_forbidden":
        return RequestError(422, f"{name}: unknown key; expected {', '.join(expected)}")
    wanted = "a string" if len(place) > 1 else expected[str(place[0])]
    return RequestError(422, f"{name} is {_shown(value)}; expected {wanted}")


def _expected(limits: Limits) -> Mapping[str, str]:
    return {
        "text": "a string",
        "texts": "a list of strings",
        "threshold": "a number from 0 to 1",
        "nbest": f"a whole number from 0 to {limits.nbest} (--max-nbest)",
    }


def _shown(value: Any) -> str:
    """Return a value for a message: short, and without the content of lists and objects."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."

"""Entities and other results as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from rnner.system.terminal import escape_quoted
from rnner.text.entity import Entity


def entities_json(text: str, entities: Iterable[Entity]) -> dict[str, Any]:
    """Return a text and its entities as `{"text", "entities": [{"label", "start", ...}]}`."""
    return {"text": text, "entities": [entity.to_dict() for entity in entities]}


def to_json(value: object, *, indent: int | None = None) -> str:
    """Return readable JSON in which control characters and lone surrogates are escaped.

    Raises:
        ValueError: a number is infinite or NaN, which JSON cannot express.
    """
    return escape_quoted(_encoder(indent).encode(value))


@cache
def _encoder(indent: int | None) -> json.JSONEncoder:
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, indent=indent)

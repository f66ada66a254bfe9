"""Entities as plain values, and values as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from rnner.text.entity import Entity


def _encoder(indent: int | None) -> json.JSONEncoder:
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, indent=indent)


_LINES = _encoder(None)
_ESCAPED_IN_JSON = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def entities_json(items: Iterable[tuple[str, Sequence[Entity]]]) -> list[dict[str, Any]]:
    """Texts and their entities as plain values: `{"text", "entities": [{"label", "start", ...}]}`."""
    return [{"text": text, "entities": [entity.to_dict() for entity in found]} for text, found in items]


def to_json(value: object, *, indent: int | None = None) -> str:
    """JSON in readable characters, with what breaks lines or encodings escaped.

    Raises:
        ValueError: a number in it is infinite or NaN, which JSON cannot say.
    """
    told = _LINES.encode(value) if indent is None else _encoder(indent).encode(value)
    return _ESCAPED_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", told)

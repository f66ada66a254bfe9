"""Entities and other results as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from rnner.system.terminal import escape_quoted
from rnner.text.entity import Entity

if TYPE_CHECKING:  # the command line imports this module before it knows which command runs
    from rnner.decoding.document import Document


def entities_json(text: str, entities: Iterable[Entity]) -> dict[str, Any]:
    """Return a text and its entities as `{"text", "entities": [{"label", "start", ...}]}`."""
    return {"text": text, "entities": [entity.to_dict() for entity in entities]}


def document_json(document: Document) -> dict[str, Any]:
    """Return a document as `rnner predict` and `rnner serve` write it, with its readings if it has any."""
    item = entities_json(document.text, document.entities())
    if document.readings:
        places = ({"start": tokens[0].start, "end": tokens[-1].end} for tokens in document.sentences)
        nbest = ([_reading_json(*reading) for reading in readings] for readings in document.nbest())
        item["nbest"] = [place | {"readings": found} for place, found in zip(places, nbest, strict=True)]
    return item


def _reading_json(probability: float, entities: list[Entity]) -> dict[str, Any]:
    plain = [{"label": e.label, "start": e.start, "end": e.end, "text": e.text} for e in entities]
    return {"probability": probability, "entities": plain}


def json_list(objects: Iterable[str]) -> Iterator[str]:
    """Yield the parts of a JSON list of objects that are already encoded, one object per line."""
    separator = "[\n"
    for item in objects:
        yield separator + item
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


def to_json(value: object, *, indent: int | None = None) -> str:
    """Return readable JSON in which control characters and lone surrogates are escaped.

    Raises:
        ValueError: a number is infinite or NaN, which JSON cannot express.
    """
    return escape_quoted(_encoder(indent).encode(value))


@cache
def _encoder(indent: int | None) -> json.JSONEncoder:
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, indent=indent)

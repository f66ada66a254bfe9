"""doccano's JSONL (doccano.github.io/doccano), in the three shapes that its versions write.

    {"text": "Ada wrote.", "label": [[0, 3, "PER"]]}                    or "labels"
    {"text": "Ada wrote.", "entities": [{"start_offset": 0, "end_offset": 3, "label": "PER"}]}
    {"text": "Ada wrote.", "annotations": [{"start_offset": 0, "end_offset": 3, "label": 1}]}

Offsets are characters. What stands for a label that is a number is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from rnner.data.formats.annotated import AnnotatedText, CharSpan, SourceFile
from rnner.data.formats.json_records import Record, read_records, shown

TRIPLES = ("label", "labels")
OBJECTS = ("entities", "annotations")


def read(source: SourceFile) -> Iterator[AnnotatedText]:
    """The documents. Raises DataError with the line for what is no JSON or no such record."""
    for record in read_records(source):
        text = record.text(record.first("text", "data"))
        key = record.first(*TRIPLES, *OBJECTS)
        read_one = _triple if key in TRIPLES else _object
        yield AnnotatedText(text, [read_one(text, record, item) for item in record.items(key)], record.line)


def write(documents: Iterable[AnnotatedText], out: TextIO, source: SourceFile) -> None:
    """Writes a record a document, in the first shape, which doccano imports."""
    for document in documents:
        record = {"text": document.text, "label": [list(span) for span in document.spans]}
        out.write(json.dumps(record, ensure_ascii=False) + "\n")


def _triple(text: str, record: Record, item: Any) -> CharSpan:
    if not isinstance(item, list) or len(item) != 3:
        raise record.error(f'a label is [start, end, "LABEL"], not {shown(item)}')
    start, end, label = item
    return record.span(text, record.offset(start, "start"), record.offset(end, "end"), record.label(label))


def _object(text: str, record: Record, item: Any) -> CharSpan:
    own = record.of(item)
    start, end = (own.offset(own.value.get(key), key) for key in ("start_offset", "end_offset"))
    return own.span(text, start, end, own.label(own.value.get("label")))

"""doccano's JSONL (doccano.github.io/doccano), in the three forms that its versions write.

    {"text": "Ada wrote.", "label": [[0, 3, "PER"]]}                    or "labels"
    {"text": "Ada wrote.", "entities": [{"start_offset": 0, "end_offset": 3, "label": "PER"}]}
    {"text": "Ada wrote.", "annotations": [{"start_offset": 0, "end_offset": 3, "label": 1}]}

Offsets count characters. Labels may be numbers: see `SourceFile.label_names`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from rnner.data.formats.annotated import AnnotatedText, CharSpan, SourceFile
from rnner.data.formats.json_records import Record, read_records, shorten, write_record

_TRIPLES = ("label", "labels")
_OBJECTS = ("entities", "annotations")


def matches(record: Record) -> bool:
    """Return whether a record is in doccano's format."""
    keys = record.value.keys()
    return not (keys.isdisjoint(("text", "data")) or keys.isdisjoint((*_TRIPLES, *_OBJECTS)))


def read(source: SourceFile) -> Iterator[AnnotatedText]:
    """Yield the texts. Raises DataError with the line for invalid JSON or records."""
    for record in read_records(source):
        text = record.text(record.first_key("text", "data"))
        key = record.first_key(*_TRIPLES, *_OBJECTS)
        read_span = _read_triple if key in _TRIPLES else _read_object
        yield AnnotatedText(text, [read_span(text, record, item) for item in record.items(key)], record.line)


def write(documents: Iterable[AnnotatedText], out: TextIO, source: SourceFile) -> None:
    """Write one record per document, in the first form, which doccano imports."""
    for document in documents:
        write_record({"text": document.text, "label": [list(span) for span in document.spans]}, out)


def _read_triple(text: str, record: Record, item: Any) -> CharSpan:
    if not isinstance(item, list) or len(item) != 3:
        raise record.error(f'expected a label as [start, end, "LABEL"], found {shorten(item)}')
    start, end, label = item
    return record.span(text, record.check_integer(start, "start"), record.check_integer(end, "end"), label)


def _read_object(text: str, record: Record, item: Any) -> CharSpan:
    entity = record.record(item)
    return entity.span(text, *entity.offsets("start_offset", "end_offset"), entity.value.get("label"))

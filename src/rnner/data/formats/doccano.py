"""doccano's JSONL (doccano.github.io/doccano): `{"text": "Ada wrote.", "label": [[0, 3, "PER"]]}`.

Some versions write `data` (not `text`) and `labels`, or objects with `start_offset` and `end_offset` under
`entities` or `annotations`. span_records.py reads all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from rnner.data.formats.annotated import AnnotatedText, SourceFile
from rnner.data.formats.json_records import Record, write_record
from rnner.data.formats.span_records import list_key, span_items, text_key


def matches(record: Record) -> bool:
    """Return whether a record is in doccano's format."""
    if text_key(record) not in ("text", "data") or (key := list_key(record)) is None:
        return False
    first = next(iter(span_items(record, key)), None)
    return key in ("label", "labels") or (isinstance(first, dict) and "start_offset" in first)


def write(documents: Iterable[AnnotatedText], out: TextIO, source: SourceFile) -> None:
    """Write one record per document, in the form that doccano imports."""
    for document in documents:
        write_record({"text": document.text, "label": [list(span) for span in document.spans]}, out)

"""JSONL with the entities of each text, under the keys of `rnner predict --format jsonl` or similar ones.

    {"text": "Ada wrote.", "entities": [{"start": 0, "end": 3, "label": "PER", "text": "Ada"}]}

span_records.py reads it; the predicted entities take precedence over annotations under other keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TextIO

from rnner.data.formats.annotated import AnnotatedText, CharSpan, SourceFile
from rnner.data.formats.json_records import Record, write_record
from rnner.data.formats.span_records import list_key, text_key


def matches(record: Record) -> bool:
    """Return whether a record has a text and spans."""
    return text_key(record) is not None and list_key(record) is not None


def write(documents: Iterable[AnnotatedText], out: TextIO, source: SourceFile) -> None:
    """Write one record per document."""
    for document in documents:
        entities = [_entity(document.text, span) for span in document.spans]
        write_record({"text": document.text, "entities": entities}, out)


def _entity(text: str, span: CharSpan) -> dict[str, Any]:
    start, end, label = span
    return {"label": label, "start": start, "end": end, "text": text[start:end]}

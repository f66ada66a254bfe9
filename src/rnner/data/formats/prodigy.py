"""Prodigy's JSONL (prodi.gy/docs/api-interfaces): `{"text": ..., "spans": [{"start", "end", "label"}]}`.

Offsets count characters. span_records.py reads it, with its tokens; only accepted records are kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any, TextIO

from rnner.data.formats.annotated import AnnotatedText, CharSpan, SourceFile
from rnner.data.formats.json_records import Record, write_record
from rnner.data.formats.span_records import list_key
from rnner.text.tokenizer import Token


def matches(record: Record) -> bool:
    """Return whether a record is in Prodigy's format."""
    key = list_key(record)
    return "text" in record.value and (key == "spans" or (key is None and "answer" in record.value))


def write(documents: Iterable[AnnotatedText], out: TextIO, source: SourceFile) -> None:
    """Write one record per document, with its tokens if the source had them."""
    for document in documents:
        record: dict[str, Any] = {"text": document.text}
        tokens = list(chain.from_iterable(document.sentences or []))
        if document.sentences is not None:
            record["tokens"] = [_token_record(document.text, i, token) for i, token in enumerate(tokens)]
        starts = {token.start: i for i, token in enumerate(tokens)}
        ends = {token.end: i for i, token in enumerate(tokens)}
        record["spans"] = [_span_record(span, starts, ends) for span in document.spans]
        write_record({**record, "answer": "accept"}, out)


def _token_record(text: str, number: int, token: Token) -> dict[str, Any]:
    space_after = text[token.end : token.end + 1] == " "
    return {"text": token.text, "start": token.start, "end": token.end, "id": number, "ws": space_after}


def _span_record(span: CharSpan, starts: dict[int, int], ends: dict[int, int]) -> dict[str, Any]:
    """Return a span with its first and last token (inclusive), if it begins and ends where tokens do."""
    record: dict[str, Any] = span._asdict()
    if span.start in starts and span.end in ends:
        record |= {"token_start": starts[span.start], "token_end": ends[span.end]}
    return record

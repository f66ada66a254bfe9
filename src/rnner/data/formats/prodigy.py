"""Prodigy's JSONL (prodi.gy/docs/api-interfaces): `{"text": ..., "spans": [{"start", "end", "label"}]}`.

Offsets count characters. Tokens are read if a record has them. Only accepted records are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, pairwise
from typing import Any, TextIO

from rnner.data.formats.annotated import AnnotatedText, CharSpan, SourceFile
from rnner.data.formats.json_records import Record, read_records, write_record
from rnner.text.sentences import split_sentences
from rnner.text.tokenizer import Token


def matches(record: Record) -> bool:
    """Return whether a record is in Prodigy's format."""
    return "text" in record.value and not record.value.keys().isdisjoint(("spans", "answer"))


def read(source: SourceFile) -> Iterator[AnnotatedText]:
    """Yield the texts; records whose answer is not `accept` are skipped, with a note.

    Raises DataError with the line for invalid JSON or records.
    """
    for record in read_records(source):
        answer = record.value.get("answer", "accept")
        if answer != "accept":
            source.notes[f"records with the answer {answer!r} skipped"] += 1
            continue
        text = record.text("text")
        items = record.records("spans")
        spans = [item.span(text, *item.offsets(), item.value.get("label")) for item in items]
        yield AnnotatedText(text, spans, record.line, _read_tokens(text, record))


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


def _read_tokens(text: str, record: Record) -> list[list[Token]] | None:
    """Return the tokens of a record by sentence; None if it has none."""
    if "tokens" not in record.value:
        return None
    tokens = [_read_token(text, item) for item in record.records("tokens")]
    for before, token in pairwise(tokens):
        if token.start < before.end:
            raise record.error(
                f"the token {token.text!r} at {token.start} begins before the previous token ends"
            )
    return split_sentences(text, [token for token in tokens if not token.text.isspace()])


def _read_token(text: str, item: Record) -> Token:
    start, end = item.offsets()
    word = item.text("text")
    if not word or not 0 <= start < end or text[start:end] != word:
        raise item.error(f"the token {word!r} does not match the text at {start}-{end}")
    return Token(word, start, end)


def _token_record(text: str, number: int, token: Token) -> dict[str, Any]:
    space_after = text[token.end : token.end + 1] == " "
    return {"text": token.text, "start": token.start, "end": token.end, "id": number, "ws": space_after}


def _span_record(span: CharSpan, starts: dict[int, int], ends: dict[int, int]) -> dict[str, Any]:
    """Return a span with its first and last token (inclusive), if it begins and ends where tokens do."""
    record: dict[str, Any] = span._asdict()
    if span.start in starts and span.end in ends:
        record |= {"token_start": starts[span.start], "token_end": ends[span.end]}
    return record

"""Prodigy's JSONL (prodi.gy/docs/api-interfaces): `{"text": ..., "spans": [{"start", "end", "label"}]}`.

Offsets are characters. `tokens` are taken as they are where a record has them. Only what was accepted counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, TextIO

from rnner.data.formats.annotated import AnnotatedText, CharSpan, SourceFile
from rnner.data.formats.json_records import Record, read_records
from rnner.text.sentences import split_sentences
from rnner.text.tokenizer import Token


def read(source: SourceFile) -> Iterator[AnnotatedText]:
    """The documents; records whose answer is not `accept` are left out, with a note.

    Raises DataError with the line for what is no JSON or no such record.
    """
    for record in read_records(source):
        answer = record.value.get("answer", "accept")
        if answer == "accept":
            yield _document(record)
        else:
            source.notes[f"records with the answer {answer!r} are left out"] += 1


def write(documents: Iterable[AnnotatedText], out: TextIO, source: SourceFile) -> None:
    """Writes a record a document, with its tokens where the source had them."""
    for document in documents:
        record: dict[str, Any] = {"text": document.text}
        spans: list[dict[str, Any]] = [span._asdict() for span in document.spans]
        if document.sentences is not None:
            tokens = [token for sentence in document.sentences for token in sentence]
            record["tokens"] = [_token(document.text, i, token) for i, token in enumerate(tokens)]
            _number_tokens(spans, tokens)
        out.write(json.dumps({**record, "spans": spans, "answer": "accept"}, ensure_ascii=False) + "\n")


def _document(record: Record) -> AnnotatedText:
    text = record.text("text")
    spans = [_span(text, record.of(item)) for item in record.items("spans")]
    sentences = None
    if "tokens" in record.value:
        tokens = [_read_token(text, record.of(item)) for item in record.items("tokens")]
        for before, token in pairwise(tokens):
            if token.start < before.end:
                raise record.error(
                    f"the token {token.text!r} at {token.start} begins before the last one ends"
                )
        sentences = split_sentences(text, [token for token in tokens if not token.text.isspace()])
    return AnnotatedText(text, spans, record.line, sentences)


def _span(text: str, item: Record) -> CharSpan:
    start, end = (item.offset(item.value.get(key), key) for key in ("start", "end"))
    return item.span(text, start, end, item.label(item.value.get("label")))


def _read_token(text: str, item: Record) -> Token:
    start, end = (item.offset(item.value.get(key), key) for key in ("start", "end"))
    word = item.text("text")
    if not word or not 0 <= start < end or text[start:end] != word:
        raise item.error(f"the token {word!r} is not what stands at {start}-{end} of the text")
    return Token(word, start, end)


def _token(text: str, number: int, token: Token) -> dict[str, Any]:
    after = text[token.end : token.end + 1] == " "
    return {"text": token.text, "start": token.start, "end": token.end, "id": number, "ws": after}


def _number_tokens(spans: Iterable[dict[str, Any]], tokens: Iterable[Token]) -> None:
    """Adds first and last token (inclusive) to the spans that begin and end where tokens do."""
    starts, ends = {}, {}
    for number, token in enumerate(tokens):
        starts[token.start], ends[token.end] = number, number
    for span in spans:
        if span["start"] in starts and span["end"] in ends:
            span["token_start"], span["token_end"] = starts[span["start"]], ends[span["end"]]

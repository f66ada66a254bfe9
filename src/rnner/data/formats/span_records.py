"""JSON records with a text and spans, under any known keys: the formats entities, prodigy and doccano.

    {"text": "Ada wrote.", "entities": [{"start": 0, "end": 3, "label": "PER", "text": "Ada"}]}
    {"text": "Ada wrote.", "spans": [{"start": 0, "end": 3, "label": "PER"}], "answer": "accept"}
    {"text": "Ada wrote.", "label": [[0, 3, "PER"]]}
    {"content": "Ada wrote.", "annotations": [{"startOffset": 0, "length": 3, "type": "PER"}]}
    {"content": "Ada wrote.", "annotation": [{"label": ["PER"], "points": [{"start": 0, "end": 2, ...}]}]}
    {"text": "Ada wrote.", "label": {"PER": {"Ada": [[0, 2]]}}}

The last two are from Dataturks and CLUENER 2020 (github.com/CLUEbenchmark/CLUENER2020), in which the end is
the last character of the span.

`TEXTS`, `LISTS` and the tables after them list the keys; of several, the first is read. Offsets count
characters. If a span quotes its text, other units are detected (offsets.py). Labels may be numbers: see
`SourceFile.label_names`. Tokens are read if a record has them, as objects (Prodigy, spaCy) or as strings (the
predictions of rnner, where such a record is a sentence). Records rejected or ignored in Prodigy are skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from rnner.data.formats.annotated import AnnotatedText, CharSpan, SourceFile
from rnner.data.formats.json_records import Record, quoted, read_records
from rnner.data.formats.offsets import BYTES, CHARACTERS, Mark, OffsetError, to_characters
from rnner.data.formats.tokens import WORDS
from rnner.data.json_text import shorten
from rnner.text.sentences import split_sentences
from rnner.text.tokenizer import Token

TEXTS = ("text", "content", "sentence", "body", "data", "textContent")
LISTS = (
    "entities",
    "spans",
    "label",
    "labels",
    "annotations",
    "ents",
    "annotation",
    "textSegmentAnnotations",
)
# The keys of a span, in lower case and without underscores.
_STARTS = ("start", "startoffset", "begin", "beginoffset", "startchar", "startindex", "offset")
_ENDS = ("end", "endoffset", "endchar", "endindex")
_LABELS = ("label", "labels", "type", "entitytype", "entitygroup", "category", "tag", "name", "displayname")
_QUOTES = ("text", "surface", "quote")


def text_key(record: Record) -> str | None:
    """Return the key of the text of a record."""
    return next((key for key in TEXTS if isinstance(record.value.get(key), str)), None)


def list_key(record: Record) -> str | None:
    """Return the key of the spans of a record: the first of `LISTS` with a list, or else with any value."""
    present = [key for key in LISTS if key in record.value]
    return next((key for key in present if isinstance(record.value[key], list)), next(iter(present), None))


def read(source: SourceFile) -> Iterator[AnnotatedText]:
    """Yield the texts; records whose answer is not `accept` are skipped, with a note.

    Raises DataError with the line for invalid JSON or records.
    """
    for record in read_records(source):
        key = list_key(record)
        answer = record.value.get("answer", "accept")
        if answer != "accept" and key in (None, "spans"):
            source.notes[f"records with the answer {answer!r} skipped"] += 1
            continue
        yield read_record(record)


def read_record(record: Record) -> AnnotatedText:
    """Return the text of a record with its spans; raise DataError if it has no text or a span is invalid."""
    key, source = list_key(record), record.source
    text = record.text(text_key(record) or record.first_key(*TEXTS))
    spans = read_spans(text, record, span_items(record, key) if key else [], CHARACTERS)
    _note_unread(record, key)
    words = next((it for key in WORDS if isinstance(it := record.value.get(key), list)), [])
    single = bool(words) and all(isinstance(word, str) for word in words)
    sentences = _one_sentence(text, words, source) if single else _read_tokens(text, record)
    return AnnotatedText(text, spans, record.line, sentences, marked=not single)


def span_items(record: Record, key: str) -> list[Any]:
    """Return the spans under a key: a list, or an object with the places of each label and quoted text."""
    labels = record.value.get(key)
    if not isinstance(labels, dict):
        return record.items(key)
    items = []
    for label, quotes in labels.items():
        for quote, places in (quotes if isinstance(quotes, dict) else {None: quotes}).items():
            for place in record.record({label: places}).items(label):
                if not isinstance(place, list) or len(place) != 2:
                    raise record.error(f"expected the start and the end of {label}, found {shorten(place)}")
                items.append({"start": place[0], "end": place[1], "label": label, "text": quote})
    return items


def _note_unread(record: Record, key: str | None) -> None:
    """Note labels under keys other than the one that is read, and a record without labels."""
    others = LISTS if key else record.value.keys() - {"tokens"}
    record.note_unread(other for other in others if other != key)
    if key is None and "answer" not in record.value:
        record.source.notes[f"records without {' or '.join(LISTS)} read as texts without entities"] += 1


def read_spans(text: str, record: Record, items: Sequence[Any], unit: str) -> list[CharSpan]:
    """Return the spans of a text, in characters.

    Args:
        text: the text.
        record: the record that the spans are from, for errors and notes.
        items: the spans: objects, or lists `[start, end, label]`.
        unit: the unit of their offsets (offsets.py), unless the texts that they quote show another one.
    """
    if any(isinstance(item, dict) and _layout(tuple(item)).in_bytes for item in items):
        unit = BYTES
    marks = [mark for item in items for mark in _read_marks(record, item)]
    try:
        counted_in, places = to_characters(text, marks, unit)
    except OffsetError as error:
        raise record.error(str(error)) from None
    if counted_in != unit:
        record.source.notes[f"records read with offsets in {counted_in} instead of {unit}"] += 1
    return [
        CharSpan(*place, record.check_label(mark.label)) for mark, place in zip(marks, places, strict=True)
    ]


class _Layout(NamedTuple):
    """The keys of a span; None for those it does not have."""

    start: str | None
    end: str | None
    length: str | None
    label: str | None
    quote: str | None
    in_bytes: bool


@lru_cache(maxsize=256)
def _layout(keys: tuple[str, ...]) -> _Layout:
    plain = {key.replace("_", "").lower(): key for key in keys}

    def first(*names: str) -> str | None:
        return next((plain[name] for name in names if name in plain), None)

    in_bytes = "startbyte" in plain and first(*_STARTS) is None
    start, end = first(*_STARTS, "startbyte"), first(*_ENDS, "endbyte")
    return _Layout(start, end, plain.get("length"), first(*_LABELS), first(*_QUOTES), in_bytes)


def _read_marks(record: Record, item: Any) -> list[Mark]:
    """Return a span as the file has it, once per label."""
    if isinstance(item, list) and len(item) == 3:
        start, end, label = item
        return [Mark(record.check_integer(start, "start"), record.check_integer(end, "end"), label)]
    if isinstance(item, dict) and isinstance(item.get("points"), list):
        points = record.record(item).records("points")
        return [
            mark for own in points for mark in _read_marks(record, {**own.value, "label": item.get("label")})
        ]
    if not isinstance(item, dict):
        expected = '[start, end, "LABEL"] or {"start": ..., "end": ..., "label": "LABEL"}'
        raise record.error(f"expected a label as {expected}, found {shorten(item)}")
    keys = _layout(tuple(item))
    if keys.start is None or keys.label is None or (keys.end is None and keys.length is None):
        missing = "start" if keys.start is None else "label" if keys.label is None else "end"
        raise record.error(f"a span has no {missing!r}; its keys are {quoted(item)}")
    start = record.check_integer(item[keys.start], keys.start)
    if keys.end is not None:
        end = record.check_integer(item[keys.end], keys.end)
    else:
        end = start + record.check_integer(item[keys.length or ""], "length")
    quote = item.get(keys.quote)
    quote = quote if isinstance(quote, str) and quote else None
    labels = item[keys.label]
    if not isinstance(labels, list):
        return [Mark(start, end, labels, quote)]
    return [Mark(start, end, label, quote) for label in labels or [""]]  # the empty label is rejected


def find_words(text: str, words: Iterable[str]) -> list[Token] | None:
    """Return words as tokens of a text; None unless the text consists of these words and white space."""
    tokens, position = [], 0
    for word in words:
        start = text.find(word, position)
        if not word or start < 0 or text[position:start].strip():
            return None
        position = start + len(word)
        tokens.append(Token(word, start, position))
    return None if text[position:].strip() else tokens


def _one_sentence(text: str, words: Iterable[str], source: SourceFile) -> list[list[Token]] | None:
    """Return the words of a text as one sentence; None, with a note, if they do not match it."""
    tokens = find_words(text, words)
    if tokens is None:
        source.notes["records tokenized again, because their tokens do not match their text"] += 1
    return None if tokens is None else [tokens]


def _read_tokens(text: str, record: Record) -> list[list[Token]] | None:
    """Return the tokens of a record that are objects, by sentence; None if it has none."""
    if not record.value.get("tokens"):
        return None
    tokens = [_read_token(text, item) for item in record.records("tokens")]
    for before, token in pairwise(tokens):
        if token.start < before.end:
            raise record.error(
                f"the token {token.text!r} at {token.start} begins before the previous token ends"
            )
    record.source.note_outside(text, tokens)
    return split_sentences(text, [token for token in tokens if not token.text.isspace()])


def _read_token(text: str, item: Record) -> Token:
    start, end = item.offsets()
    word = item.text("text") if "text" in item.value else text[start:end]
    if not word or not 0 <= start < end or text[start:end] != word:
        raise item.error(f"the token {word!r} does not match the text at {start}-{end}")
    return Token(word, start, end)

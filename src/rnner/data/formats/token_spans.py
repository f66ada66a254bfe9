"""JSON records with tokens, and entities as spans of tokens, for models that classify spans. Never written.

    {"tokenized_text": ["Ada", "wrote"], "ner": [[0, 0, "person"]]}                       GLiNER
    {"tokens": ["Ada", "wrote"], "entities": [{"start": 0, "end": 1, "type": "PER"}]}     SpERT
    {"sentences": [["Ada", "wrote"], ["Hi"]], "ner": [[[0, 0, "PER"]], []]}               DyGIE, SciERC

The end of a span is its last token, but in SpERT the token after it. DyGIE counts the tokens of the whole
document. Sources: github.com/urchade/GLiNER, github.com/lavis-nlp/spert, github.com/dwadden/dygiepp.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from rnner.data.formats.annotated import AnnotatedText, CharSpan, SourceFile, TaggedSentence, to_documents
from rnner.data.formats.json_records import Record, read_records
from rnner.data.json_text import shorten
from rnner.data.token_table import NO_DOCUMENT

_GLINER, _SPERT, _DYGIE = {"tokenized_text", "ner"}, {"tokens", "entities"}, {"sentences", "ner"}


def matches(record: Record) -> bool:
    """Return whether a record has one of the three layouts."""
    value = record.value
    if value.keys() >= _DYGIE:
        return isinstance(value["sentences"], list) and all(isinstance(it, list) for it in value["sentences"])
    return value.keys() >= _GLINER or (value.keys() >= _SPERT and "text" not in value)


def read(source: SourceFile) -> Iterator[AnnotatedText]:
    """Yield a text for each record, with its tokens; records without a token are skipped, with a note.

    Raises DataError with the line for invalid JSON or records.
    """
    for record in read_records(source):
        if "sentences" in record.value:
            lists = record.items("sentences")
            items = list(chain.from_iterable(_list(record, "ner", own) for own in record.items("ner")))
        else:
            lists = [record.value[record.first_key("tokenized_text", "tokens")]]
            items = record.items("ner" if "tokenized_text" in record.value else "entities")
        sentences = [[record.check_text(it, "token") for it in _list(record, "tokens", own)] for own in lists]
        if any(sentences):
            yield _document(record, [own for own in sentences if own], items)
        else:
            source.notes["records without a word skipped"] += 1


def _document(record: Record, sentences: list[list[str]], items: list[Any]) -> AnnotatedText:
    number = 0 if "sentences" in record.value else NO_DOCUMENT
    tagged = [TaggedSentence(it, ["O"] * len(it), [record.line] * len(it), number) for it in sentences]
    (document,) = to_documents(tagged, "iob2")
    tokens = list(chain.from_iterable(document.sentences or ()))
    spans = []
    for item in items:
        start, end, label = _span(record, item)
        if not 0 <= start < end <= len(tokens):
            raise record.error(f"the entity {shorten(item)} is outside the {len(tokens):,} tokens, or empty")
        spans.append(CharSpan(tokens[start].start, tokens[end - 1].end, label))
    return replace(document, spans=spans)


def _span(record: Record, item: Any) -> tuple[int, int, str]:
    """Return the first token of a span, the one after its last, and its label."""
    if isinstance(item, dict):
        span = record.record(item)
        return *span.offsets(), record.check_label(item[span.first_key("type", "label")])
    start, end, label, *_ = [*_list(record, "ner", item), None, None, None]  # DyGIE may add scores
    last = record.check_integer(end, "end of an entity")
    return record.check_integer(start, "start of an entity"), last + 1, record.check_label(label)


def _list(record: Record, key: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise record.error(f"expected a list in {key!r}, found {shorten(value)}")
    return value

"""spaCy's training data as JSON (v2.spacy.io/usage/training, v2.spacy.io/api/annotation), in three layouts.

    [["Ada wrote.", {"entities": [[0, 3, "PER"]]}], ...]                    or one such pair per line
    {"classes": ["PER"], "annotations": [["Ada wrote.", {"entities": [[0, 3, "PER"]]}], ...]}
    [{"paragraphs": [{"sentences": [{"tokens": [{"orth": "Ada", "ner": "U-PER"}, ...]}]}]}]

The second is written by tecoholic's NER annotator. Offsets count characters. Training data as Python code
is not read: save it with `json.dump`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TextIO

from rnner.data.formats.annotated import AnnotatedText, CharSpan, SourceFile
from rnner.data.formats.head import Head, read_head
from rnner.data.formats.json_records import Record, read_values, write_list
from rnner.data.formats.offsets import CHARACTERS
from rnner.data.formats.span_records import find_words, read_spans
from rnner.data.json_text import shorten
from rnner.tags import TagError, to_spans
from rnner.text.spacing import join

_PAIR = r'\[\s*"(?:[^"\\\n]|\\.)*"\s*,\s*\{'
_PAIRS = re.compile(rf'\s*(?:\[\s*\[\s*"|{_PAIR})')
_PYTHON = re.compile(r"""(?:\s*#.*\n)*\s*(?:\w+\s*(?::[^=\n]+)?=\s*)?[\[(]\s*\(\s*[rf]?["']""")
_PREFIXES = {"U": "S", "L": "E"}  # BILUO prefixes and the corresponding ones of the scheme bioes
_EXAMPLE = '["Ada wrote.", {"entities": [[0, 3, "PER"]]}]'


def detect(head: Head) -> bool:
    """Return whether a file begins with pairs of a text and its entities, in JSON or as Python code."""
    return _PAIRS.match(head.text) is not None or _is_python(head.text)


def matches(record: Record) -> bool:
    """Return whether a record is a document of tokens, or a list of pairs with its labels."""
    return "paragraphs" in record.value or record.value.keys() >= {"classes", "annotations"}


def read(source: SourceFile) -> Iterator[AnnotatedText]:
    """Yield the texts. Raises DataError with the line for invalid JSON or records, and for Python code."""
    if _is_python(read_head(source.path).text):
        advice = 'json.dump(TRAIN_DATA, open("train.json", "w"))'
        raise source.error(f"this is Python code; save the list as JSON: {advice}")
    values = read_values(source)
    for value, line in values:
        if isinstance(value, dict):
            record = Record(source, value, line)
            if record.first_key("paragraphs", "annotations") == "paragraphs":
                yield from map(_read_paragraph, record.records("paragraphs"))
            else:
                items = record.items("annotations")
                if empty := items.count(None):
                    source.notes["annotations that are null skipped"] += empty
                yield from (_read_pair(source, item, line) for item in items if item is not None)
        elif isinstance(value, str):  # a line holds one pair: its items come one by one
            yield _read_pair(source, [value, *(it for it, _ in islice(values, 1))], line)
        else:
            yield _read_pair(source, value, line)


def write(documents: Iterable[AnnotatedText], out: TextIO, source: SourceFile) -> None:
    """Write a list of pairs."""
    spans = ([document.text, [list(span) for span in document.spans]] for document in documents)
    write_list(([text, {"entities": entities}] for text, entities in spans), out)


def _is_python(text: str) -> bool:
    return _PYTHON.match(text) is not None and "entities" in text


def _read_pair(source: SourceFile, pair: Any, line: int) -> AnnotatedText:
    if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[1], dict):
        raise source.error(
            f"expected a text and its entities, such as {_EXAMPLE}, found {shorten(pair)}", line
        )
    record = Record(source, pair[1], line)
    text = record.check_text(pair[0], "text")
    if "entities" not in pair[1]:
        source.notes['texts without the key "entities", read as texts without entities'] += 1
    return AnnotatedText(text, read_spans(text, record, record.items("entities"), CHARACTERS), line)


def _read_paragraph(paragraph: Record) -> AnnotatedText:
    """Return a paragraph of spaCy 2; without its raw text, the tokens are joined."""
    rows = [sentence.records("tokens") for sentence in paragraph.records("sentences")]
    words = [[token.text("orth") for token in row] for row in rows]
    raw = paragraph.value.get("raw")
    text = join([word for row in words for word in row]) if raw is None else paragraph.text("raw")
    tokens = find_words(text, (word for row in words for word in row if word and not word.isspace()))
    if tokens is None:
        raise paragraph.error(f"the tokens do not match the raw text {shorten(text)}")
    rest = iter(tokens)
    sentences, spans = [], read_spans(text, paragraph, paragraph.items("entities"), CHARACTERS)
    for row in rows:
        named = [token for token in row if token.value["orth"].strip()]
        sentences.append(list(islice(rest, len(named))))
        try:
            found = to_spans([_tag(token) for token in named], "bioes")
        except TagError as error:
            raise paragraph.error(str(error)) from None
        spans += [
            CharSpan(sentences[-1][s.start].start, sentences[-1][s.end - 1].end, s.label) for s in found
        ]
    return AnnotatedText(text, spans, paragraph.line, [row for row in sentences if row])


def _tag(token: Record) -> str:
    """Return the tag of a token in the scheme bioes."""
    tag = token.value.get("ner")
    if tag in (None, "-", ""):
        token.source.notes['tokens without an entity tag ("-"), read as O'] += 1
        return "O"
    prefix, hyphen, label = token.text("ner").partition("-")
    return f"{_PREFIXES.get(prefix, prefix)}{hyphen}{label}"

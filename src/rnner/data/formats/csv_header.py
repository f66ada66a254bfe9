"""Header rows of CSV: the delimiter, and which columns hold words, tags, sentences and documents."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_DELIMITERS = ",;\t|"
_WORDS = ("token", "word", "form", "word_form", "wordform", "tokens", "words", "text", "sentence")
_NUMBER = "_?(#|id|idx|index|no|nr|num|number|name)"
_SENTENCE_NAME = re.compile(f"sent(ence)?s?({_NUMBER})?|sid")
_DOCUMENT_NAME = re.compile(f"(doc(ument)?|article|file)s?({_NUMBER})?")
_TAG_NAME = re.compile(
    r"(?:(?:ner|ne|named_?entit(?:y|ies)|entit(?:y|ies)|iob2?|bioe?s?|bilou|gold)_?(?:tags?|labels?|types?)?"
    r"|tags?|labels?)(?:_?[0-9]+|_[a-z0-9_]+)?"
)


@dataclass(frozen=True)
class Header:
    """A header row: the delimiter, the names, and the columns by their role; several may hold tags.

    If it is `padded`, spaces follow the delimiters.
    """

    delimiter: str
    padded: bool
    names: list[str]
    word: int
    tags: list[int]
    sentence: int | None
    document: int | None


def first_row(lines: Iterator[tuple[int, str]]) -> tuple[int, str]:
    """Return the first row and its number, after blank rows and Excel's `sep=;`."""
    return next((pair for pair in lines if pair[1].strip() and not pair[1].startswith("sep=")), (1, ""))


def parse_header(line: str) -> Header | None:
    """Return the header in a line; None if it does not name a column of words and one of tags."""
    for delimiter in _DELIMITERS:
        cells = split_row(line, delimiter)
        if cells is None or len(cells) < 2:
            continue
        names = [re.sub(r"[^\w#]+", "_", cell.lower()).strip("_") for cell in cells]
        word = next((names.index(name) for name in _WORDS if name in names), None)
        tags = [i for i, name in enumerate(names) if i != word and _TAG_NAME.fullmatch(name)]
        if word is not None and tags:
            names[word] = ""
            sentence, document = _first(_SENTENCE_NAME, names), _first(_DOCUMENT_NAME, names)
            padded = any(cell.startswith(" ") for cell in cells[1:])
            cells = [cell.strip() for cell in cells]
            return Header(delimiter, padded, cells, word, tags, sentence, document)
    return None


def _first(pattern: re.Pattern[str], names: Sequence[str]) -> int | None:
    return next((i for i, name in enumerate(names) if pattern.fullmatch(name)), None)


def split_row(text: str, delimiter: str) -> list[str] | None:
    """Return the cells of a row; None if its quotes do not match."""
    if '"' not in text:
        return text.split(delimiter)
    try:
        (cells,) = csv.reader([text], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError):
        return None
    return cells

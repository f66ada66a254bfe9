"""Header rows of CSV: the delimiter, and which columns hold words, tags, sentences and documents."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rnner.data.formats.header import column_names

OF_TEXTS = ("tokens", "words", "text", "sentence")
"""Names of columns that may hold several words."""
_DELIMITERS = ",;\t|"
_NUMBER = "_?(#|id|idx|index|no|nr|num|number|name)"
_SENTENCE_NAME = re.compile(f"sent(ence)?s?({_NUMBER})?|sid")
_DOCUMENT_NAME = re.compile(f"(doc(ument)?|article|file)s?({_NUMBER})?")


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
        kinds = column_names(cells)
        names = [re.sub(r"[^\w#]+", "_", cell.lower()).strip("_") for cell in cells]
        word = _word_column(kinds, names)
        tags = [i for i, kind in enumerate(kinds) if kind == "predicted"]
        tags = tags or [i for i, kind in enumerate(kinds) if kind == "tag" and i != word]
        if word is not None and tags:
            names[word] = ""
            sentence, document = _first(_SENTENCE_NAME, names), _first(_DOCUMENT_NAME, names)
            padded = any(cell.startswith(" ") for cell in cells[1:])
            return Header(delimiter, padded, [cell.strip() for cell in cells], word, tags, sentence, document)
    return None


def _word_column(kinds: Sequence[str], names: Sequence[str]) -> int | None:
    """Return the column of words: one for single words, or else one for texts."""
    columns = [i for i, kind in enumerate(kinds) if kind == "token"]
    single = [i for i in columns if names[i] not in OF_TEXTS]
    return next(iter(single or columns), names.index("sentence") if "sentence" in names else None)


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

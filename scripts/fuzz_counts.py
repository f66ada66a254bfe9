"""Count the words, rows or records of a file without rnner's readers, for fuzz_checks.py. Not a script.

`COUNTS` has a function for each format in which they can be counted. It returns their number (None if it is
not clear) and the number of those that rnner read.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rnner.data.formats.annotated import TaggedSentence
from rnner.data.formats.column_layout import DOCUMENT_MARK, is_blank

Count = tuple[int | None, int]  # units in the file (None: not known) and units read


def text_of(path: Path) -> str:
    """Return the text of a file without byte order mark, with newlines only."""
    return path.read_bytes().decode().removeprefix("\ufeff").replace("\r\n", "\n").removesuffix("\r")


def _lines(keep: Callable[[str], bool]) -> Callable[[Path, list[TaggedSentence]], Count]:
    def count(path: Path, items: list[TaggedSentence]) -> Count:
        expected = sum(not is_blank(line) and keep(line) for line in text_of(path).split("\n"))
        return expected, sum(len(set(item.lines)) for item in items)

    return count


def _inline(path: Path, items: list[TaggedSentence]) -> Count:
    lines = [line for line in text_of(path).split("\n") if not line.startswith(DOCUMENT_MARK)]
    expected = sum(bool(item) for line in lines for item in re.split("[ \t]", line))
    return expected, sum(len(item.words) for item in items)


def _hipe(path: Path, items: list[TaggedSentence]) -> Count:
    lines = [line for line in text_of(path).split("\n") if not is_blank(line)]
    width = next(line for line in lines if line.startswith("TOKEN\t")).count("\t")
    expected = sum(line.count("\t") == width and not line.startswith("TOKEN\t") for line in lines)
    return expected, sum(len(item.words) for item in items)


def _csv(path: Path, items: list[TaggedSentence]) -> Count:
    """Count rows; the number is unknown if cells contain line breaks, or if quotes do not match."""
    lines = [line for line in text_of(path).split("\n") if line.strip() and not line.startswith("sep=")]
    delimiter = max("\t;,|", key=lines[0].count)
    rows = csv.reader(io.StringIO("\n".join(lines), newline=""), delimiter=delimiter, strict=True)
    read = len({line for item in items for line in item.lines})
    try:
        table = list(rows)
    except csv.Error:
        return None, read
    if any("\n" in cell for row in table for cell in row) or any("\r" in line for line in lines):
        return None, read
    return sum(any(cell.strip() for cell in row) for row in table[1:]), read


def _webanno(path: Path, items: list[Any]) -> Count:
    words = re.findall(r"(?m)^\d+-\d+\t\d+-\d+\t[^\t\n]", text_of(path), re.ASCII)
    return len(words), sum(len(sentence) for item in items for sentence in item.sentences)


def _json(units: Callable[[Any], int]) -> Callable[[Path, list[Any]], Count]:
    """Count the units in the records of a file."""

    def count(path: Path, items: list[Any]) -> Count:
        values = _json_values(text_of(path))
        return (None if values is None else sum(map(units, values))), len(items)

    return count


def _json_values(text: str) -> list[Any] | None:
    """Return the JSON values of a file, with lists replaced by their items; None if it has other content."""
    values, position, decoder = [], 0, json.JSONDecoder()
    while position < len(text):
        if text[position] in " \t\r\n":
            position += 1
            continue
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return None
        is_pair = isinstance(value, list) and value and isinstance(value[0], str)
        values += value if isinstance(value, list) and not is_pair else [value]
    return values


def _records(value: Any) -> int:
    for key in ("documents", "data", "examples", "records"):
        items = value.get(key) if isinstance(value, dict) and not {"text", "tokens"} & value.keys() else None
        if isinstance(items, list) and items and all(isinstance(item, dict) for item in items):
            return len(items)
    return 1


def _pairs(value: Any) -> int:
    if not isinstance(value, dict):
        return 1
    return len(value["paragraphs" if "paragraphs" in value else "annotations"] or ())


def _brat(path: Path, items: list[Any]) -> Count:
    files = path.rglob("*.ann") if path.is_dir() else [path.with_suffix(".ann")]
    lines = [line for file in files for line in text_of(file).split("\n") if line.strip()]
    return len(lines), sum(len(item.spans) for item in items)


COUNTS: dict[str, Callable[[Path, list[Any]], Count]] = {
    "conllu": _lines(lambda line: line[0] != "#"),
    "conll2012": _lines(lambda line: not line.startswith(("#begin document", "#end document"))),
    "hipe": _hipe,
    "csv": _csv,
    "inline": _inline,
    "tokens": _json(_records),
    "brat": _brat,
    "spacy-json": _json(_pairs),
    **dict.fromkeys(("labelstudio", "prodigy", "doccano", "jsonl"), _json(_records)),
    "webanno": _webanno,
}

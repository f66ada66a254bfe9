"""Detection of the kind of input in a file or stdin, from its suffix and its first kilobytes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rnner.cli.prediction_records import CONTENT_KEYS
from rnner.cli.prediction_stream import InputStream
from rnner.cli.prediction_table import has_texts
from rnner.data.formats.column_layout import Layout, detect_layout
from rnner.data.formats.detect import detect_format
from rnner.data.formats.head import Head
from rnner.data.formats.registry import FORMATS
from rnner.data.tag_spellings import PIECE_TAGS, spelling_of
from rnner.errors import DataError
from rnner.tags import is_tag

_DESCRIPTIONS = {
    "text": "text",
    "json": "JSON records",
    "jsonl": "JSON records, one per line",
    "csv": "a table with a text column",
    "conll": "a column file, of which only the words are read",
}
_KINDS_BY_SUFFIX = {
    **dict.fromkeys((".jsonl", ".ndjson"), "jsonl"),
    ".json": "json",
    ".csv": "csv",
    **dict.fromkeys(
        (".conll", ".tsv", ".iob", ".iob2", ".bio", ".bio2", ".bioes", ".bilou", ".bmes"), "conll"
    ),
}
_JSON_KINDS = ("json", "jsonl")
_JSON = re.compile(r'\s*(?:\[\s*)?\{\s*(?:"[^"\t\n]*"\s*:|\})')
_FEWEST_ROWS = 3  # needed to detect a column file whose suffix does not say so
_MOST_LINES = 1000
_LEAST_OUTSIDE = 0.4  # share of words that must be outside entities if labels have no prefixes


class Guess(NamedTuple):
    """The detected kind of an input.

    Attributes:
        kind: text, json, jsonl, csv, conll or annotated.
        form: for annotated, one of `rnner.data.formats.registry.FORMATS`.
        note: a note for the user; empty for annotated, and for text that is expected to be text.
    """

    kind: str
    form: str = ""
    note: str = ""


def guess_kind(stream: InputStream) -> Guess:
    """Return the detected kind of a stream, without consuming any of it.

    If the first line is JSON, it decides, so that records can be processed as they arrive.

    Raises:
        DataError: the stream cannot be read.
    """
    head = _look_at(stream)
    expected = _KINDS_BY_SUFFIX.get(Path(stream.name.removesuffix(".gz")).suffix.lower())
    kind, form = _kind_and_form(head, expected)
    return Guess(kind, form, _note(stream.name, expected, kind))


def _kind_and_form(head: Head, expected: str | None) -> tuple[str, str]:
    if kind := _json_kind(head, expected):
        form = _form_of_records(head)
        return ("annotated", form) if form else (kind, "")
    if has_texts(head, by_suffix=expected in ("csv", "conll")):
        return "csv", ""
    for name, known in FORMATS.items():
        if known.detect is not None and known.detect(head):
            return "annotated", name
    return "conll" if _is_column_file(head, by_suffix=expected == "conll") else "text", ""


def _note(name: str, expected: str | None, kind: str) -> str:
    if kind == "annotated" or (kind == "text" and expected is None):
        return ""
    agrees = expected in (None, kind) or {expected, kind} <= {*_JSON_KINDS} or kind == "csv"
    despite = "" if agrees else f"not {_DESCRIPTIONS[str(expected)].partition(',')[0]}, despite its suffix; "
    return f"{name}: {despite}read as {_DESCRIPTIONS[kind]} (--input {kind})"


def _look_at(stream: InputStream) -> Head:
    data = stream.peek()
    while not _JSON.match(data.decode(errors="replace").removeprefix("\ufeff")) and stream.look_further():
        data = stream.peek()
    return Head(Path(stream.name), data, whole=stream.ended)


def _json_kind(head: Head, expected: str | None) -> str:
    """Return json or jsonl, or an empty string if it is neither."""
    text = head.text.strip()
    if expected in _JSON_KINDS:  # the first record may be invalid
        is_json = not text or any(line.lstrip()[:1] in ("{", "[") for line in head.lines)
    else:
        is_json = _JSON.match(text) is not None
    if not is_json:
        return ""
    first = text.partition("\n")[0].strip()
    return "json" if re.match(r"\[\s*[\[{\]]", text) or first[-1:] in ("{", "[", ",") else "jsonl"


def _form_of_records(head: Head) -> str:
    """Return the format of annotated JSON whose records have their texts under other keys, or ''."""
    try:
        first, _ = json.JSONDecoder().raw_decode(head.text.lstrip(" \t\r\n["))
    except (ValueError, RecursionError):  # incomplete or invalid
        return ""
    nested = re.match(r"\s*\[\s*\[", head.text)  # lists of tokens
    if not isinstance(first, dict) or (_has_content(first) and not nested) or not head.path.is_file():
        return ""
    try:
        return detect_format(head.path)
    except DataError:  # the format is not known
        return ""


def _has_content(record: dict[str, Any]) -> bool:
    """Return whether a record has a text or words to predict; a list of records or of tokens is neither."""
    values = [record[key] for key in CONTENT_KEYS if key in record]
    return any(not (isinstance(it, list) and it and isinstance(it[0], dict)) for it in values)


def _is_column_file(head: Head, *, by_suffix: bool) -> bool:
    """Return whether a file has one word per line. Unless its suffix says so, it must also have tags."""
    lines = head.lines[:_MOST_LINES]
    try:
        layout = detect_layout(lines, tagged=not by_suffix)
    except DataError:
        return by_suffix
    rows = [layout.cells(line) for line in lines if layout.is_row(line)]
    whole = [row for row in rows if len(row) == layout.width]
    texts = [row for row in whole if any(cell.count(" ") > 1 for cell in row)]
    if rows and (2 * len(whole) <= len(rows) or 2 * len(texts) > len(whole)):
        return False
    if by_suffix:
        return True
    enough = len(whole) >= _FEWEST_ROWS and len(rows) - len(whole) <= max(1, len(rows) // 20)
    return enough and layout.tag is not None and _are_tags([row[layout.tag] for row in whole], layout)


def _are_tags(cells: Sequence[str], layout: Layout) -> bool:
    """Return whether cells are entity tags; if their spelling is unusual, some must mean "outside"."""
    if all(map(is_tag, cells)):
        return not set(cells) <= {"0", "1"}
    spelling = spelling_of(Counter(cells))
    outside = sum(cell.strip() in ("O", "o", "0") for cell in cells)
    if not outside or not spelling.unreadable <= PIECE_TAGS:
        return False
    if spelling.kind == "plain":
        return layout.separator == "\t" and outside >= _LEAST_OUTSIDE * len(cells)
    return spelling.kind in ("prefix", "suffix", "bare")

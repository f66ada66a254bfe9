"""JSON values and their line numbers, from JSONL, a list, or values that span several lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from rnner.data.formats.annotated import SourceFile
from rnner.data.json_text import BLANK, JsonText, decode_line, shorten, surrogate_problem
from rnner.data.lines import read_pieces
from rnner.errors import DataError

_DECODER = json.JSONDecoder()
_WRAPPERS = ("documents", "data", "examples", "records", "sentences")


class Record:
    """A JSON object that begins at `line` of a source, from 1. Its methods raise DataError with that line."""

    def __init__(self, source: SourceFile, value: Any, line: int) -> None:
        self.source, self.line = source, line
        if not isinstance(value, dict):
            raise self.error(f"expected a JSON object {{...}}, found {shorten(value)}")
        self.value: dict[str, Any] = value

    def error(self, message: str) -> DataError:
        """Return a DataError at this record."""
        return self.source.error(message, self.line)

    def first_key(self, *keys: str) -> str:
        """Return the first of these keys that the record has."""
        for key in keys:
            if key in self.value:
                return key
        expected = " or ".join(f'"{key}"' for key in keys)
        raise self.error(f"the record has no {expected}; its keys are {quoted(self.value)}")

    def items(self, key: str) -> list[Any]:
        """Return the list under a key; an empty one if the value is null or missing."""
        value = self.value.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.error(f'"{key}" is not a list: {shorten(value)}')
        return value

    def record(self, value: Any) -> Record:
        """Return a nested value as a record."""
        return Record(self.source, value, self.line)

    def records(self, key: str) -> list[Record]:
        """Return the objects in the list under a key."""
        return [self.record(item) for item in self.items(key)]

    def text(self, key: str) -> str:
        """Return the string under a key."""
        return self.check_text(self.value.get(key), key)

    def check_text(self, value: Any, key: str) -> str:
        """Return a value that must be a string without lone surrogates."""
        if not isinstance(value, str):
            raise self.error(f'"{key}" is not a string: {shorten(value)}')
        if problem := surrogate_problem(value):
            raise self.error(f'"{key}" {problem}')
        return value

    def check_integer(self, value: Any, key: str) -> int:
        """Return a value that must be a whole number."""
        if type(value) is not int:
            raise self.error(f'"{key}" is not a whole number: {shorten(value)}')
        return value

    def check_name(self, value: Any, key: str) -> str:
        """Return a tag or label. If the value is a number, return the name that the source gives it."""
        if type(value) is int:
            return self.source.label_name(value, self.line)
        return self.check_text(value, key)

    def offsets(self, start: str = "start", end: str = "end") -> tuple[int, int]:
        """Return the whole numbers under two keys."""
        first, last = (self.check_integer(self.value.get(key), key) for key in (start, end))
        return first, last

    def note_unread(self, keys: Iterable[str]) -> None:
        """Note lists of objects or of lists under these keys as labels that are not read."""
        for key in keys:
            value = self.value.get(key)
            if isinstance(value, list) and value and isinstance(value[0], dict | list):
                self.source.unread[f"labels under {key!r} not read"] += len(value)

    def check_label(self, value: Any) -> str:
        """Return a label, which must not be empty."""
        name = self.check_name(value, "label")
        if not name:
            raise self.error("a label is empty")
        return name


def read_records(source: SourceFile) -> Iterator[Record]:
    """Yield the objects of a JSONL or JSON file, and those in the list of a wrapper (`{"documents": [...]}`).

    Raises DataError with the line for invalid JSON, and for values other than objects.
    """
    for value, line in read_values(source):
        for item in _unwrapped(value):
            yield Record(source, item, line)


def read_values(source: SourceFile) -> Iterator[tuple[Any, int]]:
    """Yield the values of a JSONL or JSON file, and the items of its lists, each with its first line.

    Raises DataError with the line for invalid JSON.
    """
    text = JsonText(read_pieces(source.path), source.path)
    first = text.peek()
    number, line = text.line, text.take_line()
    if line is not None:
        text.return_line(line)
    one_per_line = line is not None and first != "[" and _is_whole(line)
    while one_per_line and (line := text.take_line()) is not None:
        start = line.lstrip(BLANK)[:1]
        if start == "[":
            text.return_line(line)
            break
        if start:
            yield decode_line(line, source.path, number), number
        number = text.line
    yield from _values(source, text)


def write_record(record: dict[str, Any], out: TextIO) -> None:
    """Write a record as one line of JSON."""
    out.write(json.dumps(record, ensure_ascii=False) + "\n")


def write_list(values: Iterable[Any], out: TextIO) -> None:
    """Write a JSON list, one value per line."""
    separator = "["
    for value in values:
        out.write(f"{separator}\n{json.dumps(value, ensure_ascii=False)}")
        separator = ","
    out.write("[]\n" if separator == "[" else "\n]\n")


def quoted(keys: Iterable[str]) -> str:
    """Return the keys of a record for a message: `"id", "text"`."""
    listed = shorten(list(keys))
    return listed.strip("[]") or "none"


def _unwrapped(value: Any) -> list[Any]:
    """Return the objects in a wrapper, a list of tokens as a record, or else the value itself."""
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return [{"tokens": value}]  # a sentence in Stanza
    for key in _WRAPPERS if isinstance(value, dict) and value.keys().isdisjoint(("text", "tokens")) else ():
        items = value.get(key)
        if isinstance(items, list) and items and all(isinstance(item, dict) for item in items):
            return items
    return [value]


def _is_whole(line: str) -> bool:
    """Return whether the JSON value of a line is complete, or invalid before its end."""
    try:
        _DECODER.raw_decode(line.lstrip(BLANK))
    except json.JSONDecodeError as error:
        return error.pos < len(line.strip(BLANK))
    except (ValueError, RecursionError):
        pass
    return True


def _values(source: SourceFile, text: JsonText) -> Iterator[tuple[Any, int]]:
    """Yield each value of a text, or each item of its lists, with the number of its first line."""
    in_list, line = False, 1
    while start := text.peek():
        line = text.line
        if start == ("]" if in_list else "["):
            in_list = not in_list
            text.skip()
            continue
        yield text.decode(), line
        following = text.peek()
        if in_list and following == ",":
            text.skip()
        elif in_list and following != "]":
            raise source.error("no comma or ] after the record that begins here", line)
    if in_list:
        raise source.error("not valid JSON: the list is not closed", line)

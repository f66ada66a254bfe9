"""JSON objects and their line numbers, read from one object per line (JSONL) or one list (Label Studio)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TextIO

from rnner.data.formats.annotated import CharSpan, SourceFile
from rnner.data.lines import read_lines
from rnner.errors import DataError

_DECODER = json.JSONDecoder()
_BLANK = " \t\r\n"


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
        raise self.error(f"the record has no {expected}, only {shorten(list(self.value))}")

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
        try:
            value.encode()
        except UnicodeEncodeError as error:
            code = f"\\u{ord(value[error.start]):x}"
            raise self.error(f'"{key}" has a lone surrogate, {code}, at {error.start}') from None
        return value

    def check_integer(self, value: Any, key: str) -> int:
        """Return a value that must be a whole number."""
        if type(value) is not int:
            raise self.error(f'"{key}" is not a whole number: {shorten(value)}')
        return value

    def check_name(self, value: Any, key: str) -> str:
        """Return a tag or label, which may be a number that the source has a name for."""
        if type(value) is int:
            return self.source.label_name(value, self.line)
        return self.check_text(value, key)

    def offsets(self, start: str = "start", end: str = "end") -> tuple[int, int]:
        """Return the whole numbers under two keys."""
        first, last = (self.check_integer(self.value.get(key), key) for key in (start, end))
        return first, last

    def span(self, text: str, start: int, end: int, label: Any) -> CharSpan:
        """Return a span of characters, which must be within the text and have a label."""
        name = self.check_name(label, "label")
        if not name:
            raise self.error("a label is empty")
        if not 0 <= start < end <= len(text):
            raise self.error(f"the span {start}-{end} {name} is outside the text ({len(text)} characters)")
        return CharSpan(start, end, name)


def read_records(source: SourceFile) -> Iterator[Record]:
    """Yield the records of a JSONL or JSON file; raise DataError with the line for invalid JSON."""
    lines = enumerate(read_lines(source.path), 1)
    for number, line in lines:
        if line.lstrip(_BLANK).startswith("["):
            rest = "\n".join([line, *(line for _, line in lines)])
            yield from _read_list(source, rest, number)
        elif line.strip(_BLANK):
            value, end = _decode(source, line, 0, number)
            if line[end:].strip(_BLANK):
                raise source.error("the line holds more than one JSON value", number)
            yield Record(source, value, number)


def write_record(record: dict[str, Any], out: TextIO) -> None:
    """Write a record as one line of JSON."""
    out.write(json.dumps(record, ensure_ascii=False) + "\n")


def shorten(value: Any) -> str:
    """Return a value as JSON for a message, at most 60 characters long."""
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _read_list(source: SourceFile, text: str, line: int) -> Iterator[Record]:
    """Yield the items of a JSON list that begins at `line`."""
    position = _skip_blanks(text, text.index("[") + 1)
    counted = 0  # newlines are counted up to here
    while text[position : position + 1] != "]":
        line, counted = line + text.count("\n", counted, position), position
        value, end = _decode(source, text, position, line)
        yield Record(source, value, line)
        position = _skip_blanks(text, end)
        if text[position : position + 1] == ",":
            position = _skip_blanks(text, position + 1)
        elif text[position : position + 1] != "]":
            raise source.error("no comma or ] after the record that begins here", line)
    if position + 1 < len(text) and (position := _skip_blanks(text, position + 1)) < len(text):
        raise source.error("unexpected text after the list", line + text.count("\n", counted, position))


def _skip_blanks(text: str, position: int) -> int:
    while text[position : position + 1] and text[position] in _BLANK:
        position += 1
    return position


def _decode(source: SourceFile, text: str, position: int, line: int) -> tuple[Any, int]:
    """Return the JSON value at a position, and the position after it."""
    try:
        return _DECODER.raw_decode(text, _skip_blanks(text, position))
    except json.JSONDecodeError as error:
        line += text.count("\n", position, error.pos)
        raise source.error(f"invalid JSON: {error.msg} at character {error.colno}", line) from None
    except (ValueError, RecursionError) as error:  # numbers with thousands of digits, deeply nested lists
        raise source.error(f"this JSON cannot be read: {error}", line) from None

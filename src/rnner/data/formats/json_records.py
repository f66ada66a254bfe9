"""JSON records with their lines: one a line (JSONL), or a list of them (as Label Studio exports it)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rnner.data.formats.annotated import CharSpan, SourceFile
from rnner.data.lines import read_lines
from rnner.errors import DataError

_DECODER = json.JSONDecoder()
_BLANK = " \t\r\n"


class Record:
    """A JSON object of a source, at `line` (counted from 1); what is wrong with it is told with that line."""

    def __init__(self, source: SourceFile, value: Any, line: int) -> None:
        self.source, self.line = source, line
        if not isinstance(value, dict):
            raise self.error(f"a JSON object is wanted, such as {{...}}, not {shown(value)}")
        self.value: dict[str, Any] = value

    def error(self, message: str) -> DataError:
        """An error in this record."""
        return self.source.error(message, self.line)

    def first(self, *keys: str) -> str:
        """The first of these keys that the record has; raises DataError if it has none."""
        for key in keys:
            if key in self.value:
                return key
        wanted = " or ".join(f'"{key}"' for key in keys)
        raise self.error(f"no {wanted} in the record, only {shown(list(self.value))}")

    def of(self, value: Any) -> Record:
        """A record within this one."""
        return Record(self.source, value, self.line)

    def items(self, key: str) -> list[Any]:
        """The list under a key; none if it is null or absent."""
        value = self.value.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.error(f'"{key}" is no list: {shown(value)}')
        return value

    def text(self, key: str) -> str:
        """The string under a key."""
        return self.string(self.value.get(key), key)

    def string(self, value: Any, what: str) -> str:
        """A value that must be a string of whole characters."""
        if not isinstance(value, str):
            raise self.error(f'"{what}" is no text: {shown(value)}')
        try:
            value.encode()
        except UnicodeEncodeError as error:
            code = f"\\u{ord(value[error.start]):x}"
            raise self.error(f'"{what}" has half a surrogate pair, {code}, at {error.start}') from None
        return value

    def offset(self, value: Any, what: str) -> int:
        """A value that must be a whole number."""
        if type(value) is not int:
            raise self.error(f'"{what}" is no whole number: {shown(value)}')
        return value

    def label(self, value: Any) -> str:
        """A label: a string that is not empty, or a number that has a name."""
        if type(value) is int:
            return self.source.name(value, self.line)
        if not (label := self.string(value, "label")):
            raise self.error("a label is empty")
        return label

    def span(self, text: str, start: int, end: int, label: str) -> CharSpan:
        """A span of characters; raises DataError if the text has none such."""
        if not 0 <= start < end <= len(text):
            raise self.error(
                f"the span {start}-{end} {label} is not within the {len(text)} characters of the text"
            )
        return CharSpan(start, end, label)


def read_records(source: SourceFile) -> Iterator[Record]:
    """The records of a JSONL or JSON file, each with the line where it begins.

    Raises DataError with the line for what is no JSON.
    """
    lines = enumerate(read_lines(source.path), 1)
    for number, line in lines:
        if line.lstrip(_BLANK).startswith("["):
            rest = "\n".join([line, *(line for _, line in lines)])
            yield from _list(source, rest, number)
        elif line.strip(_BLANK):
            value, end = _parsed(source, line, 0, number)
            if line[end:].strip(_BLANK):
                raise source.error("there is more than one JSON value in the line", number)
            yield Record(source, value, number)


def _list(source: SourceFile, text: str, line: int) -> Iterator[Record]:
    """The items of a JSON list, which begins in `line`."""
    position = _skip(text, text.index("[") + 1)
    counted = 0
    while text[position : position + 1] != "]":
        line, counted = line + text.count("\n", counted, position), position
        value, end = _parsed(source, text, position, line)
        yield Record(source, value, line)
        position = _skip(text, end)
        if text[position : position + 1] == ",":
            position = _skip(text, position + 1)
        elif text[position : position + 1] != "]":
            raise source.error("no comma or ] after the record that begins here", line)
    if position + 1 < len(text) and (position := _skip(text, position + 1)) < len(text):
        raise source.error("there is more after the list", line + text.count("\n", counted, position))


def _skip(text: str, position: int) -> int:
    """The next position that is not blank."""
    while text[position : position + 1] and text[position] in _BLANK:
        position += 1
    return position


def _parsed(source: SourceFile, text: str, position: int, line: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, _skip(text, position))
    except json.JSONDecodeError as error:
        line += text.count("\n", position, error.pos)
        raise source.error(f"no JSON: {error.msg} at character {error.colno}", line) from None
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, lists in lists in lists
        raise source.error(f"no JSON that can be read: {error}", line) from None


def shown(value: Any) -> str:
    """The beginning of a value as JSON, for messages."""
    told = json.dumps(value, ensure_ascii=True)
    return told if len(told) <= 60 else f"{told[:57]}..."

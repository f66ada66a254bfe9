"""JSON values in a text: decoding them one by one, and quoting them in messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rnner.data.lines import longest_record, record_too_long
from rnner.errors import DataError

BLANK = " \t\r\n"
"""The characters that JSON ignores between values."""
_BLANKS = re.compile(f"[{BLANK}]*")
_BLANKS_AND_COMMAS = re.compile(f"[{BLANK},]*")
_DECODER = json.JSONDecoder()
_MESSAGE = 120  # characters of a value in a message
_LAST = 12  # characters; an error before them does not come from the end of the piece


def decode_line(line: str, path: Path | str, number: int, decoder: json.JSONDecoder = _DECODER) -> Any:
    """Return the JSON value on a line; raise DataError unless there is exactly one."""
    try:
        value, end = decoder.raw_decode(line, _end_of_blanks(line, 0))
    except (ValueError, RecursionError) as error:
        raise _invalid(error, path, number) from None
    if line[end:].strip(BLANK):
        raise DataError("not valid JSON: two values on one line", path, number)
    return value


class JsonText:
    """Reader of JSON values from pieces of text. It keeps little more than one value and one piece in memory.

    Args:
        pieces: the text.
        name: name of its file, for messages.
        decoder: decodes each value.

    Attributes:
        line: line number of the current position, from 1.
        raw: the text of the value decoded last.

    Raises DataError with the line for invalid JSON, and for values longer than `longest_record()`.
    """

    def __init__(self, pieces: Iterable[str], name: Path | str, decoder: json.JSONDecoder = _DECODER) -> None:
        self.line, self.raw = 1, ""
        self._pieces, self._name, self._decoder = iter(pieces), name, decoder
        self._text, self._position = "", 0
        self._column = 0  # of the beginning of `_text` in its line

    def peek(self, *, commas: bool = False) -> str:
        """Return the next character that is not blank (nor, with `commas`, a comma), or "" at the end."""
        while True:
            end = _end_of_blanks(self._text, self._position, commas=commas)
            self._advance(end)
            if end < len(self._text) or not self._more():
                return self._text[end : end + 1]

    def skip(self) -> None:
        """Skip the character that `peek` returned."""
        self._advance(self._position + 1)

    def take_line(self) -> str | None:
        """Return the rest of the current line without its line end, and advance; None if no text is left."""
        while (end := self._text.find("\n", self._position)) < 0 and self._more():
            pass
        if self._position == len(self._text):
            return None
        line = self._text[self._position : len(self._text) if end < 0 else end]
        self._position += len(line) + (end >= 0)
        self.line += end >= 0
        return line

    def return_line(self, line: str) -> None:
        """Go back to the position before the last `take_line`, which returned `line`."""
        ended = self._text[self._position - 1] == "\n"
        self._position -= len(line) + ended
        self.line -= ended

    def decode(self) -> Any:
        """Return the value at the position that `peek` found, and advance."""
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._position)
            except json.JSONDecodeError as error:
                last = len(self._text.rstrip(BLANK)) - _LAST
                if (error.pos < last and not error.msg.startswith("Unterminated")) or not self._more():
                    column = self._column if error.lineno == 1 else 0
                    line = self.line + self._text.count("\n", self._position, error.pos)
                    raise _invalid(error, self._name, line, column) from None
            except (ValueError, RecursionError) as error:
                raise _invalid(error, self._name, self.line) from None
            else:
                # A number at the end of a piece may continue in the next one.
                if self._text[end - 1] in '}]"' or end < len(self._text) - _LAST or not self._more():
                    self.raw = self._text[self._position : end]
                    self._advance(end)
                    return value

    def _advance(self, end: int) -> None:
        self.line += self._text.count("\n", self._position, end)
        self._position = end

    def _more(self) -> bool:
        """Read more text; return False at the end. The text doubles, so that retries take linear time."""
        line_start = self._text.rfind("\n", 0, self._position) + 1
        self._column = self._position - line_start + (0 if line_start else self._column)
        parts = [self._text[self._position :]]
        if len(parts[0]) > longest_record():
            raise record_too_long("JSON value", self._name, self.line)
        missing = max(1, len(parts[0]))
        while missing > 0 and (piece := next(self._pieces, "")):
            parts.append(piece)
            missing -= len(piece)
        self._text, self._position = "".join(parts), 0
        return len(parts) > 1


def _end_of_blanks(text: str, position: int, *, commas: bool = False) -> int:
    match = (_BLANKS_AND_COMMAS if commas else _BLANKS).match(text, position)
    assert match is not None  # it may be empty
    return match.end()


def _invalid(error: Exception, path: Path | str, line: int, column: int = 0) -> DataError:
    """Return the DataError for an error of the decoder, in a text that begins at a column of its line."""
    if isinstance(error, json.JSONDecodeError):
        problem = error.msg.removesuffix(" at")  # "Invalid control character at"
        return DataError(f"not valid JSON: {problem} at character {column + error.colno}", path, line)
    if isinstance(error, RecursionError):
        reason = "lists and objects are nested too deeply"
    else:
        reason = "a number has thousands of digits" if "digits" in str(error) else str(error)
    return DataError(f"this JSON cannot be read: {reason}", path, line)


def shorten(value: Any) -> str:
    """Return a value as JSON for a message, at most 120 characters long."""
    try:
        text = json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace").decode()
    except RecursionError:  # it was decoded when the stack was less deep
        return "lists and objects that are nested deeply"
    return text if len(text) <= _MESSAGE else f"{text[: _MESSAGE - 3]}..."


def surrogate_problem(text: str) -> str:
    """Return why a text cannot be written as UTF-8, or an empty string if it can."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"has a lone surrogate, \\u{ord(text[error.start]):x}, at position {error.start}"
    return ""

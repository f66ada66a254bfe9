"""JSON values within a text: reading them one by one, and showing them in messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rnner.errors import DataError

BLANK = " \t\r\n"
"""The characters that JSON ignores between values."""
_DECODER = json.JSONDecoder()
_MESSAGE = 120  # characters of a value in a message


def skip(text: str, position: int, characters: str = BLANK) -> int:
    """Return the position of the next character that is not one of these, or the end of the text."""
    while text[position : position + 1] and text[position] in characters:
        position += 1
    return position


def decode_at(
    text: str, position: int, path: Path | str, line: int, decoder: json.JSONDecoder = _DECODER
) -> tuple[Any, int]:
    """Return the JSON value at a position (blanks before it are skipped), and the position after it.

    Raises DataError with the path and the line. `line` is the line number of the position.
    """
    try:
        return decoder.raw_decode(text, skip(text, position))
    except json.JSONDecodeError as error:
        line += text.count("\n", position, error.pos)
        problem = error.msg.removesuffix(" at")  # "Invalid control character at"
        message = f"not valid JSON: {problem} at character {error.colno}"
    except (ValueError, RecursionError) as error:  # numbers with thousands of digits, deeply nested lists
        message = f"this JSON cannot be read: {error}"
    raise DataError(message, path, line)


def shorten(value: Any) -> str:
    """Return a value as JSON for a message, at most 120 characters long."""
    text = json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace").decode()
    return text if len(text) <= _MESSAGE else f"{text[: _MESSAGE - 3]}..."


def surrogate_problem(text: str) -> str:
    """Return what is wrong with a text that cannot be written as UTF-8, or an empty string."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"has a lone surrogate, \\u{ord(text[error.start]):x}, at position {error.start}"
    return ""

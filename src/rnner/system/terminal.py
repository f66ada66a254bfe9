r"""Escaping of text from files, so that no control character reaches a terminal.

A terminal obeys control characters: they move the cursor, hide text, reorder it or change the title. Files,
file names and models may contain them. In text for a terminal, they are replaced with visible escapes such as
`\x1b`. Letters of right-to-left scripts, combining characters and joiners stay as they are.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO, cast

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# C0 and C1 controls, DEL, line separators, controls of text direction, lone surrogates.
DIRECTION_MARKS = "\u061c\u200e\u200f"
"""Invisible characters of ordinary Arabic and Hebrew text. They are harmless in HTML."""
_SHORT = {"\n": r"\n", "\t": r"\t", "\r": r"\r"}
_CURSOR_UP = re.compile("\n*(\x1b\\[A)+")  # written by a progress bar below another one


def printable(text: str, *, keep: str = "") -> str:
    r"""Replace control characters, line separators and lone surrogates with escapes: \n, \x1b, \u2028.

    Args:
        text: any text.
        keep: characters that are left as they are.
    """
    return _UNSAFE.sub(lambda match: match[0] if match[0] in keep else _escape(match[0]), text)


def escape_quoted(text: str) -> str:
    """Replace control characters in the strings of JSON or YAML with escapes, which parsers decode.

    Line breaks are kept: the JSON and YAML writers have already escaped those within strings.
    """
    return _UNSAFE.sub(lambda match: "\n" if match[0] == "\n" else f"\\u{ord(match[0]):04x}", text)


def _escape(control: str) -> str:
    code = ord(control)
    return _SHORT.get(control) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


class GuardedStream:
    """A text stream that escapes all control characters except line breaks and tabs.

    All other attributes are those of the wrapped stream. Rich writes to `rich_proxied_file`, without this
    escaping, because its colours are escape sequences; `rnner.cli.console.Terminal` escapes its text.
    """

    def __init__(self, stream: TextIO) -> None:
        self.rich_proxied_file = stream

    def write(self, text: str) -> int:
        """Write a text. A progress bar may move the cursor to the start of the line, or up."""
        if not _CURSOR_UP.fullmatch(text):
            start = text[:1] if text[:1] == "\r" else ""
            text = start + printable(text[len(start) :], keep="\n\t")
        return self.rich_proxied_file.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        if name == "rich_proxied_file":  # while this object is being copied
            raise AttributeError(name)
        return getattr(self.rich_proxied_file, name)


def guard_streams() -> None:
    """Escape control characters in stderr and, if it is a terminal, in stdout.

    This covers everything that the process writes, including warnings, logs, progress bars and tracebacks of
    libraries. Data that goes from stdout to a file or a pipe is not changed.
    """
    sys.stdout, sys.stderr = for_data(sys.stdout), _guarded(sys.stderr)


def for_data(stream: TextIO) -> TextIO:
    """Return a stream that writes data unchanged to a file or a pipe, and printable text to a terminal."""
    return _guarded(stream) if stream.isatty() else stream


def _guarded(stream: TextIO) -> TextIO:
    return stream if isinstance(stream, GuardedStream) else cast("TextIO", GuardedStream(stream))

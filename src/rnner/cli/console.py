"""Console output of all commands: results to stdout, messages to stderr, plain lines outside a terminal.

All commands print through these functions, which escape control characters in files, names and models (see
`rnner.system.terminal`). Text that a message quotes never begins a new line.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from rich.console import Console
from rich.segment import Segment
from rich.text import Text

from rnner.cli import out_of_memory
from rnner.errors import RnnerError
from rnner.model.user_code import place_in_code
from rnner.render.json_output import to_json
from rnner.system.terminal import printable

if TYPE_CHECKING:
    from rich.console import ConsoleOptions, RenderableType

_MESSAGE = 4_000  # characters; a longer line quotes too much data


class Terminal(Console):
    """A console that escapes control characters, and raises BrokenPipeError when its reader is gone."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(highlight=False, emoji=False, markup=False, **settings)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of a renderable, with control characters other than line breaks escaped."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else printable(text, keep="\n"), style, control)

    def on_broken_pipe(self) -> NoReturn:
        """Raise BrokenPipeError. Rich would exit with 1, but `rnner ... | head` is not an error."""
        raise BrokenPipeError


out = Terminal(soft_wrap=True)
err = Terminal(stderr=True, soft_wrap=True)


def print_json(value: object) -> None:
    """Print a value to stdout as indented JSON."""
    print_text(to_json(value, indent=2) + "\n")


def print_text(text: str) -> None:
    """Print a text to stdout, with control characters other than line breaks and tabs escaped."""
    sys.stdout.write(printable(text, keep="\n\t"))


def print_table(table: RenderableType) -> None:
    """Print a table to stdout, no wider than the terminal."""
    out.print(table, soft_wrap=False)


def print_error(message: str, details: Iterable[str] = ()) -> None:
    """Print an error to stderr; `details` are further lines."""
    _print_message("error: ", "bold red", message, details)


def notice(message: str, *, quiet: bool = False) -> None:
    """Print a note to stderr unless `quiet`."""
    if not quiet:
        _print_message("", "", message)


def warn(message: str) -> None:
    """Print a warning to stderr, even with `--quiet`."""
    _print_message("warning: ", "yellow", message)


def _print_message(kind: str, style: str, message: str, details: Iterable[str] = ()) -> None:
    """Print a message to stderr. In a terminal, wrap its lines between words."""
    lines = [_shorten(printable(line)) for line in (f"{kind}{message}", *details)]
    if err.is_terminal:
        fill = partial(textwrap.fill, width=err.width, break_long_words=False, break_on_hyphens=False)
        lines = [fill(line) for line in lines]
    text = Text("\n".join(lines), style="" if kind else "dim")
    text.stylize(style, 0, len(kind))
    err.print(text)


def _shorten(line: str) -> str:
    """Cut out the middle of a line that is too long, since advice is at the end."""
    half = _MESSAGE // 2
    return line if len(line) <= _MESSAGE else f"{line[:half]} ... {line[-half:]}"


def report_error(error: BaseException, prefix: str = "") -> int:
    """Print an exception as a one-line error, followed by any details, and return the exit code."""
    if isinstance(error, RnnerError):
        if error.exit_code == 130:
            notice(f"{prefix}{error}")
        else:
            print_error(f"{prefix}{error.summary}", error.details)
        return error.exit_code
    # Typer raises click's usage errors or, depending on its version, its own copy of them.
    if callable(getattr(error, "format_message", None)):
        return _report_usage_error(error)
    print_error(f"{prefix}{_describe(error)} (RNNER_DEBUG=1 shows the traceback)")
    return 1


def _report_usage_error(error: Any) -> int:
    message, context = error.format_message().replace("Value error, ", ""), getattr(error, "ctx", None)
    path = context.command_path if context else "rnner"
    print_error(f"{' '.join(message.split()).removesuffix('.')}; see `{path} --help`")
    return int(error.exit_code)


def _describe(error: BaseException) -> str:
    if out_of_memory.is_out_of_memory(error):
        return out_of_memory.describe(sys.argv[1:])
    if isinstance(error, OSError):
        return f"{error.filename or 'the output'}: {error.strerror}" if error.strerror else str(error)
    if place := place_in_code(error):
        return f"{place}: {type(error).__name__}: {error}"
    return f"unexpected {type(error).__name__}: {error}"

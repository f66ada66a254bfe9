"""What all commands share: results to stdout, everything else to stderr, plain off a terminal."""

from __future__ import annotations

import textwrap
from functools import partial
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from rnner.errors import RnnerError
from rnner.model.user_code import place_in_code


class Terminal(Console):
    """A console that prints what it is given as it is, and leaves a closed pipe to who called it."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(highlight=False, emoji=False, **settings)

    def on_broken_pipe(self) -> NoReturn:
        """Rich would exit with 1 here, but a reader who has enough (`| head`) is no failure."""
        raise BrokenPipeError


out = Terminal(soft_wrap=True)
err = Terminal(stderr=True, soft_wrap=True)


def complain(message: str) -> None:
    """Say what went wrong, on stderr."""
    _say("error: ", "bold red", message)


def notice(message: str, *, quiet: bool = False) -> None:
    """Say something that is no result, on stderr."""
    if not quiet:
        _say("", "", message)


def warn(message: str) -> None:
    """Say something that the user should look at, on stderr, even when quiet."""
    _say("warning: ", "yellow", message)


def _say(kind: str, style: str, message: str) -> None:
    """In a terminal, lines break between words; elsewhere, and within a long path, never."""
    lines = f"{kind}{message}".splitlines()
    if err.is_terminal:
        fill = partial(textwrap.fill, width=err.width, break_long_words=False, break_on_hyphens=False)
        lines = [fill(line) for line in lines]
    text = Text("\n".join(lines), style="" if kind else "dim")
    text.stylize(style, 0, len(kind))
    err.print(text)


def tell(error: Exception, of: str = "") -> int:
    """Say what went wrong (`of` what), in one line if it is one thing, and return the exit code."""
    if isinstance(error, RnnerError):
        (notice if error.exit_code == 130 else complain)(f"{of}{error}")
        return error.exit_code
    # Typer's usage errors, which are click's or a copy of them, as its version has it.
    if callable(getattr(error, "format_message", None)):
        return _tell_usage(error)
    complain(f"{of}{_unforeseen(error)} (RNNER_DEBUG=1 shows where)")
    return 1


def _tell_usage(error: Any) -> int:
    message, context = error.format_message().replace("Value error, ", ""), getattr(error, "ctx", None)
    if message.startswith("Usage:"):  # a command group alone: this is its help
        typer.echo(message, err=True)
    else:
        path = context.command_path if context else "rnner"
        complain(f"{' '.join(message.split()).removesuffix('.')}; see `{path} --help`")
    return int(error.exit_code)


def _unforeseen(error: Exception) -> str:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "out of memory: lower training.batch_tokens, or predict in smaller batches"
    if isinstance(error, OSError):
        return f"{error.filename or 'the output'}: {error.strerror}" if error.strerror else str(error)
    if place := place_in_code(error):
        return f"{place}: {type(error).__name__}: {error}"
    return f"unforeseen {type(error).__name__}: {error}"

"""What all commands share: results to stdout, everything else to stderr, plain off a terminal."""

from __future__ import annotations

import textwrap
from functools import partial
from typing import Any, NoReturn

from rich.console import Console
from rich.text import Text


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

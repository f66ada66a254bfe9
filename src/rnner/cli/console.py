"""What all commands share: results to stdout, everything else to stderr, plain off a terminal."""

from __future__ import annotations

from typing import Any, NoReturn

from rich.console import Console


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
    err.print("error:", style="bold red", end=" ")
    err.print(message, markup=False)


def notice(message: str, *, quiet: bool = False) -> None:
    """Say something that is no result, on stderr."""
    if not quiet:
        err.print(message, markup=False, style="dim" if err.is_terminal else None)


def warn(message: str) -> None:
    """Say something that the user should look at, on stderr, even when quiet."""
    err.print("warning:", style="yellow", end=" ")
    err.print(message, markup=False)

"""What all commands share: results to stdout, everything else to stderr, plain off a terminal."""

from __future__ import annotations

from rich.console import Console

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


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

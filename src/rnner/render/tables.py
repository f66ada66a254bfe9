"""Shared parts of all tables in the terminal."""

from __future__ import annotations

from collections.abc import Callable

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table


class Deferred:
    """A renderable that `build` returns for the console's width and colour system (None without colours)."""

    def __init__(self, build: Callable[[int, str | None], RenderableType]) -> None:
        self._build = build

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._build(options.max_width, color_system(console))


def color_system(console: Console) -> str | None:
    """Return the console's colour system as rich names it ("standard", "256", ...); None without colours."""
    return None if console.no_color else console.color_system


def numeric_table(*titles: str, text: int = 1) -> Table:
    """Return a table without a frame: `text` columns of words, which may fold, then columns of numbers."""
    table = Table(box=box.HORIZONTALS, show_edge=False, padding=(0, 1, 0, 0))
    for i, title in enumerate(titles):
        if i < text:
            table.add_column(title, overflow="fold")
        else:
            table.add_column(title, justify="right", no_wrap=True)
    return table


def text_bar(share: float, width: int) -> str:
    """Return a share in [0, 1] as a bar of block characters, padded to `width` columns."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    return ("█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8]).ljust(width)[:width]

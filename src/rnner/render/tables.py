"""What all tables in the terminal share."""

from __future__ import annotations

from collections.abc import Callable

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table


class Drawn:
    """Something drawn only when the console's width, and what colours it has, are known."""

    def __init__(self, draw: Callable[..., RenderableType]) -> None:
        self._draw = draw

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._draw(width=options.max_width, system=colour_system(console))


def colour_system(console: Console) -> str | None:
    """What colours there are, as rich names it ("standard", "256", "truecolor", ...); None if none."""
    return None if console.no_color else console.color_system


def figures_table(*titles: str, text: int = 1) -> Table:
    """A table without frame: `text` columns of words, folded if need be, then figures, which never are."""
    table = Table(box=box.HORIZONTALS, show_edge=False, padding=(0, 1, 0, 0))
    for i, title in enumerate(titles):
        if i < text:
            table.add_column(title, overflow="fold")
        else:
            table.add_column(title, justify="right", no_wrap=True)
    return table

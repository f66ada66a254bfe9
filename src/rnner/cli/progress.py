"""How far `rnner predict` is: a line on the terminal while the results go elsewhere."""

from __future__ import annotations

import time
from contextlib import ExitStack

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from rnner.cli.console import err, notice


class Speed:
    """Words so far and words a second, within a `with` block; the last line stays.

    Args:
        shown: whether there is a terminal to show it on, and nothing else being shown there.
    """

    def __init__(self, *, shown: bool) -> None:
        self._shown, self._words, self._started = shown, 0, 0.0
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._progress = Progress(*columns, console=err, transient=True, disable=not shown)
        self._task = self._progress.add_task("reading the model")
        self._stack = ExitStack()

    def add(self, words: int) -> None:
        """So many more words are done. The first ones begin the count: the model was loaded before."""
        self._words += words
        self._progress.update(self._task, description=self._told())

    def __enter__(self) -> Speed:
        self._stack.enter_context(self._progress)
        self._started = time.monotonic()
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self._stack.close()
        notice(self._told(), quiet=not self._shown or kind is not None)

    def _told(self) -> str:
        seconds = max(time.monotonic() - self._started, 1e-3)
        return f"{self._words:,} words, {self._words / seconds:,.0f} a second"

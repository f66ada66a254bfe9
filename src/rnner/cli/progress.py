"""How far `rnner predict` is: a line on the terminal while the results go elsewhere."""

from __future__ import annotations

import time

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from rnner.cli.console import err, notice


class Speed:
    """Words so far and words a second, within a `with` block; the last line stays.

    Args:
        shown: whether there is a terminal to show it on, and nothing else being shown there.
    """

    def __init__(self, *, shown: bool) -> None:
        self._shown, self._words = shown, 0
        self._first, self._begun = 0, 0.0  # words of the first chunk, and when they were done
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._progress = Progress(*columns, console=err, transient=True, disable=not shown)
        self._task = self._progress.add_task("reading the model")

    def add(self, words: int) -> None:
        """So many more words are done. The clock begins with the first: until then the model was loaded."""
        self._words += words
        if not self._begun:
            self._first, self._begun = words, time.monotonic()
        self._progress.update(self._task, description=self._told())

    def __enter__(self) -> Speed:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self._progress.stop()
        notice(self._told(), quiet=not self._shown or kind is not None)

    def _told(self) -> str:
        later, seconds = self._words - self._first, time.monotonic() - self._begun
        speed = f", {later / seconds:,.0f} a second" if later and seconds > 0 else ""
        return f"{self._words:,} words{speed}"

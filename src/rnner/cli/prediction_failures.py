"""Records that `rnner predict` cannot read: it stops there, skips them, or marks them in the output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rnner.cli.prediction_chunks import Chunk, Item
from rnner.errors import DataError, counted


class Failures:
    """Applies the rule of --on-error, and counts failures.

    Args:
        rule: `stop`, `skip` or `mark`.
    """

    def __init__(self, rule: str) -> None:
        self._rule = rule
        self._read = self._failed = 0
        self._first: DataError | None = None
        self._stopped: DataError | None = None
        self._advice = ""  # about an error after which the input can still be read

    def handle(self, error: DataError, keys: Mapping[str, Any] | None = None) -> list[Item]:
        """Return the items that replace an unreadable record: none, or one with the error.

        Args:
            error: why the record cannot be read.
            keys: the keys of the record, if it has any; they are kept.

        Raises:
            DataError: `error`, if the rule is to stop.
        """
        if self._rule == "stop":
            self._advice = "; use --on-error skip to continue after it"
            raise error
        self._failed += 1
        self._first = self._first or error
        return [Item("", {**(keys or {}), "error": str(error)}, failed=True)] if self._rule == "mark" else []

    def until_error(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """Yield the chunks before the first error, so that their results are written.

        Raises:
            DataError: nothing came before the error.
        """
        try:
            for chunk in chunks:
                self._read += sum(not item.failed for item in chunk.items)
                yield chunk
        except DataError as error:
            if not self._read + self._failed:
                raise
            self._stopped = error

    def finish(self) -> None:
        """Report the records that could not be read.

        Raises:
            DataError: a record could not be read. The message includes the counts.
        """
        parts = []
        if self._first is not None:
            where = "marked in the output" if self._rule == "mark" else "left out"
            share = f"{self._failed:,} of {counted(self._failed + self._read, 'record')}"
            parts.append(f"{share} could not be read ({where}); first error: {self._first}")
        if self._stopped is not None:
            parts.append(f"{self._stopped}{self._advice}; records written before it: {self._read:,}")
        if parts:
            raise DataError("; then ".join(parts))

"""Rows of CSV, whose quoted cells may have several lines. A row is at most as long as any record."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from rnner.data.lines import longest_record, record_too_long
from rnner.errors import DataError

_CAUSE = "a quotation mark is missing"


def allow_long_cells() -> None:
    """Let the csv module read cells as long as a record; its own limit is less than a long article."""
    csv.field_size_limit(longest_record())


class RowLines:
    """Iterator over the lines of rows; it raises DataError if those of one row are too long.

    Attributes:
        begin: the first line of the current row, from 1; a row ends when `end_row` is called.
    """

    def __init__(self, lines: Iterable[str], name: Path | str) -> None:
        self.begin = 1
        self._lines, self._name = iter(lines), name
        self._limit, self._size, self._read = longest_record(), 0, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._read += 1
        self._size += len(line)
        if self._size > self._limit:
            raise record_too_long("row", self._name, self.begin, _CAUSE)
        return line

    def end_row(self) -> None:
        """Begin a new row with the next line."""
        self.begin, self._size = self._read + 1, 0


def read_rows(
    lines: Iterable[str], name: Path | str, delimiter: str, *, strict: bool = False
) -> Iterator[tuple[int, list[str] | DataError]]:
    """Yield the first line of each row that is not empty, and its cells, or the error if it is not CSV.

    Args:
        lines: the lines, with their ends.
        name: the file, for messages.
        delimiter: the character between cells.
        strict: whether quotes must be doubled within quotes.

    Raises DataError for a row that is too long, and as iterating over the lines does.
    """
    allow_long_cells()
    source = RowLines(lines, name)
    reader = csv.reader(source, delimiter=delimiter, strict=strict)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield source.begin, DataError(f"this row is not valid CSV: {error}", name, source.begin)
        else:
            if row:
                yield source.begin, row
        source.end_row()

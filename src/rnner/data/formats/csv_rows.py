"""Reading of CSV rows. Quoted cells may span several lines; the size limit for records applies to rows."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from rnner.data.lines import longest_record, record_too_long
from rnner.errors import DataError

_CAUSE = "a quotation mark is missing"


def allow_long_cells() -> None:
    """Let the csv module read cells as long as a record. Its default limit is shorter than a long article."""
    csv.field_size_limit(longest_record())


class RowLines:
    """Iterator over lines that raises DataError if the lines of one row are too long.

    Attributes:
        begin: number of the first line of the current row, from 1. Callers end a row with `end_row`.
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
    """Yield, for each row that is not empty, the number of its first line, and its cells or an error.

    Args:
        lines: the lines, with their line ends.
        name: the file, for messages.
        delimiter: the character between cells.
        strict: whether a row with malformed quotes is an error.

    An error is yielded for a row that is not valid CSV. Raises DataError for a row that is too long, and
    any error of `lines`.
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


def format_row(cells: Iterable[object], delimiter: str = ",") -> str:
    """Return a row without its line end; cells are quoted where necessary.

    `csv.writer` would not quote a carriage return in rows that end in a line feed.

    >>> format_row(["Ada, Bo", 3])
    '"Ada, Bo",3'
    """
    special = {delimiter, '"', "\r", "\n"}
    return delimiter.join(
        cell if special.isdisjoint(cell) else '"' + cell.replace('"', '""') + '"' for cell in map(str, cells)
    )

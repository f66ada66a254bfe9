"""Tables as input of `rnner predict`: CSV or TSV with a header row that has a column `text`.

id,text
7,"Ada Lovelace wrote to Charles Babbage, who answered."
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from rnner.cli.prediction_chunks import Chunk, Item, chunks_of
from rnner.cli.prediction_failures import Failures
from rnner.cli.prediction_records import RecordReader
from rnner.cli.prediction_rows import ENTITIES
from rnner.cli.prediction_stream import InputStream
from rnner.data.formats.csv_rows import read_rows
from rnner.data.formats.head import Head
from rnner.data.lines import line_error, read_lines
from rnner.errors import DataError, counted

_TEXT = "text"


def has_texts(head: Head, *, by_suffix: bool) -> bool:
    """Return whether a file begins like a table with a column `text` in which a cell has several words.

    Without a suffix for tables, the header must have two or more one-word names, and all rows as many cells.
    """
    rows = [row for _, row in _rows(islice(head.lines, 20), head.path.name) if isinstance(row, list)]
    header = rows[0] if rows else []
    place = _text_column(header)
    if not by_suffix and (len({*map(len, rows)}) != 1 or len(header) == 1 or any(" " in it for it in header)):
        return False
    return place is not None and any(" " in row[place] for row in rows[1:] if len(row) == len(header))


class TableRow(NamedTuple):
    """A row of a table: its cells, and the documents that it becomes.

    A row that cannot be read has no cells, and the documents that replace it.
    """

    cells: list[str]
    items: list[Item]


class TableInput:
    """A table with one text per row.

    Attributes:
        header: the names of its columns.

    Args:
        stream: the file.
        failures: handles rows that cannot be read.

    Raises:
        DataError: there is no column `text`, or two columns have the same name.
    """

    def __init__(self, stream: InputStream, failures: Failures) -> None:
        self._name, self._failures = stream.name, failures
        self._records = RecordReader(stream.name, failures)
        self._lines = _rows(read_lines(stream.as_file(), lenient=True), stream.name)
        self.header = _header(next(self._lines, (1, [_TEXT]))[1], stream.name)
        self._keys = [_TEXT if i == _text_column(self.header) else it for i, it in enumerate(self.header)]

    def __iter__(self) -> Iterator[TableRow]:
        for line, row in self._lines:
            if isinstance(row, list):
                row = _row_error(row, self.header, self._name, line) or row
            if isinstance(row, list):
                record = dict(zip(self._keys, row, strict=True))
                yield TableRow(row, list(self._records.items(record, line)))
            elif items := self._failures.handle(row):
                yield TableRow([], items)

    def chunks(self, rows: Iterable[TableRow] | None = None) -> Iterator[Chunk]:
        """Yield one document per row. Its other cells are kept, with the column names as keys.

        Args:
            rows: the rows of this table, if the caller also iterates over them.
        """
        return chunks_of([(item for row in (self if rows is None else rows) for item in row.items)])

    def kept(self, cells: Sequence[str]) -> list[str]:
        """Return the cells of a row, or the header, for an output that has a new column `entities`.

        As in JSON records, an old column of this name becomes `input_entities`, unless there is one already.
        """
        old, kept = self.header.index(ENTITIES) if ENTITIES in self.header else None, list(cells)
        if old is not None and f"input_{ENTITIES}" in self.header:
            del kept[old]
        elif old is not None and kept[old] == ENTITIES:
            kept[old] = f"input_{ENTITIES}"
        return kept


def _rows(lines: Iterable[str], name: str) -> Iterator[tuple[int, list[str] | DataError]]:
    """Yield the number of each row's first line, and its cells or an error. The header sets the separator."""
    iterator = iter(lines)
    first = next(iterator, "")
    separator = max("\t;,", key=first.count)
    ended = (f"{line}\n" for line in chain([first], iterator))
    return read_rows(ended, name, separator, strict=True)


def _header(row: list[str] | DataError, name: str) -> list[str]:
    """Return the column names.

    Raises:
        DataError: no column is called `text`, or two have the same name.
    """
    if isinstance(row, DataError):
        raise row
    place = _text_column(row)
    if place is None or len(set(row)) < len(row):
        problem = f"no column {_TEXT!r}" if place is None else "two columns with the same name"
        raise DataError(f"the header row has {problem}: {', '.join(row)[:120]}", name, 1)
    return row


def _text_column(header: list[str]) -> int | None:
    """Return the position of the column of texts, if there is one."""
    return next((i for i, name in enumerate(header) if name.strip().lower() == _TEXT), None)


def _row_error(row: list[str], header: list[str], name: str, line: int) -> DataError | None:
    if len(row) != len(header):
        return DataError(f"{counted(len(row), 'cell')}, but the header has {len(header)}", name, line)
    return line_error(" ".join(row), name, line)

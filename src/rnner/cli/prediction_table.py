"""Tables as input of `rnner predict`: CSV or TSV with a header row that has a column `text`.

id,text
7,"Ada Lovelace wrote to Charles Babbage, who answered."
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from rnner.cli.prediction_chunks import Chunk, Item, chunks_of
from rnner.cli.prediction_failures import Failures
from rnner.cli.prediction_records import RecordReader
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


def table_chunks(stream: InputStream, failures: Failures) -> Iterator[Chunk]:
    """Yield one document per row. Its other cells are kept, with the column names as keys.

    Raises:
        DataError: there is no column `text`, or a row cannot be read and the rule of `failures` is to stop.
    """
    reader = RecordReader(stream.name, failures)

    def items() -> Iterator[Item]:
        rows = _rows(read_lines(stream.as_file(), lenient=True), stream.name)
        header = _header(next(rows, (1, [_TEXT]))[1], stream.name)
        for line, row in rows:
            if isinstance(row, DataError):
                yield from failures.handle(row)
            elif error := _row_error(row, header, stream.name, line):
                yield from failures.handle(error)
            else:
                yield from reader.items(dict(zip(header, row, strict=True)), line)

    return chunks_of([items()])


def _rows(lines: Iterable[str], name: str) -> Iterator[tuple[int, list[str] | DataError]]:
    """Yield the number of each row's first line, and its cells or an error. The header sets the separator."""
    iterator = iter(lines)
    first = next(iterator, "")
    separator = max("\t;,", key=first.count)
    ended = (f"{line}\n" for line in chain([first], iterator))
    return read_rows(ended, name, separator, strict=True)


def _header(row: list[str] | DataError, name: str) -> list[str]:
    """Return the column names, with the name of the text column changed to `text`."""
    if isinstance(row, DataError):
        raise row
    place = _text_column(row)
    if place is None or len(set(row)) < len(row):
        problem = f"no column {_TEXT!r}" if place is None else "two columns with the same name"
        raise DataError(f"the header row has {problem}: {', '.join(row)[:120]}", name, 1)
    return [*row[:place], _TEXT, *row[place + 1 :]]


def _text_column(header: list[str]) -> int | None:
    """Return the position of the column of texts, if there is one."""
    return next((i for i, name in enumerate(header) if name.strip().lower() == _TEXT), None)


def _row_error(row: list[str], header: list[str], name: str, line: int) -> DataError | None:
    if len(row) != len(header):
        return DataError(f"{counted(len(row), 'cell')}, but the header has {len(header)}", name, line)
    return line_error(" ".join(row), name, line)

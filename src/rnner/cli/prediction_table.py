"""Tables as input of `rnner predict`: CSV or TSV with a header row that has a column `text`.

id,text
7,"Ada Lovelace wrote to Charles Babbage, who answered."
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from rnner.cli.prediction_chunks import Chunk, Item, chunks_of
from rnner.cli.prediction_failures import Failures
from rnner.cli.prediction_records import RecordReader
from rnner.cli.prediction_stream import InputStream
from rnner.data.formats.head import Head
from rnner.data.lines import line_error, read_lines
from rnner.errors import DataError, counted

_TEXT = "text"
_LONGEST_CELL = 1 << 28  # characters; the default of `csv`, 131,072, is less than a long article


def has_texts(head: Head) -> bool:
    """Return whether a file begins like a table with a column `text`, some of whose cells have several words."""
    (_, header), *rows = chain(_rows(islice(head.lines, 20), head.path.name), [(0, [])])
    place = _text_column(header)
    return place is not None and any(" " in row[place] for _, row in rows if len(row) == len(header))


def table_chunks(stream: InputStream, failures: Failures) -> Iterator[Chunk]:
    """Yield one document per row. Its other cells are kept, under their names in the header.

    Raises:
        DataError: there is no column `text`, or a row cannot be read and the rule of `failures` is to stop.
    """
    reader = RecordReader(stream.name, failures)

    def items() -> Iterator[Item]:
        rows = _rows(read_lines(stream.as_file(), lenient=True), stream.name)
        _, header = next(rows, (1, [_TEXT]))
        place = _text_column(header)
        if place is None or len(set(header)) < len(header):
            problem = f"no column {_TEXT!r}" if place is None else "two columns of the same name"
            raise DataError(f"the header row has {problem}: {', '.join(header)[:120]}", stream.name, 1)
        header[place] = _TEXT
        for line, row in rows:
            error = line_error(" ".join(row), stream.name, line)
            if len(row) != len(header):
                cells = counted(len(row), "cell")
                error = DataError(f"{cells}, but the header has {len(header)}", stream.name, line)
            yield from (
                failures.handle(error) if error else reader.items(dict(zip(header, row, strict=True)), line)
            )

    return chunks_of([items()])


def _rows(lines: Iterable[str], name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, each with the number of its first line; the header sets the separator.

    Raises:
        DataError: a cell is too long, or (before Python 3.11) has a NUL character.
    """
    iterator = iter(lines)
    first = next(iterator, "")
    separator = max("\t;,", key=first.count)
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader((f"{line}\n" for line in chain([first], iterator)), delimiter=separator)
    begin = 1
    try:
        for row in reader:
            if row:
                yield begin, row
            begin = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"this row cannot be read: {error}", name, begin) from None


def _text_column(header: list[str]) -> int | None:
    """Return the position of the column of texts, if there is one."""
    return next((i for i, name in enumerate(header) if name.strip().lower() == _TEXT), None)

"""Tables whose rows are records: the header row has the keys, and cells may span several lines."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import chain, zip_longest

from rnner.data.formats.annotated import SourceFile
from rnner.data.formats.csv_rows import read_rows
from rnner.data.formats.json_records import Record
from rnner.data.lines import read_blocks
from rnner.errors import DataError


def read_table(source: SourceFile) -> Iterator[Record]:
    """Yield the rows of a table as records; the value of a cell is a string, or None if it is missing.

    Raises DataError with the line for rows that are not valid CSV, or have more cells than the header.
    """
    blocks = (
        block.removeprefix("\ufeff" if i == 0 else "") for i, block in enumerate(read_blocks(source.path))
    )
    lines = chain.from_iterable(io.StringIO(block, newline="") for block in blocks)
    first = next(lines, "")
    rows = read_rows(chain([first], lines), source.path, "\t" if "\t" in first else ",")
    names: list[str] = []
    for line, row in rows:
        if isinstance(row, DataError):
            raise row
        names = names or row
        if row is names:
            continue
        if len(row) > len(names):
            raise source.error("this row has more cells than the header", line)
        yield Record(source, dict(zip_longest(names, row)), line)

"""CSV or TSV with a text and its entities in each row, as `rnner predict` adds them to a table.

    id,text,entities
    7,Ada wrote.,"[{""label"": ""PER"", ""start"": 0, ""end"": 3, ""text"": ""Ada""}]"

Entities are JSON with the keys of jsonl.py; an empty cell or list means that there are none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from rnner.data.formats.annotated import AnnotatedText, SourceFile
from rnner.data.formats.csv_header import split_row
from rnner.data.formats.csv_records import read_table
from rnner.data.formats.head import Head
from rnner.data.formats.json_records import Record
from rnner.data.formats.offsets import CHARACTERS
from rnner.data.formats.span_records import read_spans
from rnner.data.json_text import shorten

_TEXT, _ENTITIES = "text", "entities"
_LIST = re.compile(r'(?:^|[,\t])(?:"\[\{""|\[\])', re.MULTILINE)  # at the start of a cell


def detect(head: Head) -> bool:
    """Return whether a file is a table with the columns `text` and `entities`, which has lists."""
    header = split_row(head.lines[0], "\t" if "\t" in head.lines[0] else ",") or []
    return {_TEXT, _ENTITIES} <= {_key(name) for name in header} and _LIST.search(head.text) is not None


def read(source: SourceFile) -> Iterator[AnnotatedText]:
    """Yield the texts.

    Raises DataError with the line for rows or entities that cannot be read.
    """
    for row in read_table(source):
        record = Record(source, {_key(name): value for name, value in row.value.items() if name}, row.line)
        text = record.text(_TEXT)
        entities = Record(source, {_ENTITIES: _decoded(record)}, row.line).items(_ENTITIES)
        yield AnnotatedText(text, read_spans(text, record, entities, CHARACTERS), row.line)


def _key(name: str) -> str:
    """Return the name of a column in lower case, as far as it matters here."""
    lowered = name.strip().lower()
    return lowered if lowered in (_TEXT, _ENTITIES) else name


def _decoded(record: Record) -> Any:
    """Return the list of entities in a row."""
    cell = record.value.get(_ENTITIES)
    try:
        return json.loads(cell) if cell else None
    except (ValueError, RecursionError):
        raise record.error(f'"{_ENTITIES}" is not valid JSON: {shorten(cell)}') from None

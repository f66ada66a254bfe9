"""CSV and TSV output of `rnner predict`: one row per entity, or the entities of a row of the input.

Values are written as they are. A cell that begins with `=`, `+`, `-` or `@` is not changed, so offsets and
texts agree; docs/predict.md says what to do in a spreadsheet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from rnner.data.formats.csv_rows import format_row
from rnner.decoding.document import Document
from rnner.render.json_output import to_json

ENTITIES = "entities"
"""Name of the column that is added to a table."""
_HEADER = ("document", "label", "start", "end", "entity", "score")


class EntityRows(NamedTuple):
    """The entities of a document: the cells of each, and whether it continues the previous document."""

    rows: list[tuple[Any, ...]]
    continues: bool


def entity_rows(document: Document, offset: int) -> EntityRows:
    """Return the rows of a document; `offset` is where it begins, if it is a part of a longer text."""
    rows = [
        (entity.label, entity.start + offset, entity.end + offset, entity.text, entity.score)
        for entity in document.entities()
    ]
    return EntityRows(rows, continues=offset > 0)


def format_rows(documents: Iterable[EntityRows], delimiter: str) -> Iterator[str]:
    """Yield a header, and a line per entity that begins with the number of its document, from 1."""
    yield format_row(_HEADER, delimiter) + "\n"
    number = 0
    for document in documents:
        number += not document.continues
        yield from (format_row((number, *row), delimiter) + "\n" for row in document.rows)


def entities_cell(document: Document) -> str:
    """Return the entities of a document as JSON, for one cell of a table."""
    return to_json([entity.to_dict() for entity in document.entities()])

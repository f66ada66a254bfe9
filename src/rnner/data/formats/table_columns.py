"""Columns of tables: choose them by name or number, and count the entities in those with tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from rnner.data.formats.annotated import SourceFile

_OUTSIDE = frozenset(("", "O", "o", "0", "_", "-"))
_PREFIXED = re.compile(r"([BIESULMW])[-_](.+)", re.ASCII | re.DOTALL | re.IGNORECASE)


def chosen_columns(source: SourceFile, names: Sequence[str]) -> dict[str, int]:
    """Return the columns that the user chose (`token`, `tag`) as numbers from 0.

    Raises DataError if the table has no such column.
    """
    return {key: _find(source, column, names) for key, column in (source.columns or {}).items()}


def _find(source: SourceFile, column: int | str, names: Sequence[str]) -> int:
    if isinstance(column, int):
        if -len(names) <= column < len(names):
            return column % len(names)
    elif column in names:
        return names.index(column)
    raise source.error(f"there is no column {column}; the columns are {', '.join(names)}")


def count_entities(tags: Iterable[str]) -> int:
    """Count the entities of a sentence, in any spelling of tags."""
    count, before = 0, ""
    for tag in tags:
        match = _PREFIXED.fullmatch(tag)
        label = "" if tag in _OUTSIDE else match[2] if match else tag
        count += bool(label) and (label != before or (match is not None and match[1] in "BSUW"))
        before = label
    return count


def note_choice(
    source: SourceFile, what: str, read: tuple[str, int], others: Iterable[tuple[str, int]], option: str
) -> None:
    """Note which of several columns with entities is read, with the number of entities in each."""
    listed = ", ".join(f"{name} ({entities:,})" for name, entities in others if entities)
    if listed:
        name, entities = read
        advice = f"to choose, set data.columns or --columns {option}"
        source.notes[f"{what} {name} ({entities:,} entities), not from {listed}; {advice}"] = 0


class TagColumns:
    """The columns of a table that hold tags: the one that is read, and the others.

    Args:
        read: the number of the column that is read.
        names: the names of all of them by number.
    """

    def __init__(self, read: int, names: Mapping[int, str]) -> None:
        self.read, self.names = read, names
        self.counts = dict.fromkeys(names, 0)

    def add(self, column: int, tags: Iterable[str]) -> None:
        """Count the entities that a column has in a sentence."""
        self.counts[column] += count_entities(tags)

    def note(self, source: SourceFile) -> None:
        """Note what each column holds, if several hold entities."""
        entities = [(self.names[i], count) for i, count in self.counts.items() if i != self.read]
        read = self.names[self.read], self.counts[self.read]
        note_choice(source, "tags read from the column", read, entities, "token=NAME,tag=NAME")

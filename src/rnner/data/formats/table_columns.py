"""Columns of tables: choose them by name or number, and count the entities in those with tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rnner.data.formats.annotated import SourceFile
from rnner.data.tag_spellings import spelling_of
from rnner.tags import LENIENT, to_spans


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


def count_entities(sentences: Mapping[tuple[str, ...], int]) -> int:
    """Count the entities of a column in any spelling, given how many sentences have each sequence of tags."""
    counts: Counter[str] = Counter()
    for tags, times in sentences.items():
        for tag in tags:
            counts[tag] += times
    spelling = spelling_of(counts)
    scheme, outside = ("binary", "0") if spelling.kind == "binary" else (LENIENT, "O")
    return sum(
        times * len(to_spans([spelling.tags.get(tag, outside) for tag in tags], scheme))
        for tags, times in sentences.items()
    )


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
        self._sentences: dict[int, Counter[tuple[str, ...]]] = {column: Counter() for column in names}

    @property
    def counts(self) -> dict[int, int]:
        """The number of entities in each column."""
        return {column: count_entities(sentences) for column, sentences in self._sentences.items()}

    def add(self, column: int, tags: Iterable[str]) -> None:
        """Add the tags of a sentence in one column."""
        self._sentences[column][tuple(tags)] += 1

    def note(self, source: SourceFile) -> None:
        """Note what each column holds, if several hold entities."""
        counts = self.counts
        entities = [(self.names[i], count) for i, count in counts.items() if i != self.read]
        read = self.names[self.read], counts[self.read]
        note_choice(source, "tags read from the column", read, entities, "token=NAME,tag=NAME")

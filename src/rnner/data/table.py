"""Sentences as numbers: every distinct word and tag once as a string, and a number wherever it stands.

All that depends on a vocabulary depends on the distinct words alone, so this is what a corpus is kept as, in
memory or on disk. Letters: s sentences, w words in all.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnner.data.disk import Growing

Integers = NDArray[np.integer[Any]]

BLOCK = 1 << 19  # words that are worked on at a time
_PENDING = 1 << 16  # words that are kept in Python's own arrays before they are moved


class Row(NamedTuple):
    """A sentence on its way into a table: its words and tags, its document, the line of its first word."""

    words: list[str]
    tags: list[str]
    document: int
    line: int


class Column(NamedTuple):
    """Strings by number.

    Attributes:
        strings: the distinct ones, in the order in which they first appear.
        numbers: `[w]` int32, which of them each word is, or bears; maybe on disk.
    """

    strings: list[str]
    numbers: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Table:
    """All sentences of a file, one after the other; the arrays may lie on disk.

    Attributes:
        tokens, tags: the words and their tags.
        starts: `[s + 1]` int64, where the words of each sentence begin, and w.
        documents: `[s]` int32, from 0; -1 before any mark.
        lines: `[s]` int64, of the first word or of its record, from 1.
    """

    tokens: Column
    tags: Column
    starts: NDArray[np.int64]
    documents: NDArray[np.int32]
    lines: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.lines)


class TableBuilder:
    """A table that sentences are added to, as many as the disk can hold."""

    def __init__(self) -> None:
        self._numbers: tuple[defaultdict[str, int], ...] = tuple(
            defaultdict(count().__next__) for _ in ("tokens", "tags")
        )
        self._pending = [array(kind) for kind in "iiqiq"]
        self._kept = [Growing(values.typecode) for values in self._pending]
        self._words = 0
        self._pending[2].append(0)

    def add(self, row: Row) -> None:
        """Append a sentence."""
        (forms, tags), (words, labels, starts, documents, lines) = self._numbers, self._pending
        words.extend(map(forms.__getitem__, row.words))
        labels.extend(map(tags.__getitem__, row.tags))
        self._words += len(row.words)
        starts.append(self._words)
        documents.append(row.document)
        lines.append(row.line)
        if len(words) > _PENDING:
            self._move()

    def table(self) -> Table:
        """The table; nothing may be added afterwards."""
        self._move()
        words, labels, starts, documents, lines = (kept.array() for kept in self._kept)
        forms, tags = (list(numbers) for numbers in self._numbers)
        return Table(Column(forms, words), Column(tags, labels), starts, documents, lines)

    def _move(self) -> None:
        for values, kept in zip(self._pending, self._kept, strict=True):
            kept.extend(np.frombuffer(values, dtype=values.typecode) if values else np.empty(0))
            del values[:]


def build_table(rows: Iterable[Row]) -> Table:
    """The table of these sentences."""
    builder = TableBuilder()
    for row in rows:
        builder.add(row)
    return builder.table()


class Numbering:
    """New numbers for old ones, in the order in which these first appear."""

    def __init__(self, size: int) -> None:
        self.old: list[int] = []  # the old number of each new one
        self._new = np.full(size, -1, dtype=np.int32)

    def __call__(self, numbers: Integers) -> NDArray[np.int32]:
        """The new numbers of old ones (all below `size`)."""
        fresh, places = np.unique(numbers[self._new[numbers] < 0], return_index=True)
        fresh = fresh[np.argsort(places)]
        self._new[fresh] = np.arange(len(self.old), len(self.old) + len(fresh))
        self.old += fresh.tolist()
        return self._new[numbers]


def blocks(lengths: Integers, words: int = BLOCK) -> Iterator[slice]:
    """Cuts units (as sentences) of these lengths `[s]` into runs of at most so many words, or of one unit."""
    ends, first = np.cumsum(lengths), 0
    while first < len(ends):
        done = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + words, side="right")))
        yield slice(first, last)
        first = last


def places(starts: Integers, lengths: Integers) -> NDArray[np.int64]:
    """Where the words of some sentences stand, one after the other."""
    ends = np.cumsum(lengths)
    found: NDArray[np.int64] = np.arange(int(lengths.sum())) + np.repeat(starts - (ends - lengths), lengths)
    return found

"""Sentences as numbers: every distinct word and tag once as a string, and a number wherever it stands.

All that depends on a vocabulary depends on the distinct words alone, so this is what a corpus is kept as, in
memory or on disk. Letters: s sentences, w words in all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnner.data.disk_arrays import GrowingArray

Integers = NDArray[np.integer[Any]]

BLOCK = 1 << 19  # words that are worked on at a time
UNMARKED = -1
"""The document number of sentences that no document mark precedes."""
_PENDING = 1 << 16  # words that are numbered at a time


class TableRow(NamedTuple):
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
        self._tokens, self._tags = _ColumnBuilder(), _ColumnBuilder()
        self._words = 0
        self._numbers: tuple[list[int], list[int], list[int]] = ([0], [], [])  # starts, documents, lines
        self._kept = (GrowingArray(np.int64), GrowingArray(np.int32), GrowingArray(np.int64))

    def add(self, row: TableRow) -> None:
        """Append a sentence."""
        self._tokens.pending += row.words
        self._tags.pending += row.tags
        self._words += len(row.words)
        for values, value in zip(self._numbers, (self._words, row.document, row.line), strict=True):
            values.append(value)
        if len(self._tokens.pending) > _PENDING:
            self._move()

    def table(self) -> Table:
        """The table; nothing may be added afterwards."""
        self._move()
        starts, documents, lines = (kept.array() for kept in self._kept)
        return Table(self._tokens.column(), self._tags.column(), starts, documents, lines)

    def _move(self) -> None:
        self._tokens.move()
        self._tags.move()
        for values, kept in zip(self._numbers, self._kept, strict=True):
            kept.extend(np.array(values))
            values.clear()


class _ColumnBuilder:
    """A column, and the strings that come next in it."""

    def __init__(self) -> None:
        self.pending: list[str] = []
        self._number: defaultdict[str, int] = defaultdict(count().__next__)
        self._kept = GrowingArray(np.int32)

    def move(self) -> None:
        """Number what is pending."""
        found = map(self._number.__getitem__, self.pending)
        self._kept.extend(np.fromiter(found, np.int32, len(self.pending)))
        self.pending.clear()

    def column(self) -> Column:
        """The column, once nothing is pending."""
        return Column(list(self._number), self._kept.array())


def build_table(rows: Iterable[TableRow]) -> Table:
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

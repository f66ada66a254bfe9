"""Sentences in columns of numbers: each distinct word and tag is stored once, as a string.

So whatever depends on a vocabulary is computed only once per distinct word. Corpora are kept in this form, in
memory or on disk. Letters: s sentences, w words in all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnner.data.disk_arrays import GrowingArray

Indices = NDArray[np.integer[Any]]

BLOCK_WORDS = 1 << 19  # words processed at a time
NO_DOCUMENT = -1
"""The document number of sentences before the first document mark."""
_PENDING = 1 << 16  # values converted at a time


class TableRow(NamedTuple):
    """A sentence to add to a table: words, tags, document number, line of the first word."""

    words: list[str]
    tags: list[str]
    document: int
    line: int


class Column(NamedTuple):
    """A dictionary-encoded column of strings.

    Attributes:
        strings: the distinct strings, in order of first appearance.
        numbers: `[w]` int32, index into `strings` of each word; may be on disk.
    """

    strings: list[str]
    numbers: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class TokenTable:
    """All sentences of a file, concatenated. The arrays may be on disk.

    Attributes:
        tokens, tags: the words and their tags.
        starts: `[s + 1]` int64, index of each sentence's first word, followed by w.
        documents: `[s]` int32, document numbers from 0; -1 before the first mark.
        lines: `[s]` int64, line of each sentence's first word or record, from 1.
    """

    tokens: Column
    tags: Column
    starts: NDArray[np.int64]
    documents: NDArray[np.int32]
    lines: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.lines)


def build_table(rows: Iterable[TableRow]) -> TokenTable:
    """Build a table from sentences. Only disk space limits their number."""
    word_numbers: defaultdict[str, int] = defaultdict(count().__next__)
    tag_numbers: defaultdict[str, int] = defaultdict(count().__next__)
    tokens = _ArrayBuilder(np.int32, word_numbers.__getitem__)
    tags = _ArrayBuilder(np.int32, tag_numbers.__getitem__)
    starts, documents, lines = (_ArrayBuilder(dtype, int) for dtype in (np.int64, np.int32, np.int64))
    starts.extend([0])
    words = 0
    for row in rows:
        tokens.extend(row.words)
        tags.extend(row.tags)
        words += len(row.words)
        starts.extend([words])
        documents.extend([row.document])
        lines.extend([row.line])
    token_array, tag_array = tokens.array(), tags.array()  # this numbers the last words and tags
    return TokenTable(
        Column(list(word_numbers), token_array),
        Column(list(tag_numbers), tag_array),
        starts.array(),
        documents.array(),
        lines.array(),
    )


class _ArrayBuilder:
    """Collects values in a list and converts them to numbers in large chunks."""

    def __init__(self, dtype: DTypeLike, convert: Callable[[Any], int]) -> None:
        self._convert, self._array = convert, GrowingArray(dtype)
        self._pending: list[Any] = []

    def extend(self, values: list[Any]) -> None:
        self._pending += values
        if len(self._pending) > _PENDING:
            self._flush()

    def array(self) -> NDArray[Any]:
        self._flush()
        return self._array.array()

    def _flush(self) -> None:
        numbers = map(self._convert, self._pending)
        self._array.extend(np.fromiter(numbers, self._array.dtype, len(self._pending)))
        self._pending.clear()


def rename(column: Column, names: Mapping[str, str]) -> Column:
    """Return a column with each string replaced by its value in `names`; several may become one."""
    strings = [names[string] for string in column.strings]
    if strings == column.strings:
        return column
    if len(set(strings)) == len(strings):
        return Column(strings, column.numbers)
    distinct = list(dict.fromkeys(strings))
    new = np.array([distinct.index(string) for string in strings], dtype=np.int32)
    numbers = GrowingArray(np.int32)
    for start in range(0, len(column.numbers), BLOCK_WORDS):
        numbers.extend(new[column.numbers[start : start + BLOCK_WORDS]])
    return Column(distinct, numbers.array())


def count_strings(column: Column) -> dict[str, int]:
    """Return how often each distinct string of a column occurs."""
    total = np.zeros(len(column.strings), dtype=np.int64)
    for start in range(0, len(column.numbers), BLOCK_WORDS):  # bincount would copy the whole array
        total += np.bincount(column.numbers[start : start + BLOCK_WORDS], minlength=len(column.strings))
    return dict(zip(column.strings, total.tolist(), strict=True))


class Renumbering:
    """Maps old numbers to new ones, which are assigned from 0 in order of first appearance."""

    def __init__(self, size: int) -> None:
        self.old: list[int] = []
        """The old number of each new one."""
        self._new = np.full(size, -1, dtype=np.int32)

    def __call__(self, numbers: Indices) -> NDArray[np.int32]:
        """Return the new numbers of old numbers. The expected number of these is `size`."""
        if (missing := int(numbers.max(initial=-1)) + 1 - len(self._new)) > 0:
            self._new = np.append(self._new, np.full(missing, -1, dtype=np.int32))
        unseen, first = np.unique(numbers[self._new[numbers] < 0], return_index=True)
        unseen = unseen[np.argsort(first)]
        self._new[unseen] = np.arange(len(self.old), len(self.old) + len(unseen))
        self.old += unseen.tolist()
        return self._new[numbers]


def word_blocks(lengths: Indices, max_words: int = BLOCK_WORDS) -> Iterator[slice]:
    """Group items of these lengths `[s]` into runs of at most `max_words` words (or one longer item)."""
    ends, first = np.cumsum(lengths), 0
    while first < len(ends):
        done = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + max_words, side="right")))
        yield slice(first, last)
        first = last


def word_positions(starts: Indices, lengths: Indices) -> NDArray[np.int64]:
    """Return the positions of all words of sentences that start at `starts`, one sentence after the other."""
    ends = np.cumsum(lengths)
    shift = np.repeat(starts - (ends - lengths), lengths)
    positions: NDArray[np.int64] = np.arange(len(shift)) + shift
    return positions

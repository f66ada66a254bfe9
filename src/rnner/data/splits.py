"""A split: the annotated sentences of a file, or some of them, with fast access to each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnner.data.disk_arrays import GrowingArray
from rnner.data.token_table import (
    Column,
    Indices,
    Renumbering,
    TokenTable,
    count_strings,
    word_blocks,
    word_positions,
)
from rnner.tags import Span, boundaries, label_of, tag_inventory, to_spans

_CHUNK = 4096  # sentences converted to Python objects at a time
_PREFIXES = "BIES"


class IllegalTags(NamedTuple):
    """The number of illegal tags (read as conlleval reads them), and the line and reason of the first."""

    times: int
    line: int
    reason: str


@dataclass(frozen=True, eq=False)
class Split:
    """Annotated sentences of one file.

    Attributes:
        table: all sentences of the file.
        path: the file.
        name: the name in messages (`train`, or the file's name).
        scheme: the scheme of the tags; `conlleval` if they follow none and are read as conlleval reads them.
        illegal_tags: the illegal tags in that case, otherwise None.
        rows: `[s]` indices of the split's sentences in the table, in order; None: all.
        notes: what was skipped in the file or read differently, one sentence each.
    """

    table: TokenTable
    path: Path
    name: str
    scheme: str
    illegal_tags: IllegalTags | None = None
    rows: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.table) if self.rows is None else len(self.rows)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """`[s]` words in each sentence."""
        return self._of_rows(np.diff(self.table.starts))

    @cached_property
    def documents(self) -> NDArray[np.int64]:
        """`[s]` document of each sentence, from 0, ascending; -1 before the first document mark."""
        return self._of_rows(self.table.documents).astype(np.int64)

    @cached_property
    def lines(self) -> NDArray[np.int64]:
        """`[s]` line of each sentence's first word, from 1."""
        return self._of_rows(self.table.lines)

    @cached_property
    def tokens(self) -> Column:
        """The words of all sentences."""
        return self._column(self.table.tokens)

    @cached_property
    def tags(self) -> Column:
        """The tags of all words."""
        return self._column(self.table.tags)

    @cached_property
    def labels(self) -> list[str]:
        """The labels of the entities, sorted."""
        labels = {label_of(tag) for tag in self.tags.strings}
        return sorted(label for label in labels if label is not None)

    @cached_property
    def counts(self) -> dict[str, int]:
        """The number of occurrences of each distinct word."""
        return count_strings(self.tokens)

    @cached_property
    def digest(self) -> str:
        """A digest of words, tags and documents; independent of lines, file, scheme and storage."""
        digest = hashlib.sha256()
        for strings, numbers in (self.tokens, self.tags):
            digest.update(json.dumps(strings).encode())
            digest.update(numbers.data)
        digest.update(self.lengths.data)
        digest.update(self.documents.data)
        return digest.hexdigest()

    def sentences(self, indices: ArrayLike | None = None) -> tuple[list[list[str]], list[list[str]]]:
        """Return words and tags of the sentences `indices` (`[n]`, from 0), in that order; default: all."""
        rows = self._table_rows(np.arange(len(self)) if indices is None else indices)
        starts = self.table.starts[rows]
        lengths = self.table.starts[rows + 1] - starts
        positions, ends = word_positions(starts, lengths), np.cumsum(lengths).tolist()
        words, tags = (
            [column.strings[number] for number in column.numbers[positions].tolist()]
            for column in (self.table.tokens, self.table.tags)
        )
        cuts = list(zip([0, *ends], ends, strict=False))
        return [words[start:end] for start, end in cuts], [tags[start:end] for start, end in cuts]

    def all_spans(self) -> Iterator[list[Span]]:
        """Yield the entities of each sentence, in order."""
        for start in range(0, len(self), _CHUNK):
            _, tags = self.sentences(np.arange(start, min(start + _CHUNK, len(self))))
            yield from (to_spans(sentence, self.scheme) for sentence in tags)

    def select(self, indices: ArrayLike) -> Split:
        """Return a split of these sentences only, in this order, which shares the table."""
        return replace(self, rows=self._table_rows(indices))

    def convert(self, scheme: str) -> Split:
        """Return the split with tags of `scheme`. `binary` drops labels and merges adjacent entities.

        Raises:
            ValueError: a scheme that cannot be written.
        """
        if scheme == self.scheme:
            return self
        tag_inventory([], scheme)  # raises for an unknown scheme
        tags = _convert_tags(self.table, self.scheme, scheme)
        return replace(self, table=replace(self.table, tags=tags), scheme=scheme)

    def _table_rows(self, indices: ArrayLike) -> NDArray[np.int64]:
        chosen = np.asarray(indices, dtype=np.int64)
        return chosen if self.rows is None else self.rows[chosen]

    def _of_rows(self, values: NDArray[Any]) -> NDArray[Any]:
        return values if self.rows is None else values[self.rows]

    def _column(self, column: Column) -> Column:
        """Return the part of a table column that belongs to the split."""
        if self.rows is None:
            return column
        renumber, numbers = Renumbering(len(column.strings)), GrowingArray(np.int32)
        starts = self._of_rows(self.table.starts[:-1])
        for run in word_blocks(self.lengths):
            numbers.extend(renumber(column.numbers[word_positions(starts[run], self.lengths[run])]))
        return Column([column.strings[number] for number in renumber.old], numbers.array())


def _convert_tags(table: TokenTable, old: str, new: str) -> Column:
    """Convert all tags of a table. Two adjacent tags decide whether an entity continues, see `rnner.tags`."""
    strings, numbers = table.tags
    labels = [label_of(tag) for tag in strings]
    names = sorted({label for label in labels if label is not None})
    label = np.array([-1 if it is None else names.index(it) for it in labels], dtype=np.int64)
    boundary = np.array(boundaries(strings, old), dtype=bool).reshape(len(strings), len(strings))
    renumber, converted = Renumbering(1 + len(_PREFIXES) * len(names)), GrowingArray(np.int32)
    for run in word_blocks(np.diff(table.starts)):
        starts = table.starts[run.start : run.stop + 1]
        tags = numbers[starts[0] : starts[-1]]
        first = np.zeros(len(tags) + 1, dtype=bool)  # first word of a sentence
        first[starts - starts[0]] = True
        borders = first.copy()  # no entity continues from the previous word
        borders[1:-1] |= boundary[tags[:-1], tags[1:]]
        converted.extend(renumber(_tag_codes(label[tags], borders, first, new)))
    return Column([_tag_string(code, names, new) for code in renumber.old], converted.array())


def _tag_codes(label: Indices, borders: NDArray[np.bool_], first: NDArray[np.bool_], scheme: str) -> Indices:
    """Return a code per word `[w]`: 0 outside entities, then B, I, E, S for each label.

    Args:
        label: `[w]` label of each word; -1 outside entities.
        borders: `[w + 1]` where entities may start or end.
        first: `[w + 1]` where sentences start.
        scheme: the scheme to write.
    """
    if scheme == "binary":
        return (label >= 0).astype(np.int64)
    starts, ends = borders[:-1], borders[1:]
    if scheme == "bioes":
        prefix = np.where(starts, np.where(ends, 3, 0), np.where(ends, 2, 1))
    elif scheme == "iob2":
        prefix = np.where(starts, 0, 1)
    else:  # iob1 writes B- only after an adjacent entity of the same label
        follows = np.append(False, label[1:] == label[:-1]) & ~first[:-1]
        prefix = np.where(starts & follows, 0, 1)
    return np.where(label < 0, 0, 1 + len(_PREFIXES) * label + prefix)


def _tag_string(code: int, labels: list[str], scheme: str) -> str:
    if scheme == "binary":
        return str(code)
    label, prefix = divmod(code - 1, len(_PREFIXES))
    return f"{_PREFIXES[prefix]}-{labels[label]}" if code else "O"

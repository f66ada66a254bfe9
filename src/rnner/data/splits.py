"""A split: annotated sentences of a file, all or some of them, with fast access to any."""

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
from rnner.data.token_table import BLOCK, Column, Integers, Numbering, Table, blocks, places
from rnner.tags import Span, boundaries, label_of, tag_inventory, to_spans

# Sentences that are turned into Python objects at a time.
_CHUNK = 4096


class IllegalTags(NamedTuple):
    """Tags that break their scheme and are read as conlleval does: how many, and the first of them."""

    times: int
    line: int
    reason: str


@dataclass(frozen=True, eq=False)
class Split:
    """Annotated sentences of one file.

    Attributes:
        table: the sentences of the file.
        path: where it was read.
        name: what messages call it (`train`, or the file's name).
        scheme: the scheme of the tags, or `conlleval` if they obey none and are read as conlleval does.
        repaired: what is wrong with the tags in that case.
        rows: `[s]` the sentences of the table that belong to the split, in order; None: all.
        notes: what was not taken over from the file, one sentence each.
    """

    table: Table
    path: Path
    name: str
    scheme: str
    repaired: IllegalTags | None = None
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
        """`[s]` the document of each sentence, from 0, ascending; -1 where the file has marked none yet."""
        return self._of_rows(self.table.documents).astype(np.int64)

    @cached_property
    def lines(self) -> NDArray[np.int64]:
        """`[s]` the line of each sentence's first word, from 1."""
        return self._of_rows(self.table.lines)

    @cached_property
    def tokens(self) -> Column:
        """The words of all sentences: the distinct ones, and which of them stands where."""
        return self._column(self.table.tokens)

    @cached_property
    def tags(self) -> Column:
        """The tags of all words likewise."""
        return self._column(self.table.tags)

    @cached_property
    def labels(self) -> list[str]:
        """The labels of the entities, sorted."""
        labels = {label_of(tag) for tag in self.tags.strings}
        return sorted(label for label in labels if label is not None)

    @cached_property
    def counts(self) -> dict[str, int]:
        """How often each distinct word stands there."""
        forms, numbers = self.tokens
        total = np.zeros(len(forms), dtype=np.int64)
        for start in range(0, len(numbers), BLOCK):  # of the whole, bincount would make a copy
            total += np.bincount(numbers[start : start + BLOCK], minlength=len(forms))
        return dict(zip(forms, total.tolist(), strict=True))

    @cached_property
    def digest(self) -> str:
        """A digest of words, tags and documents, however they are kept (of lines, file and scheme not)."""
        digest = hashlib.sha256()
        for strings, numbers in (self.tokens, self.tags):
            digest.update(json.dumps(strings).encode())
            digest.update(numbers.data)
        digest.update(self.lengths.data)
        digest.update(self.documents.data)
        return digest.hexdigest()

    def sentences(self, indices: ArrayLike | None = None) -> tuple[list[list[str]], list[list[str]]]:
        """Words and tags of some sentences, in the order of `indices` (`[n]`, from 0), or of all."""
        rows = self._rows(np.arange(len(self)) if indices is None else indices)
        starts = self.table.starts[rows]
        lengths = self.table.starts[rows + 1] - starts
        where, ends = places(starts, lengths), np.cumsum(lengths).tolist()
        words, tags = (
            [column.strings[number] for number in column.numbers[where].tolist()]
            for column in (self.table.tokens, self.table.tags)
        )
        cuts = list(zip([0, *ends], ends, strict=False))
        return [words[start:end] for start, end in cuts], [tags[start:end] for start, end in cuts]

    def spans(self, index: int) -> list[Span]:
        """The entities of one sentence."""
        _, (tags,) = self.sentences([index])
        return to_spans(tags, self.scheme)

    def all_spans(self) -> Iterator[list[Span]]:
        """The entities of each sentence, in order."""
        for start in range(0, len(self), _CHUNK):
            _, tags = self.sentences(np.arange(start, min(start + _CHUNK, len(self))))
            yield from (to_spans(sentence, self.scheme) for sentence in tags)

    def select(self, indices: ArrayLike) -> Split:
        """The split of these sentences only, in this order; the table is shared."""
        return replace(self, rows=self._rows(indices))

    def convert(self, scheme: str) -> Split:
        """The same entities in tags of `scheme`; `binary` gives up labels and borders.

        Raises ValueError for a scheme that cannot be written.
        """
        if scheme == self.scheme:
            return self
        tag_inventory([], scheme)  # raises
        tags = _converted(self.table, self.scheme, scheme)
        return replace(self, table=replace(self.table, tags=tags), scheme=scheme)

    def _rows(self, indices: ArrayLike) -> NDArray[np.int64]:
        chosen = np.asarray(indices, dtype=np.int64)
        return chosen if self.rows is None else self.rows[chosen]

    def _of_rows(self, values: NDArray[Any]) -> NDArray[Any]:
        return values if self.rows is None else values[self.rows]

    def _column(self, column: Column) -> Column:
        """What the split's own words have of a column of the table."""
        if self.rows is None:
            return column
        numbering, kept = Numbering(len(column.strings)), GrowingArray(np.int32)
        starts = self._of_rows(self.table.starts[:-1])
        for run in blocks(self.lengths):
            kept.extend(numbering(column.numbers[places(starts[run], self.lengths[run])]))
        return Column([column.strings[number] for number in numbering.old], kept.array())


_PREFIXES = "BIES"


def _converted(table: Table, old: str, new: str) -> Column:
    """The tags in another scheme. Where an entity goes on, two neighbouring tags tell: see `rnner.tags`."""
    strings, numbers = table.tags
    labels = [label_of(tag) for tag in strings]
    named = sorted({label for label in labels if label is not None})
    label = np.array([-1 if it is None else named.index(it) for it in labels], dtype=np.int64)
    apart = np.array(boundaries(strings, old), dtype=bool).reshape(len(strings), len(strings))
    numbering, kept = Numbering(1 + len(_PREFIXES) * len(named)), GrowingArray(np.int32)
    for run in blocks(np.diff(table.starts)):
        starts = table.starts[run.start : run.stop + 1]
        tags = numbers[starts[0] : starts[-1]]
        first = np.zeros(len(tags) + 1, dtype=bool)  # of a sentence
        first[starts - starts[0]] = True
        borders = first.copy()  # between a word and the one before it, no entity goes on
        borders[1:-1] |= apart[tags[:-1], tags[1:]]
        kept.extend(numbering(_codes(label[tags], borders, first, new)))
    return Column([_tag(code, named, new) for code in numbering.old], kept.array())


def _codes(label: Integers, borders: NDArray[np.bool_], first: NDArray[np.bool_], scheme: str) -> Integers:
    """What tag each word `[w]` gets: 0 outside, then for each label B, I, E, S.

    `borders` and `first`, `[w + 1]`, say where an entity and where a sentence may begin.
    """
    if scheme == "binary":
        return (label >= 0).astype(np.int64)
    begins, ends = borders[:-1], borders[1:]
    if scheme == "bioes":
        prefix = np.where(begins, np.where(ends, 3, 0), np.where(ends, 2, 1))
    elif scheme == "iob2":
        prefix = np.where(begins, 0, 1)
    else:  # iob1 has B- only where an entity follows another of its label
        follows = np.append(False, label[1:] == label[:-1]) & ~first[:-1]
        prefix = np.where(begins & follows, 0, 1)
    return np.where(label < 0, 0, 1 + len(_PREFIXES) * label + prefix)


def _tag(code: int, labels: list[str], scheme: str) -> str:
    if scheme == "binary":
        return str(code)
    label, prefix = divmod(code - 1, len(_PREFIXES))
    return f"{_PREFIXES[prefix]}-{labels[label]}" if code else "O"

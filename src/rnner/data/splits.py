"""A split: the annotated sentences of a file, or some of them, with fast access to each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnner.data import tag_sets
from rnner.data.disk_arrays import GrowingArray
from rnner.data.parts import Part, concatenate, sample, widen
from rnner.data.token_table import (
    Column,
    Renumbering,
    TokenTable,
    count_strings,
    word_blocks,
    word_positions,
)
from rnner.errors import counted
from rnner.tags import UNKNOWN, Span, tag_inventory, to_spans

_CHUNK = 4096  # sentences converted to Python objects at a time


class _Place(Protocol):
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def label(self) -> str: ...


S = TypeVar("S", bound=_Place)
"""A span, with a probability or without."""


class IllegalTags(NamedTuple):
    """The number of illegal tags (read as conlleval reads them), and the line and reason of the first."""

    times: int
    line: int
    reason: str


def without_words(spans: Sequence[S], positions: Collection[int]) -> list[S]:
    """Return the spans that contain none of the words at these positions."""
    return [span for span in spans if not any(at in positions for at in range(span.start, span.end))]


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
        parts: the files that the sentences are from, if they are several or annotate only some labels.
        part_of: index of each sentence of the table in `parts`; None without parts.
    """

    table: TokenTable
    path: Path
    name: str
    scheme: str
    illegal_tags: IllegalTags | None = None
    rows: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    part_of: NDArray[np.int32] | None = None

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
        labels = {label for tag in self.tags.strings for label in tag_sets.labels_of(tag)}
        return sorted(label for label in labels if label not in (None, UNKNOWN))

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

    @cached_property
    def partial(self) -> bool:
        """Whether the tags of some words are not known, see `rnner.data.tag_sets`."""
        return any(map(tag_sets.is_set, self.tags.strings))

    def all_spans(self) -> Iterator[list[Span]]:
        """Yield the entities of each sentence, in order; of those next to unknown words, the certain ones."""
        if self.partial:
            yield from map(tag_sets.certain_spans, self._bioes.all_tags())
        else:
            yield from (to_spans(tags, self.scheme) for tags in self.all_tags())

    def all_tags(self) -> Iterator[list[str]]:
        """Yield the tags of each sentence."""
        for start in range(0, len(self), _CHUNK):
            yield from self.sentences(np.arange(start, min(start + _CHUNK, len(self))))[1]

    def unknown_words(self) -> Iterator[list[int]]:
        """Yield the positions of each sentence's unknown words: it is not certain what entity they are in.

        The first word of `B-PER ?` is one of them, because the entity may be longer.
        """
        if not self.partial:
            yield from ([] for _ in range(len(self)))
            return
        for tags in self._bioes.all_tags():
            yield [position for position, tag in enumerate(tags) if tag_sets.is_set(tag)]

    def judged(self, found: Sequence[list[S]]) -> list[list[S]]:
        """Return the entities found in each sentence that the annotation says something about.

        Left out are those that contain an unknown word, and those with a label that the sentence's file does
        not annotate.
        """
        if self.partial:
            pairs = zip(found, self.unknown_words(), strict=True)
            found = [without_words(spans, frozenset(positions)) for spans, positions in pairs]
        labels = self.annotated_labels
        if all(own is None for own in labels):
            return list(found)
        return [
            spans if own is None else [span for span in spans if span.label in own]
            for spans, own in zip(found, labels, strict=True)
        ]

    @cached_property
    def annotated_labels(self) -> list[frozenset[str] | None]:
        """The labels that are annotated in each sentence; None for all."""
        if self.part_of is None:
            return [None] * len(self)
        return [self.parts[part].labels for part in self._of_rows(self.part_of).tolist()]

    def by_file(self) -> dict[str, NDArray[np.int64]]:
        """Return the indices of the sentences of each file, by its name; empty if there is only one file."""
        if self.part_of is None or len(self.parts) < 2:
            return {}
        part_of = self._of_rows(self.part_of)
        return {part.name: np.flatnonzero(part_of == i) for i, part in enumerate(self.parts)}

    def place(self, sentence: int) -> str:
        """Return the file and the line of a sentence."""
        file = str(self.path)
        if self.part_of is not None:
            file = self.parts[self._of_rows(self.part_of)[sentence]].name
        return f"{file}:{self.lines[sentence]}"

    def describe_files(self) -> list[str]:
        """Return a line on each file, if they are several or annotate only some labels."""
        if self.part_of is None:
            return []
        lines, part_of = [], self._of_rows(self.part_of)
        for number, part in enumerate(self.parts):
            count = int((part_of == number).sum())
            labels = "all labels" if part.labels is None else f"labels {', '.join(sorted(part.labels))}"
            weight = "" if part.weight == 1 else f", weight {part.weight:g}"
            lines.append(f"{part.name}: {counted(count, 'sentence')}, {labels}{weight}")
        return lines

    def sample(self, seed: Sequence[int]) -> NDArray[np.int64] | None:
        """Return the sentences of an epoch by the weights of their files, see `rnner.data.parts.sample`."""
        return None if self.part_of is None else sample(self.parts, self._of_rows(self.part_of), seed)

    def widened(self, labels: Collection[str]) -> Split:
        """Return the split for training on these labels: O allows those that its file does not annotate."""
        if self.part_of is None or all(part.labels is None for part in self.parts):
            return self
        tags = widen(self.table, self.parts, self.part_of, labels, self.scheme)
        return replace(self, table=replace(self.table, tags=tags))

    @cached_property
    def _bioes(self) -> Split:
        return self.convert("bioes")

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
        tags = tag_sets.convert(self.table, self.scheme, scheme)
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


def join_splits(splits: Sequence[Split], parts: Sequence[Part], name: str) -> Split:
    """Return the sentences of several files of one scheme as one split; `parts` describes each file."""
    first, *others = splits
    if not others and parts[0] == Part(parts[0].name):
        return replace(first, name=name)
    table, part_of = concatenate([split.table for split in splits])
    return Split(
        table,
        Path(", ".join(str(split.path) for split in splits)),
        name,
        first.scheme,
        next((split.illegal_tags for split in splits if split.illegal_tags is not None), None),
        notes=tuple(f"{split.path}: {note}" for split in splits for note in split.notes),
        parts=tuple(parts),
        part_of=part_of,
    )

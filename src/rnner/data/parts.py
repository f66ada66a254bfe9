"""Several files as one split: which sentences come from which file, and what is annotated in each.

In a file that annotates only some labels, O means "none of these labels". For training, such an O is a set
of tags (`rnner.data.tag_sets`): O and every tag of the other labels. For scores, it is O, and entities with
other labels do not count there.

Letters: w words, s sentences.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnner.data.disk_arrays import GrowingArray
from rnner.data.tag_sets import join, members
from rnner.data.token_table import (
    BLOCK_WORDS,
    NO_DOCUMENT,
    Column,
    Renumbering,
    TokenTable,
    word_blocks,
)
from rnner.tags import tag_inventory


@dataclass(frozen=True)
class Part:
    """A file of a split.

    Attributes:
        name: the file, as the config names it.
        labels: the labels that are annotated in it; None if all are.
        weight: the number of its sentences in an epoch, as a share of all.
    """

    name: str
    labels: frozenset[str] | None = None
    weight: float = 1.0


def concatenate(tables: Sequence[TokenTable]) -> tuple[TokenTable, NDArray[np.int32]]:
    """Return the sentences of several tables in one, and the number `[s]` of each sentence's table.

    Documents stay separate.
    """
    starts, documents, first_word, first_document = [np.zeros(1, dtype=np.int64)], [], 0, 0
    for table in tables:
        starts.append(table.starts[1:] + first_word)
        own = table.documents
        documents.append(np.where(own == NO_DOCUMENT, own, own + first_document).astype(np.int32))
        first_word += int(table.starts[-1])
        first_document += int(own.max(initial=NO_DOCUMENT)) + 1
    whole = TokenTable(
        _joined([table.tokens for table in tables]),
        _joined([table.tags for table in tables]),
        np.concatenate(starts),
        np.concatenate(documents),
        np.concatenate([table.lines for table in tables]),
    )
    return whole, np.repeat(np.arange(len(tables), dtype=np.int32), [len(table) for table in tables])


def _joined(columns: Sequence[Column]) -> Column:
    number: dict[str, int] = {}
    numbers = GrowingArray(np.int32)
    for column in columns:
        new = np.array([number.setdefault(it, len(number)) for it in column.strings], dtype=np.int32)
        for start in range(0, len(column.numbers), BLOCK_WORDS):
            numbers.extend(new[column.numbers[start : start + BLOCK_WORDS]])
    return Column(list(number), numbers.array())


def widen(
    table: TokenTable,
    parts: Sequence[Part],
    part_of: NDArray[np.int32],
    labels: Collection[str],
    scheme: str,
) -> Column:
    """Return the tags in which O allows the labels that its file does not annotate.

    Args:
        table: the sentences, of which `part_of` `[s]` is the part.
        parts: the files.
        labels: all labels of the corpus.
        scheme: the scheme of the tags.
    """
    number: dict[str, int] = {}
    new = np.array(
        [
            [
                number.setdefault(_widened(tag, part, labels, scheme), len(number))
                for tag in table.tags.strings
            ]
            for part in parts
        ]
    ).reshape(len(parts), -1)
    renumber, numbers = Renumbering(len(number)), GrowingArray(np.int32)
    lengths = np.diff(table.starts)
    for run in word_blocks(lengths):
        words = slice(table.starts[run.start], table.starts[run.stop])
        numbers.extend(renumber(new[np.repeat(part_of[run], lengths[run]), table.tags.numbers[words]]))
    strings = list(number)
    return Column([strings[i] for i in renumber.old], numbers.array())


def _widened(tag: str, part: Part, labels: Collection[str], scheme: str) -> str:
    if part.labels is None or not (others := set(labels) - part.labels):
        return tag
    outside, *others_tags = tag_inventory(others, scheme)
    own = members(tag, scheme)
    return join([*own, *others_tags], scheme) if outside in own else tag


def sample(
    parts: Sequence[Part], part_of: NDArray[np.int32], seed: Sequence[int]
) -> NDArray[np.int64] | None:
    """Return the sentences of an epoch, ascending; None if that is each sentence once.

    A file of n sentences with weight w gives round(w n) of them, at least one: each of them floor(w) times,
    and the rest drawn at random without replacement.

    Args:
        parts: the files.
        part_of: `[s]`, the file of each sentence.
        seed: seed of the random numbers: that of the run, then the number of the epoch.
    """
    if all(part.weight == 1 for part in parts):
        return None
    rows = []
    for number, part in enumerate(parts):
        own = np.flatnonzero(part_of == number)
        times, rest = divmod(max(1, round(part.weight * len(own))), max(1, len(own)))
        drawn = np.random.default_rng([*seed, number]).permutation(own)[:rest]
        rows += [np.repeat(own, times), drawn] if len(own) else []
    return np.sort(np.concatenate(rows))

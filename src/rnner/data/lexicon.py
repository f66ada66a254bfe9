"""What the training labels say of each word: how often it was which label.

Letters: k labels, l = k + 2 features of a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rnner.data.disk_arrays import GrowingArray, zeros
from rnner.data.splits import Split
from rnner.data.token_table import BLOCK, UNMARKED, blocks, places
from rnner.tags import label_of

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

_DOUBT = 0.5  # added to a word's count: what was seen once is believed less than what was seen often
_LOG_SCALE = 3.0  # brings the logarithm of common counts near 1
_BLOCK = 20  # sentences that are taken as one document where none are marked


@dataclass(frozen=True, eq=False)
class Lexicon:
    """How often the words of the training split stood outside names (column 0) and in names of each label.

    Attributes:
        counts: `1 + k` integers for each word, by its lower-case.
        labels: the k labels, in the order of the columns from 1 on.
    """

    counts: Mapping[str, Sequence[int]]
    labels: list[str]

    @classmethod
    def learn(cls, split: Split, labels: Sequence[str]) -> Lexicon:
        """Count the words of a split in the names of these labels."""
        keys, key = _keys(split.tokens.strings)
        kind = _kinds(split.tags.strings, labels)
        width = 1 + len(labels)
        table = np.zeros(len(keys) * width, dtype=np.int64)
        for start in range(0, len(split.tokens.numbers), BLOCK):
            words, tags = (column.numbers[start : start + BLOCK] for column in (split.tokens, split.tags))
            np.add.at(table, key[words] * width + kind[tags], 1)
        return cls(dict(zip(keys, table.reshape(-1, width).tolist(), strict=True)), list(labels))

    def merged(self, other: Lexicon) -> Lexicon:
        """The counts of both together, in the columns of `other`, which has all labels of this one."""
        columns = [0, *(1 + other.labels.index(label) for label in self.labels)]
        total = {word: list(row) for word, row in other.counts.items()}
        for word, row in self.counts.items():
            sums = total.setdefault(word, [0] * (1 + len(other.labels)))
            for column, count in zip(columns, row, strict=True):
                sums[column] += count
        return Lexicon(total, other.labels)

    def columns_in(self, other: Lexicon) -> list[int]:
        """Where this lexicon's features `[l]` stand among those of another, which has all its labels."""
        return [0, *(1 + other.labels.index(label) for label in self.labels), other.size - 1]

    @property
    def size(self) -> int:
        """Features of a word, l."""
        return len(self.labels) + 2

    def features(self, forms: Iterable[str]) -> Floats:
        """What is known of n forms, `[n, l]`: see `features_of`; zeros if the lower-case was never seen."""
        rows, table = self._known
        return table[[rows.get(form.lower(), -1) for form in forms]]

    @cached_property
    def _known(self) -> tuple[dict[str, int], Floats]:
        """The row of each word, and the rows; the last is for words that were never seen."""
        counts = [*self.counts.values(), [0] * (1 + len(self.labels))]
        rows = {word: row for row, word in enumerate(self.counts)}
        return rows, features_of(np.array(counts, dtype=np.int64))


def features_of(counts: Integers) -> Floats:
    """Counts `[..., 1 + k]` as features `[..., l]`: the share of each kind, and how often it was seen."""
    seen = counts.sum(axis=-1, keepdims=True)
    parts = [counts / (seen + _DOUBT), np.log1p(seen) / _LOG_SCALE]
    return np.concatenate(parts, axis=-1).astype(np.float32)


class HeldOutLexicon:
    """For each word of a training split, what the lexicon knows from the *other* documents.

    A tagger that was shown, in training, counts that hold the very label it is asked for would learn to look
    nowhere else. Where not two documents are marked, blocks of 20 sentences stand for them.

    Args:
        lexicon: learnt from this split, or from this and others.
        split: w words in all.
    """

    def __init__(self, lexicon: Lexicon, split: Split) -> None:
        keys, self._key = _keys(split.tokens.strings)
        self._forms = split.tokens.numbers
        width = 1 + len(lexicon.labels)
        self._all = np.array([lexicon.counts[key] for key in keys], dtype=np.int64).reshape(-1, width)
        kind = _kinds(split.tags.strings, lexicon.labels)
        # For each word, which row of `_own` has the counts of its key in its own document; both may be large.
        self._pairs = zeros(self._forms.shape, np.int64)
        own = GrowingArray(np.int32)
        for words, document in _by_document(split):
            keyed = document * len(keys) + self._key[self._forms[words]]
            pairs, inverse = np.unique(keyed, return_inverse=True)
            self._pairs[words] = len(own) // width + inverse
            cells = inverse * width + kind[split.tags.numbers[words]]
            own.extend(np.bincount(cells, minlength=len(pairs) * width))
        self._own = own.array().reshape(-1, width)

    def features(self, words: Integers) -> Floats:
        """The features of some words, by their places `[...]` in the split: `[..., l]`."""
        return features_of(self._all[self._key[self._forms[words]]] - self._own[self._pairs[words]])


def _by_document(split: Split) -> Iterator[tuple[Integers, Integers]]:
    """The places of words, some whole documents at a time, and the number of the document of each."""
    alone = (split.documents == UNMARKED) | (len(np.unique(split.documents)) < 2)
    marked = np.where(alone, -1 - np.arange(len(split)) // _BLOCK, split.documents)
    documents = np.unique(marked, return_inverse=True)[1]
    order = np.argsort(documents, kind="stable")
    lengths = split.lengths
    starts = np.cumsum(lengths) - lengths
    sizes = np.bincount(documents)
    ends = np.cumsum(sizes)
    for run in blocks(np.bincount(documents, weights=lengths).astype(np.int64)):
        sentences = order[ends[run.start] - sizes[run.start] : ends[run.stop - 1]]
        sizes_of = lengths[sentences]
        yield places(starts[sentences], sizes_of), np.repeat(documents[sentences], sizes_of)


def _keys(forms: Iterable[str]) -> tuple[list[str], Integers]:
    """The distinct lower-cased words, and which of them each form is."""
    found: dict[str, int] = {}
    key = np.array([found.setdefault(form.lower(), len(found)) for form in forms], dtype=np.int64)
    return list(found), key


def _kinds(tags: Iterable[str], labels: Sequence[str]) -> Integers:
    """The column of each tag in the counts."""
    column = {None: 0} | {label: 1 + i for i, label in enumerate(labels)}
    return np.array([column[label_of(tag)] for tag in tags], dtype=np.int64)

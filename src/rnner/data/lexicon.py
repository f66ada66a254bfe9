"""What the training labels say of each word: how often it was which label.

Letters: w words in all, k labels, l = k + 2 features of a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rnner.data.conll import UNMARKED
from rnner.data.splits import Split
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
        keys, numbers, kinds = _tokens(split, labels)
        table = _table(numbers, kinds, len(keys), 1 + len(labels))
        return cls(dict(zip(keys, table.tolist(), strict=True)), list(labels))

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

    def features(self, form: str) -> Floats:
        """What is known of a form, `[l]`: see `features_of`; zeros if its lower-case was never seen."""
        known = self._known.get(form.lower())
        return self._nothing if known is None else known

    @cached_property
    def _nothing(self) -> Floats:
        return np.zeros(self.size, dtype=np.float32)

    @cached_property
    def _known(self) -> dict[str, Floats]:
        table = np.array(list(self.counts.values()), dtype=np.int64).reshape(-1, 1 + len(self.labels))
        return dict(zip(self.counts, features_of(table), strict=True))


def features_of(counts: Integers) -> Floats:
    """Counts `[..., 1 + k]` as features `[..., l]`: the share of each kind, and how often it was seen."""
    seen = counts.sum(axis=-1, keepdims=True)
    parts = [counts / (seen + _DOUBT), np.log1p(seen) / _LOG_SCALE]
    return np.concatenate(parts, axis=-1).astype(np.float32)


class HeldOut:
    """For each word of a training split, what the lexicon knows from the *other* documents.

    A tagger that was shown, in training, counts that hold the very label it is asked for would learn to look
    nowhere else. Where not two documents are marked, blocks of 20 sentences stand for them.

    Args:
        lexicon: learnt from this split, or from this and others.
        split: w words in all.
    """

    def __init__(self, lexicon: Lexicon, split: Split) -> None:
        keys, self._keys, kinds = _tokens(split, lexicon.labels)
        width = 1 + len(lexicon.labels)
        self._all = np.array([lexicon.counts[key] for key in keys], dtype=np.int64).reshape(-1, width)
        alone = (split.documents == UNMARKED) | (len(np.unique(split.documents)) < 2)
        blocks = np.where(alone, -1 - np.arange(len(split)) // _BLOCK, split.documents)
        places = np.repeat(np.unique(blocks, return_inverse=True)[1], split.lengths)
        pairs, self._pairs = np.unique(places * len(keys) + self._keys, return_inverse=True)
        self._own = _table(self._pairs, kinds, len(pairs), width)

    def features(self, words: Integers) -> Floats:
        """The features of some words, by their places `[...]` in the split: `[..., l]`."""
        return features_of(self._all[self._keys[words]] - self._own[self._pairs[words]])


def _tokens(split: Split, labels: Sequence[str]) -> tuple[list[str], Integers, Integers]:
    """The distinct lower-cased words, and for each word of the split `[w]` its place there and its kind."""
    forms, form = split.numbered("tokens")
    tags, tag = split.numbered("tags")
    places: dict[str, int] = {}
    key = np.array([places.setdefault(form.lower(), len(places)) for form in forms], dtype=np.int64)
    column = {None: 0} | {label: 1 + i for i, label in enumerate(labels)}
    kind = np.array([column[label_of(tag)] for tag in tags], dtype=np.int64)
    return list(places), key[form], kind[tag]


def _table(rows: Integers, columns: Integers, height: int, width: int) -> Integers:
    """How often each row and column come together, `[height, width]`."""
    return np.bincount(rows * width + columns, minlength=height * width).reshape(height, width)

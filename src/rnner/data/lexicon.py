"""Lexicon: how often each word has each label in the training data.

Letters: k labels, l = k + 2 features of a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rnner.data.batches import Integers
from rnner.data.disk_arrays import GrowingArray, zeros
from rnner.data.splits import Split
from rnner.data.tag_sets import certain_label
from rnner.data.token_table import BLOCK_WORDS, NO_DOCUMENT, word_blocks, word_positions
from rnner.tags import UNKNOWN

_SMOOTHING = 0.5  # added to the count of a word, so that rare words get less extreme shares
_LOG_SCALE = 3.0  # scales the logarithm of common counts to about 1
_SENTENCES_PER_BLOCK = 20  # treated as one document if no documents are marked


@dataclass(frozen=True, eq=False)
class Lexicon:
    """Counts of each training word outside entities (column 0) and in entities of each label.

    Attributes:
        counts: `1 + k` counts per word, by its lower-case form.
        labels: the k labels, in the order of columns 1 to k.
    """

    counts: Mapping[str, Sequence[int]]
    labels: list[str]

    @classmethod
    def learn(cls, split: Split, labels: Sequence[str]) -> Lexicon:
        """Count the words of a split by the label of their tags, except words whose label is not known."""
        keys, key = _lower_case_keys(split.tokens.strings)
        kind = _count_columns(split.tags.strings, labels)
        width = 1 + len(labels)
        table = np.zeros(len(keys) * width, dtype=np.int64)
        for start in range(0, len(split.tokens.numbers), BLOCK_WORDS):
            block = slice(start, start + BLOCK_WORDS)
            words, kinds = key[split.tokens.numbers[block]], kind[split.tags.numbers[block]]
            np.add.at(table, words[kinds >= 0] * width + kinds[kinds >= 0], 1)
        return cls(dict(zip(keys, table.reshape(-1, width).tolist(), strict=True)), list(labels))

    def merged(self, other: Lexicon) -> Lexicon:
        """Return the sum of both counts, in the columns of `other`, which must have all of `labels`."""
        columns = self.columns_in(other)[:-1]
        total = {word: list(row) for word, row in other.counts.items()}
        for word, row in self.counts.items():
            sums = total.setdefault(word, [0] * (1 + len(other.labels)))
            for column, count in zip(columns, row, strict=True):
                sums[column] += count
        return Lexicon(total, other.labels)

    def columns_in(self, other: Lexicon) -> list[int]:
        """Return the index of each feature `[l]` among those of `other`, which must have all of `labels`."""
        return [0, *(1 + other.labels.index(label) for label in self.labels), other.size - 1]

    @property
    def size(self) -> int:
        """The number of features of a word, l."""
        return len(self.labels) + 2

    def features(self, forms: Iterable[str]) -> NDArray[np.float32]:
        """Return the features of n forms `[n, l]`, see `features_of`; zeros for unseen words."""
        rows, table = self._feature_table
        return table[[rows.get(form.lower(), -1) for form in forms]]

    @cached_property
    def _feature_table(self) -> tuple[dict[str, int], NDArray[np.float32]]:
        """The row of each word, and the features by row; the last row is for unseen words."""
        counts = [*self.counts.values(), [0] * (1 + len(self.labels))]
        rows = {word: row for row, word in enumerate(self.counts)}
        return rows, features_of(np.array(counts, dtype=np.int64))


def features_of(counts: Integers) -> NDArray[np.float32]:
    """Turn counts `[..., 1 + k]` into features `[..., l]`: column shares and the logarithm of the sum."""
    seen = counts.sum(axis=-1, keepdims=True)
    parts = [counts / (seen + _SMOOTHING), np.log1p(seen) / _LOG_SCALE]
    return np.concatenate(parts, axis=-1).astype(np.float32)


class HeldOutLexicon:
    """Lexicon features of a training split, where each word is counted in the *other* documents only.

    If a tagger saw counts in training that include the label it has to predict, it would learn to rely on
    them alone. If fewer than two documents are marked, blocks of 20 sentences are used instead.

    Args:
        lexicon: the lexicon, learned from this split alone or together with other splits.
        split: the training split, with w words in all.
    """

    def __init__(self, lexicon: Lexicon, split: Split) -> None:
        keys, self._key = _lower_case_keys(split.tokens.strings)
        self._forms = split.tokens.numbers
        width = 1 + len(lexicon.labels)
        self._all = np.array([lexicon.counts[key] for key in keys], dtype=np.int64).reshape(-1, width)
        kind = _count_columns(split.tags.strings, lexicon.labels)
        # `_own`: counts of each word in each document. `_pairs`: for each token, its row of `_own`. Both may
        # be large, so they may be on disk.
        self._pairs = zeros(self._forms.shape, np.int64)
        own = GrowingArray(np.int32)
        for positions, document in _by_document(split):
            keyed = document * len(keys) + self._key[self._forms[positions]]
            pairs, inverse = np.unique(keyed, return_inverse=True)
            self._pairs[positions] = len(own) // width + inverse
            kinds = kind[split.tags.numbers[positions]]
            cells = (inverse * width + kinds)[kinds >= 0]
            own.extend(np.bincount(cells, minlength=len(pairs) * width))
        self._own = own.array().reshape(-1, width)

    def features(self, positions: Integers) -> NDArray[np.float32]:
        """Return the features `[..., l]` of the tokens at these positions `[...]` in the split."""
        return features_of(self._all[self._key[self._forms[positions]]] - self._own[self._pairs[positions]])


def _by_document(split: Split) -> Iterator[tuple[Integers, Integers]]:
    """Yield token positions and the document number of each, a few whole documents at a time."""
    unmarked = (split.documents == NO_DOCUMENT) | (len(np.unique(split.documents)) < 2)
    marked = np.where(unmarked, -1 - np.arange(len(split)) // _SENTENCES_PER_BLOCK, split.documents)
    documents = np.unique(marked, return_inverse=True)[1]
    order = np.argsort(documents, kind="stable")
    lengths = split.lengths
    starts = np.cumsum(lengths) - lengths
    ends = np.append(0, np.cumsum(np.bincount(documents)))
    for run in word_blocks(np.bincount(documents, weights=lengths).astype(np.int64)):
        sentences = order[ends[run.start] : ends[run.stop]]
        chosen = lengths[sentences]
        yield word_positions(starts[sentences], chosen), np.repeat(documents[sentences], chosen)


def _lower_case_keys(forms: Iterable[str]) -> tuple[list[str], Integers]:
    """Return the distinct lower-cased words, and the index of each form's word among them."""
    found: dict[str, int] = {}
    key = np.array([found.setdefault(form.lower(), len(found)) for form in forms], dtype=np.int64)
    return list(found), key


def _count_columns(tags: Iterable[str], labels: Sequence[str]) -> Integers:
    """Return the column of each tag in the counts; -1 for a tag whose label is not known."""
    column = {UNKNOWN: -1, None: 0} | {label: 1 + i for i, label in enumerate(labels)}
    return np.array([column[certain_label(tag)] for tag in tags], dtype=np.int64)

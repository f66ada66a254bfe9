"""A split as numbers, made once, so that a training batch is a few look-ups in arrays.

Letters: s sentences, w words in all, f distinct word forms; b, t, n, c as in `rnner.data.batches`.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import ArrayLike, NDArray

from rnner.data.batches import Batch
from rnner.data.splits import Split
from rnner.data.vocabulary import Vocabulary

Integers = NDArray[np.integer]


class EncodedSplit:
    """The sentences and tags of a split under a vocabulary; `batch` gives what `Vocabulary.encode` would.

    Only the order of the distinct forms in a batch is another: here it does not depend on the sentences'.

    Args:
        vocabulary: knows the words, characters and tags.
        split: its tags are written in the vocabulary's scheme.

    Raises:
        ValueError: a tag that the vocabulary lacks.
    """

    def __init__(self, vocabulary: Vocabulary, split: Split) -> None:
        columns = split.columns()
        forms, self._forms = _numbered(columns["tokens"])
        tags, numbers = _numbered(columns["tags"])
        self._tags = np.array(vocabulary.tag_ids(tags), dtype=np.int16)[numbers]
        self._lengths = split.lengths
        self._starts = _starts(self._lengths)
        features = [vocabulary.features(form) for form in forms]
        self._words = np.array([word for word, _, _ in features], dtype=np.int32)
        self._casing = np.array([casing for _, casing, _ in features], dtype=np.int8)
        spelt = [np.frombuffer(characters, dtype=np.int32) for _, _, characters in features]
        self._spelling = np.concatenate([*spelt, np.zeros(1, dtype=np.int32)])  # an empty form begins there
        self._spelling_lengths = np.array([len(characters) for characters in spelt], dtype=np.int64)
        self._spelling_starts = _starts(self._spelling_lengths)

    def batch(self, sentences: ArrayLike) -> Batch:
        """Some sentences, by their places `[b]` in the split, with their tags."""
        rows = np.asarray(sentences, dtype=np.int64)
        starts, lengths = self._starts[rows], self._lengths[rows]
        grid, inside = _grid(starts, lengths)
        distinct, forms = np.unique(self._forms[grid], return_inverse=True)
        spelling, spelt = _grid(self._spelling_starts[distinct], self._spelling_lengths[distinct])
        return Batch(
            words=_tensor(self._words[distinct]),
            casing=_tensor(self._casing[distinct]),
            characters=_tensor(self._spelling[spelling] * spelt),
            forms=_tensor(forms.reshape(grid.shape) * inside),
            lengths=_tensor(lengths),
            tags=_tensor(self._tags[grid] * inside),
        )


def _numbered(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int32]]:
    """The distinct strings in lists of strings, and for each `[w]` string which of them it is."""
    flat = column.combine_chunks().flatten().dictionary_encode()
    return flat.dictionary.to_pylist(), flat.indices.to_numpy()


def _starts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of several pieces begins that lie one after the other."""
    return np.cumsum(lengths) - lengths


def _grid(starts: Integers, lengths: Integers) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Places `[r, longest]` of pieces in a flat array, and which of them are inside."""
    # What is outside repeats the piece's first place: it brings in no form that the batch does not have.
    steps = np.arange(max(1, int(lengths.max())))
    inside = steps < lengths[:, None]
    return np.where(inside, starts[:, None] + steps, starts[:, None]), inside


def _tensor(values: Integers) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.int64))

"""The lattice of a batch (the scores of all its tag sequences), and entities read off tag sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from rnner import tags
from rnner.data.batches import Integers
from rnner.decoding.threshold import Candidate


class Lattice(Protocol):
    """The scores of all tag sequences of b sentences, padded to t positions.

    Implemented by `rnner.decoding.tagger_decoder.TorchLattice` and `rnner.decoding.crf_numpy.NumpyLattice`.
    """

    def best_tags(self) -> Integers:
        """Return the most probable legal tag sequences, [b, t]; 0 in the padding."""
        ...

    def probabilities(self, spans: Integers) -> list[float]:
        """Return the exact probability of n entities [n, 3] (row, start, end), tagged as in `best_tags`."""
        ...

    def candidates(self, labels: Integers, threshold: float) -> list[Candidate]:
        """Return all entities above a threshold; they may overlap.

        Args:
            labels: [k] index of each tag's label, -1 for none.
            threshold: above 0 and below 1.
        """
        ...

    def n_best(self, n: int) -> tuple[list[list[list[int]]], list[list[float]]]:
        """Return the n best tag sequences per sentence, with log-probabilities, -inf if there are fewer."""
        ...


class EntityExtractor:
    """Reads entities off the legal tag sequences of a batch, as `rnner.tags.to_spans` does for one sentence.

    Args:
        names: k tags, in the order of their ids.
        scheme: the tag scheme.

    Attributes:
        labels: l labels, sorted.
        label_numbers: [k] index of each tag's label in `labels`, -1 for none.
    """

    def __init__(self, names: Sequence[str], scheme: str) -> None:
        self._labels = [tags.label_of(name) for name in names]
        self.labels = sorted({label for label in self._labels if label is not None})
        self.label_numbers = np.array(
            [-1 if label is None else self.labels.index(label) for label in self._labels]
        )
        # The edge of a sentence is one more tag, with the id k.
        self._in_entity = np.array([*(label is not None for label in self._labels), False])
        self._boundary = np.pad(np.array(tags.boundaries(names, scheme)), (0, 1), constant_values=True)

    def extract(self, paths: Integers, lengths: Integers) -> tuple[Integers, list[str]]:
        """Return the n entities in legal tag sequences.

        Args:
            paths: [b, t] tag ids.
            lengths: [b] number of words of each sentence.

        Returns:
            Places [n, 3] (row, start, end) in ascending order, and labels.
        """
        b, t = paths.shape
        edged = np.full((b, t + 2), len(self._labels))
        np.copyto(edged[:, 1:-1], paths, where=np.arange(t) < lengths[:, None])
        borders, in_entity = self._boundary[edged[:, :-1], edged[:, 1:]], self._in_entity[edged[:, 1:-1]]
        row, start = np.nonzero(in_entity & borders[:, :-1])
        _, last = np.nonzero(in_entity & borders[:, 1:])
        labels = [self._labels[tag] or "" for tag in paths[row, start].tolist()]
        return np.stack([row, start, last + 1], axis=1), labels

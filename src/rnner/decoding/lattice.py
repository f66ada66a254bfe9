"""The scores of all tag sequences of a batch, and entities read off tag sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from rnner import tags
from rnner.data.batches import Floats, Integers
from rnner.decoding.threshold import Candidate


class TagTable:
    """Reads the entities off the legal tags of many sentences at once, as `rnner.tags.to_spans` does of one.

    Args:
        names: k tags, by their ids.
        scheme: theirs.

    Attributes:
        labels: l of them.
        label_numbers: [k] which of them is that of each tag, -1 for none.
    """

    def __init__(self, names: Sequence[str], scheme: str) -> None:
        self._labels = [tags.label_of(name) for name in names]
        self.labels = sorted({label for label in self._labels if label is not None})
        self.label_numbers = np.array(
            [-1 if name is None else self.labels.index(name) for name in self._labels]
        )
        # The edge of a sentence is one more tag, with the id k.
        self._named = np.array([*(label is not None for label in self._labels), False])
        self._boundary = np.pad(np.array(tags.boundaries(names, scheme)), (0, 1), constant_values=True)

    def entities(self, paths: Integers, lengths: Integers) -> tuple[Integers, list[str]]:
        """The n entities of legal tags [b, t] of sentences of so many words [b].

        Returns:
            Their places [n, 3] (row, start, end), ascending, and their labels.
        """
        b, t = paths.shape
        edged = np.full((b, t + 2), len(self._labels))
        np.copyto(edged[:, 1:-1], paths, where=np.arange(t) < lengths[:, None])
        borders, named = self._boundary[edged[:, :-1], edged[:, 1:]], self._named[edged[:, 1:-1]]
        row, start = np.nonzero(named & borders[:, :-1])
        _, last = np.nonzero(named & borders[:, 1:])
        labels = [self._labels[tag] or "" for tag in paths[row, start].tolist()]
        return np.stack([row, start, last + 1], axis=1), labels


class Lattice(Protocol):
    """The scores of all tag sequences of a batch of b sentences; positions are padded to the longest."""

    def scores(self) -> Floats:
        """The emissions [b, t, k] that it is made of."""
        ...

    def best(self) -> Integers:
        """The most probable legal tags of each sentence, [b, t]; 0 in the padding."""
        ...

    def probabilities(self, places: Integers) -> list[float]:
        """The exact probability of n entities [n, 3] (row, start, end), as the best tags have them."""
        ...

    def probable(self, labels: Integers, threshold: float) -> list[Candidate]:
        """All entities more probable than a threshold, see `rnner.decoding.threshold`; labels [k] by number, or -1."""
        ...

    def n_best(self, n: int) -> tuple[list[list[list[int]]], list[list[float]]]:
        """The n most probable legal tags of each sentence and their log-probabilities (-inf: no more)."""
        ...

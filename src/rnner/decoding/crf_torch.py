"""Decoding a linear-chain CRF in torch, with the head of a tagger."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from rnner.data.batches import Integers
from rnner.decoding.crf_numpy import NumpyLattice
from rnner.decoding.threshold import Candidate
from rnner.nn.heads import Head


class TorchLattice:
    """The scores of all tag sequences of a batch; see `rnner.decoding.lattice.Lattice`.

    Args:
        head: the tagger's head.
        emissions: [b, t, k].
        lengths: [b].
    """

    def __init__(self, head: Head, emissions: Tensor, lengths: Tensor) -> None:
        self._head, self._emissions, self._lengths = head, emissions, lengths

    @cached_property
    def _best(self) -> Tensor:
        return self._head.decode(self._emissions, self._lengths)

    def best_tags(self) -> Integers:
        """Return the most probable legal tags [b, t], 0 in the padding."""
        return self._best.numpy(force=True)

    def probabilities(self, spans: Integers) -> list[float]:
        """Return the exact probability of n entities [n, 3] (row, start, end), tagged as in `best_tags`."""
        return self.probabilities_in(self._best, torch.as_tensor(spans, device=self._lengths.device))

    def probabilities_in(self, path: Tensor, spans: Tensor) -> list[float]:
        """Return the exact probability of n entities [n, 3], tagged as in `path` [b, t]."""
        scores: list[float] = self._head.entity_probabilities(
            self._emissions, self._lengths, path, spans
        ).tolist()
        return scores

    def candidates(self, labels: Integers, threshold: float) -> list[Candidate]:
        """Return all entities above a threshold, given the number [k] of each tag's label, -1 for none."""
        parts = (self._emissions, self._lengths, self._head.transition_scores(), self._head.boundary)
        return NumpyLattice(*(part.numpy(force=True) for part in parts)).candidates(labels, threshold)

    def marginals(self) -> Tensor:
        """Return the probability of each tag at each word, [b, t, k]."""
        return self._head.marginals(self._emissions, self._lengths)

    def loss(self, tags: Tensor, rows: list[int]) -> float:
        """Return the training loss of the tags `[r, t]` of the sentences `rows`, summed over them."""
        loss = self._head.loss(self._emissions[rows], tags, self._lengths[rows])
        return float(loss) * len(rows)

    def n_best(self, n: int) -> tuple[list[list[list[int]]], list[list[float]]]:
        """Return the n best tag sequences per sentence, with log-probabilities, -inf if there are fewer."""
        paths, logs = self._head.n_best(self._emissions, self._lengths, n)
        return paths.tolist(), logs.double().tolist()

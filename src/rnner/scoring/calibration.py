"""Calibration: whether 8 of 10 names that a model finds with a probability of 0.8 are correct.

Found entities are sorted into bins of equal width by their probability. A reliability diagram plots each
bin's share of correct entities against its mean probability (DeGroot and Fienberg 1983). The expected
calibration error is the mean distance between the two, weighted by the entities in each bin (Naeini, Cooper
and Hauskrecht 2015; Guo, Pleiss, Sun and Weinberger 2017):

    ECE = sum_b (n_b / n) |correct_b - probability_b|

It depends on the number of bins, which is 10 here. Entities that were not found do not enter it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

BINS = 10


@dataclass(frozen=True)
class Bin:
    """The entities with a probability above `low`, up to and including `high`; the first bin includes 0.

    Attributes:
        low, high: the limits of the bin.
        count: number of entities, at least 1.
        probability: their mean probability.
        correct: the share of them that is correct.
    """

    low: float
    high: float
    count: int
    probability: float
    correct: float


@dataclass(frozen=True)
class Calibration:
    """The bins that have entities, in order of probability."""

    bins: list[Bin]

    @property
    def entities(self) -> int:
        """Number of found entities."""
        return sum(it.count for it in self.bins)

    @property
    def error(self) -> float:
        """The expected calibration error, in [0, 1]; 0 without entities."""
        gaps = sum(it.count * abs(it.correct - it.probability) for it in self.bins)
        return gaps / max(1, self.entities)

    def to_dict(self) -> dict[str, Any]:
        """Return the error and the bins, ready for JSON."""
        return {
            "expected_calibration_error": self.error,
            "entities": self.entities,
            "bins": [asdict(it) for it in self.bins],
        }


def calibration(probabilities: Sequence[float], correct: Sequence[bool], *, bins: int = BINS) -> Calibration:
    """Sort entities into bins by their probability.

    Args:
        probabilities: the probability of each entity, in [0, 1].
        correct: whether each entity is correct.
        bins: number of bins of equal width.

    Raises:
        ValueError: the arguments differ in length.
    """
    if len(probabilities) != len(correct):
        raise ValueError(f"{len(probabilities)} probabilities, but {len(correct)} entities")
    values, right = np.asarray(probabilities, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    edges = np.arange(1, bins) / bins
    numbers = np.searchsorted(edges, values, side="left")
    counts, sums, hits = (np.bincount(numbers, weights, bins) for weights in (None, values, right))
    return Calibration(
        [
            Bin(
                i / bins,
                (i + 1) / bins,
                int(counts[i]),
                float(sums[i] / counts[i]),
                float(hits[i] / counts[i]),
            )
            for i in np.flatnonzero(counts).tolist()
        ]
    )

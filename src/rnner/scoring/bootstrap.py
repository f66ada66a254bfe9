"""How far a score may be chance: percentile bootstrap over the sentences, or documents, of a corpus.

A resample draws as many units from the corpus as it has, with replacement; micro-F1 is computed anew from
the sums of their counts (Efron and Tibshirani 1993; for the difference of two systems on the same resamples
Berg-Kirkpatrick et al. 2012). What is told is how far F1 depends on which sentences happen to be in the
corpus, not on the seed of the training. Letters: s sentences, u units, r resamples. F1 is a fraction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnner.tags import Span

LEVEL = 0.95
RESAMPLES = 2000
_SEED = 0  # the same for all: equal inputs give equal figures, and two systems are resampled alike
_FEWEST_DOCUMENTS = 20  # of fewer, a resample would hold too few different ones


@dataclass(frozen=True)
class Interval:
    """The middle 95 % of a figure's values over all resamples."""

    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """The bounds, ready for JSON."""
        return {"low": self.low, "high": self.high}


@dataclass(frozen=True, eq=False)
class Units:
    """What is drawn: whole documents where there are 20 or more, else sentences.

    The sentences of a document share their names, so they are no independent evidence.

    Attributes:
        kind: "document" or "sentence".
        of_sentence: `[s]` int64, the unit of each sentence, from 0 without gaps.
    """

    kind: str
    of_sentence: NDArray[np.int64]

    @classmethod
    def of(cls, documents: NDArray[np.int64]) -> Units:
        """The units of sentences that belong to these documents `[s]`."""
        distinct, places = np.unique(documents, return_inverse=True)
        if len(distinct) >= _FEWEST_DOCUMENTS:
            return cls("document", places.astype(np.int64))
        return cls("sentence", np.arange(len(documents), dtype=np.int64))

    def __len__(self) -> int:
        return int(self.of_sentence.max(initial=-1)) + 1

    def to_dict(self) -> dict[str, Any]:
        """How the intervals came about, ready for JSON."""
        return {"level": LEVEL, "resamples": RESAMPLES, "unit": self.kind, "units": len(self)}


def entity_counts(
    gold: Sequence[list[Span]], predicted: Sequence[list[Span]], units: Units
) -> NDArray[np.int64]:
    """`[u, 3]` entities of each unit: correct, predicted, gold.

    Raises:
        ValueError: there are not as many sentences on each side as the units have.
    """
    triples = [
        (len(set(found) & set(own)), len(found), len(own)) for own, found in zip(gold, predicted, strict=True)
    ]
    if len(triples) != len(units.of_sentence):
        raise ValueError(f"{len(triples)} sentences, but the units have {len(units.of_sentence)}")
    counts = np.zeros((len(units), 3), dtype=np.int64)
    np.add.at(counts, units.of_sentence, np.array(triples, dtype=np.int64).reshape(-1, 3))
    return counts


def f1(counts: NDArray[np.floating | np.integer]) -> NDArray[np.float64]:
    """Micro-F1 of counts `[..., 3]` (correct, predicted, gold); 0 where there is no entity on either side."""
    correct, predicted, gold = np.moveaxis(counts.astype(np.float64), -1, 0)
    shares: NDArray[np.float64] = 2 * correct / np.maximum(predicted + gold, 1)
    return shares


def resampled_f1(
    counts: NDArray[np.int64], *, resamples: int = RESAMPLES, seed: int = _SEED
) -> NDArray[np.float64]:
    """`[r]` F1 of each resample of the units with these counts `[u, 3]`.

    The draws depend on seed and number of units alone, so two systems on one corpus meet the same resamples.
    """
    n, generator = len(counts), np.random.default_rng(seed)
    if not n:
        return np.zeros(resamples)
    # How often each unit was drawn, times its counts: floats, for speed; whole numbers stay exact in them.
    drawn = (np.bincount(generator.integers(n, size=n), minlength=n) for _ in range(resamples))
    values = counts.astype(np.float64)
    return f1(np.stack([times.astype(np.float64) @ values for times in drawn]))


def interval(values: NDArray[np.float64]) -> Interval:
    """The middle 95 % of the values `[r]` of a figure."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


@dataclass(frozen=True)
class Difference:
    """F1 of one system less that of another on the same data.

    Attributes:
        f1: the difference on the data itself.
        interval: of the difference, over resamples that are the same for both.
        better: the share of resamples in which the one is ahead; where they are even, it is not.
    """

    f1: float
    interval: Interval
    better: float

    def to_dict(self) -> dict[str, float]:
        """All figures, ready for JSON."""
        return {"f1": self.f1, **self.interval.to_dict(), "better": self.better}


def paired_difference(counts: NDArray[np.int64], baseline: NDArray[np.int64]) -> Difference:
    """How far the system with `counts` `[u, 3]` is ahead of the one with `baseline` `[u, 3]`, unit by unit.

    Raises:
        ValueError: the two were not counted over the same number of units.
    """
    if counts.shape != baseline.shape:
        raise ValueError(f"counts of {len(counts)} units cannot be paired with those of {len(baseline)}")
    gains = resampled_f1(counts) - resampled_f1(baseline)
    on_the_data = float(f1(counts.sum(0)) - f1(baseline.sum(0)))
    return Difference(on_the_data, interval(gains), float((gains > 0).mean()))

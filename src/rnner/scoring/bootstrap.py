"""Confidence intervals of F1: percentile bootstrap over the sentences or documents of a corpus.

A resample draws as many units as the corpus has, with replacement; micro-F1 is computed from the summed
entity counts of the drawn units (Efron and Tibshirani 1993; paired for two systems, Berg-Kirkpatrick et al.
2012). The interval shows how much F1 depends on the choice of sentences, not on the training seed. F1 is a
fraction.

Shapes: s sentences, u units, r resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnner.tags import Span

LEVEL = 0.95
RESAMPLES = 2000
_SEED = 0  # fixed, so that equal inputs give equal intervals and two systems get the same resamples
_MIN_DOCUMENTS = 20  # with fewer, resamples differ too little


@dataclass(frozen=True)
class Interval:
    """The middle 95 % of the values of a score over all resamples."""

    low: float
    high: float


@dataclass(frozen=True, eq=False)
class SamplingUnits:
    """Units that a resample draws: documents if there are 20 or more, else sentences.

    Sentences of one document share names, so they are not independent.

    Attributes:
        kind: "document" or "sentence".
        of_sentence: `[s]` int64, the index of each sentence's unit, from 0 without gaps.
    """

    kind: str
    of_sentence: NDArray[np.int64]

    @classmethod
    def of_documents(cls, documents: NDArray[np.int64]) -> SamplingUnits:
        """Return the units for sentences with these document numbers `[s]`."""
        distinct, numbers = np.unique(documents, return_inverse=True)
        if len(distinct) >= _MIN_DOCUMENTS:
            return cls("document", numbers.astype(np.int64))
        return cls("sentence", np.arange(len(documents), dtype=np.int64))

    def __len__(self) -> int:
        return int(self.of_sentence.max(initial=-1)) + 1

    def to_dict(self) -> dict[str, Any]:
        """Return the settings of the bootstrap, ready for JSON."""
        return {"level": LEVEL, "resamples": RESAMPLES, "unit": self.kind, "units": len(self)}


@dataclass(frozen=True)
class Difference:
    """F1 of one system minus that of another on the same data.

    Attributes:
        f1: the difference on the data itself.
        interval: interval of the difference; both systems use the same resamples.
        better: share of the resamples in which the first system has the higher F1.
    """

    f1: float
    interval: Interval
    better: float

    def to_dict(self) -> dict[str, float]:
        """Return the fields, ready for JSON."""
        return {"f1": self.f1, **asdict(self.interval), "better": self.better}


def entity_counts(
    gold: Sequence[list[Span]], predicted: Sequence[list[Span]], units: SamplingUnits
) -> NDArray[np.int64]:
    """Return the numbers of correct, predicted and gold entities per unit, `[u, 3]`.

    Raises:
        ValueError: gold, predicted and units do not have the same number of sentences.
    """
    triples = [
        (len(set(found) & set(own)), len(found), len(own)) for own, found in zip(gold, predicted, strict=True)
    ]
    if len(triples) != len(units.of_sentence):
        raise ValueError(f"{len(triples)} sentences, but the units have {len(units.of_sentence)}")
    counts = np.zeros((len(units), 3), dtype=np.int64)
    np.add.at(counts, units.of_sentence, np.array(triples, dtype=np.int64).reshape(-1, 3))
    return counts


def micro_f1(counts: NDArray[np.floating | np.integer]) -> NDArray[np.float64]:
    """Return micro-F1 of counts `[..., 3]` (correct, predicted, gold); 0 without entities."""
    correct, predicted, gold = np.moveaxis(counts.astype(np.float64), -1, 0)
    shares: NDArray[np.float64] = 2 * correct / np.maximum(predicted + gold, 1)
    return shares


def bootstrap_f1(
    counts: NDArray[np.int64], *, resamples: int = RESAMPLES, seed: int = _SEED
) -> NDArray[np.float64]:
    """Return micro-F1 of each resample, `[r]`, of units with these counts `[u, 3]`.

    The draws depend only on the seed and the number of units, so two systems on one corpus get the same
    resamples.
    """
    n, generator = len(counts), np.random.default_rng(seed)
    if not n:
        return np.zeros(resamples)
    draws = (np.bincount(generator.integers(n, size=n), minlength=n) for _ in range(resamples))
    values = counts.astype(np.float64)  # float products are faster, and exact for these integers
    return micro_f1(np.stack([times.astype(np.float64) @ values for times in draws]))


def percentile_interval(values: NDArray[np.float64]) -> Interval:
    """Return the middle 95 % of values `[r]`."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def paired_difference(counts: NDArray[np.int64], baseline: NDArray[np.int64]) -> Difference:
    """Return the difference between two systems with these counts `[u, 3]` over the same units.

    Raises:
        ValueError: the numbers of units differ.
    """
    if counts.shape != baseline.shape:
        raise ValueError(f"counts of {len(counts)} units cannot be paired with those of {len(baseline)}")
    gains = bootstrap_f1(counts) - bootstrap_f1(baseline)
    difference = float(micro_f1(counts.sum(0)) - micro_f1(baseline.sum(0)))
    return Difference(difference, percentile_interval(gains), float((gains > 0).mean()))

"""Scores of a model at every threshold on entity probabilities, and the best threshold.

The thresholds share one lattice per sentence. At each threshold, the entities are exactly those of a model
with that `threshold` in its config (see `rnner.decoding.threshold`).

F-beta weighs recall beta times as much as precision (van Rijsbergen 1979). The uncertainty comes from a
bootstrap over documents or sentences, as in `rnner.scoring.bootstrap`: each resample chooses its own best
threshold.

Shapes: q thresholds, u units, r resamples. Counts are correct, predicted and gold entities.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnner.data.splits import Split
from rnner.decoding.batching import SentencePart
from rnner.decoding.decoder import Decoder
from rnner.decoding.lattice import Lattice
from rnner.decoding.spans import ScoredSpan
from rnner.decoding.threshold import best_non_overlapping
from rnner.decoding.windows import Window, join_spans
from rnner.scoring.bootstrap import (
    RESAMPLES,
    Interval,
    SamplingUnits,
    entity_counts,
    percentile_interval,
)
from rnner.scoring.metrics import Score, score
from rnner.tags import Span

THRESHOLDS: tuple[float, ...] = tuple(n / 100 for n in range(2, 100))
_SEED = 0  # fixed, so that equal inputs give equal intervals
_Counts = NDArray[np.int64]
_Values = NDArray[np.float64]
_Measure = Callable[[NDArray[Any]], _Values]
_PerThreshold = list[list[ScoredSpan]]  # the entities of a sentence at each threshold


@dataclass(frozen=True)
class Point:
    """Scores of all entities at one threshold; None is the most probable tag sequence."""

    threshold: float | None
    precision: float
    recall: float
    f_beta: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class ThresholdReport:
    """Scores at each threshold, and the chosen one.

    Attributes:
        beta: the weight of recall in `f_beta`.
        target: the precision to reach; None if F-beta is to be as high as possible.
        units: units that the bootstrap resampled.
        now: the scores with the model's present setting.
        points: one per threshold, in ascending order.
        best: the chosen point; None if no threshold reaches the target.
        per_type: scores of each label at the chosen threshold.
        threshold_interval: thresholds that resamples choose; None if there is no best point.
        gain: F-beta at the chosen threshold minus that of `now`.
        gain_interval: its interval over the same resamples.
        reached: share of the resamples in which the chosen threshold reaches the target.
    """

    beta: float
    target: float | None
    units: SamplingUnits
    now: Point
    points: list[Point]
    best: Point | None
    per_type: dict[str, Score]
    threshold_interval: Interval | None
    gain: float | None
    gain_interval: Interval | None
    reached: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the report, ready for JSON; scores are fractions."""
        intervals = (self.threshold_interval, self.gain_interval)
        threshold, gain = (None if interval is None else asdict(interval) for interval in intervals)
        return {
            "beta": self.beta,
            "target_precision": self.target,
            "best": None if self.best is None else self.best.to_dict(),
            "threshold_interval": threshold,
            "gain": self.gain,
            "gain_interval": gain,
            "target_reached_in": self.reached,
            "bootstrap": self.units.to_dict(),
            "now": self.now.to_dict(),
            "per_type": {label: own.to_dict() for label, own in self.per_type.items()},
            "thresholds": [point.to_dict() for point in self.points],
        }


def find_threshold(
    decoder: Decoder, split: Split, *, beta: float = 1.0, target: float | None = None
) -> ThresholdReport:
    """Score a model on annotated data at each of `THRESHOLDS`, and choose one.

    Args:
        decoder: the model's decoder; its own threshold only matters for `now`.
        split: in the model's tag scheme, if that is `binary`, else in any.
        beta: the weight of recall; the highest F-beta wins, then the lowest threshold.
        target: instead, the lowest threshold with at least this precision wins, since it has the most recall.
    """
    gold, lengths = list(split.all_spans()), split.lengths.tolist()
    units = SamplingUnits.of_documents(split.documents)
    present, found = spans_at(decoder, split, THRESHOLDS)
    per_unit = np.stack([entity_counts(gold, spans, units) for spans in found])  # [q, u, 3]
    now_counts = entity_counts(gold, present, units)
    measure = partial(f_beta, beta=beta)
    points = [_point(own.sum(0), at, measure) for own, at in zip(per_unit, THRESHOLDS, strict=True)]
    chosen = choose(per_unit.sum(1), measure, target)
    best = None if chosen is None else points[chosen]
    if chosen is None:
        per_type, spread, gains, reached = {}, None, None, None
    else:
        per_type = score(gold, found[chosen], lengths).per_type
        spread, gains, reached = _bootstrap(per_unit, now_counts, chosen, measure, target)
    now = _point(now_counts.sum(0), decoder.threshold, measure)
    gain = None if best is None else best.f_beta - now.f_beta
    return ThresholdReport(beta, target, units, now, points, best, per_type, spread, gain, gains, reached)


def spans_at(
    decoder: Decoder, split: Split, thresholds: Sequence[float]
) -> tuple[list[list[Span]], list[list[list[Span]]]]:
    """Return the entities of each sentence: with the decoder's own setting, and at each threshold."""
    sentences, documents = split.sentences()[0], split.documents.tolist()
    lowest = min(thresholds)

    def read(lattice: Lattice, parts: list[SentencePart]) -> list[_PerThreshold]:
        candidates = decoder.candidates_in(lattice, parts, lowest)
        return [_at_each(own, thresholds) if own else empty for own in candidates]

    def join(windows: list[Window], found: list[_PerThreshold]) -> _PerThreshold:
        return [join_spans(windows, list(own)) for own in zip(*found, strict=True)]

    empty: _PerThreshold = [[] for _ in thresholds]
    per_sentence = decoder.decode(sentences, documents, read, join, empty)
    by_threshold = [
        [[Span(*span[:3]) for span in own[at]] for own in per_sentence] for at in range(len(thresholds))
    ]
    return decoder.spans(sentences, documents), by_threshold


def _at_each(candidates: list[ScoredSpan], thresholds: Sequence[float]) -> _PerThreshold:
    return [
        best_non_overlapping([entity for entity in candidates if entity.score > at], at) for at in thresholds
    ]


def f_beta(counts: NDArray[Any], *, beta: float) -> _Values:
    """Return F-beta of counts `[..., 3]`; 0 without entities."""
    correct, predicted, gold = np.moveaxis(counts.astype(np.float64), -1, 0)
    values: _Values = (1 + beta**2) * correct / np.maximum(predicted + beta**2 * gold, 1e-9)
    return values


def precision(counts: NDArray[Any]) -> _Values:
    """Return precision of counts `[..., 3]`; 0 without predicted entities."""
    values: _Values = counts[..., 0] / np.maximum(counts[..., 1], 1)
    return values


def choose(counts: NDArray[Any], measure: _Measure, target: float | None) -> int | None:
    """Return the index of the best threshold for counts `[q, 3]`; None if none reaches the target."""
    if target is None:
        return int(measure(counts).argmax())
    reaching = np.flatnonzero(precision(counts) >= target)
    return int(reaching[0]) if len(reaching) else None


def _point(counts: _Counts, threshold: float | None, measure: _Measure) -> Point:
    correct, predicted, gold = counts.tolist()
    own = Score.from_counts(gold, predicted, correct)
    return Point(threshold, own.precision, own.recall, float(measure(counts)))


def _bootstrap(
    per_unit: _Counts, now: _Counts, chosen: int, measure: _Measure, target: float | None
) -> tuple[Interval, Interval, float | None]:
    """Return the intervals of the best threshold and of the gain, and how often the target is reached."""
    n, generator = per_unit.shape[1], np.random.default_rng(_SEED)
    values = per_unit.astype(np.float64).transpose(1, 0, 2).reshape(n, -1)  # float products are fast
    present = now.astype(np.float64)
    thresholds, gains, reached = [], [], []
    for _ in range(RESAMPLES):
        times = np.bincount(generator.integers(n, size=n), minlength=n).astype(np.float64)
        counts = (times @ values).reshape(-1, 3)
        own = choose(counts, measure, target)
        thresholds.append(THRESHOLDS[-1 if own is None else own])
        gains.append(float(measure(counts[chosen]) - measure(times @ present)))
        reached.append(target is not None and bool(precision(counts[chosen]) >= target))
    share = None if target is None else float(np.mean(reached))
    return percentile_interval(np.array(thresholds)), percentile_interval(np.array(gains)), share

"""Learning curves: fit an inverse power law to F1 against the amount of data, and extrapolate it.

    F1(n) = a - b n^-c        with a <= 1, b >= 0, c > 0

(Figueroa, Zeng-Treitler, Kandula and Ngo 2012, "Predicting sample size required for classification
performance"). For a given exponent c, the law is linear in a and b, so the least-squares fit is found by
trying exponents (variable projection, Golub and Pereyra 1973).

The interval is a parametric bootstrap. The distances of the seeds from the fitted law give the noise; new
curves are drawn around the law with that noise, and are fitted and extrapolated again. With few seeds the
noise itself is uncertain, so it is drawn, too (scaled inverse chi-square). The interval holds if F1 follows
the law, for this data and config. A curve of one seed has no interval, and one of fewer than four sizes no
extrapolation, since three sizes fit any law.

Shapes: k sizes, s seeds, r resamples, e exponents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnner.scoring.bootstrap import Interval, percentile_interval

MIN_SIZES = 4
_RESAMPLES = 1000
_SEED = 0
_EXPONENTS = np.geomspace(0.02, 3.0, 160)
_Values = NDArray[np.float64]


@dataclass(frozen=True)
class PowerLaw:
    """The law a - b (n / unit)^-c, where `unit` is the largest size of the data that it was fitted to."""

    a: float
    b: float
    c: float
    unit: float

    def at(self, sizes: Sequence[float]) -> _Values:
        """Return F1 at each size, at least 0."""
        values: _Values = np.maximum(self.a - self.b * (np.asarray(sizes) / self.unit) ** -self.c, 0.0)
        return values


@dataclass(frozen=True)
class Prediction:
    """The expected F1, as a mean over seeds, with more data.

    Attributes:
        size: the amount of data.
        f1: F1 of the fitted law.
        gain: F1 minus that of the law at the largest size of the data.
        interval, gain_interval: 95 % intervals; None with a single seed.
    """

    size: float
    f1: float
    gain: float
    interval: Interval | None
    gain_interval: Interval | None


def fit_power_law(sizes: Sequence[float], scores: Sequence[float]) -> PowerLaw:
    """Fit the law to the mean F1 at k sizes by least squares.

    Raises:
        ValueError: there are fewer than three different sizes.
    """
    if len(set(sizes)) < MIN_SIZES - 1:
        raise ValueError(f"a power law needs {MIN_SIZES - 1} sizes, got {sorted(set(sizes))}")
    x, unit = _bases(sizes)
    a, b, c = _fit(x, np.asarray([scores], dtype=np.float64))
    return PowerLaw(float(a[0]), float(b[0]), float(c[0]), unit)


def extrapolate(
    sizes: Sequence[float], scores: Sequence[Sequence[float]], wanted: Sequence[float]
) -> list[Prediction]:
    """Return the expected F1 at the sizes `wanted`.

    Args:
        sizes: k different sizes.
        scores: F1 of each seed, for each size; the numbers of seeds may differ.
        wanted: larger sizes.

    Raises:
        ValueError: there are fewer than `MIN_SIZES` sizes.
    """
    if len(set(sizes)) < MIN_SIZES:
        raise ValueError(f"an extrapolation needs {MIN_SIZES} sizes, got {sorted(set(sizes))}")
    law = fit_power_law(sizes, [float(np.mean(own)) for own in scores])
    found, now = law.at(wanted), float(law.at([law.unit])[0])
    drawn = _resampled(law, sizes, scores, wanted)
    return [
        Prediction(
            size=size,
            f1=float(found[i]),
            gain=float(found[i]) - now,
            interval=None if drawn is None else percentile_interval(drawn[:, i]),
            gain_interval=None if drawn is None else percentile_interval(drawn[:, i] - drawn[:, -1]),
        )
        for i, size in enumerate(wanted)
    ]


def _resampled(
    law: PowerLaw, sizes: Sequence[float], scores: Sequence[Sequence[float]], wanted: Sequence[float]
) -> _Values | None:
    """Return F1 at the sizes `wanted` and at the largest size, `[r, w + 1]`; None without several seeds."""
    seeds, fitted = np.array([len(own) for own in scores]), law.at(sizes)
    if seeds.max() < 2:
        return None
    # The distances to the fitted law include how badly it fits. It has three parameters.
    squares = sum(float(((np.array(own) - at) ** 2).sum()) for own, at in zip(scores, fitted, strict=True))
    freedom = int(seeds.sum()) - 3
    generator = np.random.default_rng(_SEED)
    variance = squares / generator.chisquare(freedom, size=(_RESAMPLES, 1))
    noise = generator.normal(size=(_RESAMPLES, len(sizes))) * np.sqrt(variance / seeds)
    x, unit = _bases(sizes)
    a, b, c = (part[:, None] for part in _fit(x, fitted + noise))
    at = np.asarray([*wanted, unit]) / unit
    values: _Values = np.maximum(a - b * at**-c, 0.0)
    return values


def _bases(sizes: Sequence[float]) -> tuple[_Values, float]:
    """Return (size / largest size)^-c for each exponent, `[e, k]`, and the largest size."""
    unit = float(max(sizes))
    bases: _Values = (np.asarray(sizes, dtype=np.float64) / unit) ** -_EXPONENTS[:, None]
    return bases, unit


def _fit(x: _Values, y: _Values) -> tuple[_Values, _Values, _Values]:
    """Return a, b and c of the best law, `[r]` each, for curves y `[r, k]`, given the bases x `[e, k]`."""
    x_mean, y_mean = x.mean(1), y.mean(1)[:, None]
    centred = x - x_mean[:, None]
    b = np.maximum(-(y @ centred.T) / (centred**2).sum(1), 0.0)  # [r, e]
    a = y_mean + b * x_mean
    bounded = np.clip(((1.0 - y[:, None]) * x).sum(-1) / (x**2).sum(1), 0.0, None)
    a, b = np.where(a > 1.0, 1.0, a), np.where(a > 1.0, bounded, b)
    errors = ((y[:, None] - (a[..., None] - b[..., None] * x)) ** 2).sum(-1)
    best, rows = errors.argmin(1), np.arange(len(y))
    return a[rows, best], b[rows, best], _EXPONENTS[best]

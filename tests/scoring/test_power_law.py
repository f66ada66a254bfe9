"""The power law: known curves are found again, and the intervals contain the truth as often as they say."""

import numpy as np
import pytest

from rnner.scoring import power_law
from rnner.scoring.power_law import extrapolate, fit_power_law

SIZES = [125, 250, 500, 1000]
CURVES = [(0.9, 2.0, 0.4), (0.8, 1.5, 0.25), (0.95, 1.0, 0.15), (0.7, 5.0, 0.7)]


def curve(a, b, c, sizes):
    return a - b * np.asarray(sizes, dtype=float) ** -c


@pytest.mark.parametrize(("a", "b", "c"), CURVES)
def test_a_curve_without_noise_is_extrapolated_exactly(a, b, c):
    law = fit_power_law(SIZES, curve(a, b, c, SIZES))
    assert law.c == pytest.approx(c, rel=0.05)
    assert law.a == pytest.approx(a, abs=0.02)
    assert law.at([2000, 4000]) == pytest.approx(curve(a, b, c, [2000, 4000]), abs=0.002)


def test_the_fit_is_the_best_of_a_brute_force_search():
    scores = np.array([0.41, 0.52, 0.55, 0.62])
    law = fit_power_law(SIZES, scores)
    own = ((law.at(SIZES) - scores) ** 2).sum()
    a, b, c = np.meshgrid(
        np.linspace(0.5, 1, 60), np.linspace(0, 1, 101), np.linspace(0.02, 3, 100), indexing="ij"
    )
    tried = sum((a - b * (n / 1000) ** -c - score) ** 2 for n, score in zip(SIZES, scores, strict=True))
    assert own <= tried.min() + 1e-6


@pytest.mark.parametrize("scores", [[0.5] * 4, [0.6, 0.55, 0.5, 0.45], [0.0] * 4, [0.2, 0.5, 0.8, 0.999]])
def test_f1_is_never_above_one_nor_falling(scores):
    law = fit_power_law(SIZES, scores)
    assert law.b >= 0
    assert law.a <= 1
    assert law.at([1000, 2000, 1e9]) == pytest.approx(sorted(law.at([1000, 2000, 1e9])))


def test_intervals_contain_the_truth_about_as_often_as_they_say(monkeypatch):
    monkeypatch.setattr(power_law, "_RESAMPLES", 200)
    generator, inside, runs = np.random.default_rng(1), 0, 25
    for a, b, c in CURVES:
        means, truth = curve(a, b, c, SIZES), curve(a, b, c, [2000])[0]
        for _ in range(runs):
            scores = [list(mean + 0.006 * generator.normal(size=3)) for mean in means]
            (found,) = extrapolate(SIZES, scores, [2000])
            inside += found.interval.low <= truth <= found.interval.high
    assert 0.88 <= inside / (runs * len(CURVES)) <= 1.0


def test_the_interval_grows_with_the_noise_with_the_distance_and_with_fewer_seeds():
    means = curve(0.9, 2.0, 0.4, SIZES)

    def widths(noise):
        found = extrapolate(SIZES, [[mean + part for part in noise] for mean in means], [2000, 4000])
        return [it.interval.high - it.interval.low for it in found]

    quiet, loud, few = widths([-0.002, 0, 0.002]), widths([-0.02, 0, 0.02]), widths([-0.02, 0.02])
    assert quiet[0] < loud[0] < few[0]
    assert quiet[0] < quiet[1]


def test_a_curve_that_is_no_power_law_has_a_wide_interval():
    steady = [[mean - 0.001, mean + 0.001] for mean in curve(0.9, 2.0, 0.4, SIZES)]
    jagged = [
        [mean - 0.001 + jump, mean + 0.001 + jump]
        for (mean, _), jump in zip(steady, (0, 0.05, -0.05, 0), strict=True)
    ]
    (good,), (bad,) = (extrapolate(SIZES, scores, [2000]) for scores in (steady, jagged))
    assert bad.interval.high - bad.interval.low > 5 * (good.interval.high - good.interval.low)


def test_one_seed_has_no_interval():
    (found,) = extrapolate(SIZES, [[score] for score in curve(0.9, 2.0, 0.4, SIZES)], [2000])
    assert found.interval is None
    assert found.gain_interval is None
    assert found.gain == pytest.approx(
        curve(0.9, 2.0, 0.4, [2000])[0] - curve(0.9, 2.0, 0.4, [1000])[0], abs=0.002
    )


def test_three_sizes_are_not_extrapolated():
    with pytest.raises(ValueError, match="needs 4 sizes"):
        extrapolate(SIZES[:3], [[0.5, 0.6]] * 3, [2000])
    with pytest.raises(ValueError, match="needs 3 sizes"):
        fit_power_law([1, 1, 2], [0.1, 0.2, 0.3])


def test_equal_scores_give_equal_intervals():
    scores = [[0.4, 0.42], [0.5, 0.52], [0.55, 0.57], [0.6, 0.59]]
    assert extrapolate(SIZES, scores, [2000]) == extrapolate(SIZES, scores, [2000])

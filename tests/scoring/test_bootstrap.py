"""Bootstrap intervals of F1, compared with a naive loop."""

from dataclasses import asdict

import numpy as np
import pytest

from rnner.scoring.bootstrap import (
    SamplingUnits,
    bootstrap_f1,
    entity_counts,
    micro_f1,
    paired_difference,
    percentile_interval,
)
from rnner.tags import Span

COUNTS = np.array([[1, 2, 1], [0, 0, 0], [2, 2, 3], [0, 1, 0], [0, 0, 2], [3, 3, 3]])
WORSE = COUNTS - np.array([[1, 1, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0], [1, 0, 0]])


def random_counts(n, seed=0):
    generator = np.random.default_rng(seed)
    gold = generator.integers(0, 4, n)
    predicted = generator.integers(0, 4, n)
    return np.stack([generator.integers(0, np.minimum(gold, predicted) + 1), predicted, gold], axis=1)


def test_resampling_draws_units_and_sums_their_counts():
    generator, expected = np.random.default_rng(7), []
    for _ in range(50):
        correct = predicted = gold = 0
        for i in generator.integers(len(COUNTS), size=len(COUNTS)):
            correct, predicted, gold = correct + COUNTS[i][0], predicted + COUNTS[i][1], gold + COUNTS[i][2]
        precision, recall = correct / predicted if predicted else 0, correct / gold if gold else 0
        expected.append(2 * precision * recall / (precision + recall) if correct else 0)
    np.testing.assert_allclose(bootstrap_f1(COUNTS, resamples=50, seed=7), expected)


def test_the_interval_excludes_a_fortieth_of_the_resamples_on_each_side():
    assert asdict(percentile_interval(np.arange(1001.0))) == pytest.approx({"low": 25, "high": 975})


def test_the_interval_contains_f1_and_narrows_with_more_data():
    widths = []
    for n in (100, 10_000):
        counts = random_counts(n)
        bounds = percentile_interval(bootstrap_f1(counts))
        assert bounds.low < micro_f1(counts.sum(0)) < bounds.high
        widths.append(bounds.high - bounds.low)
    assert widths[1] == pytest.approx(widths[0] / 10, rel=0.3)  # 10 is the root of 100


def test_equal_counts_give_equal_results():
    assert np.array_equal(bootstrap_f1(COUNTS), bootstrap_f1(COUNTS.copy()))
    assert paired_difference(COUNTS, WORSE) == paired_difference(COUNTS.copy(), WORSE.copy())


def test_without_entities_f1_is_zero():
    assert micro_f1(np.zeros(3)) == 0
    assert asdict(percentile_interval(bootstrap_f1(np.zeros((4, 3), dtype=np.int64)))) == {
        "low": 0,
        "high": 0,
    }
    assert not bootstrap_f1(np.zeros((0, 3), dtype=np.int64)).any()


def test_the_difference_of_a_system_from_itself_is_zero():
    same = paired_difference(COUNTS, COUNTS)
    assert same.to_dict() == {"f1": 0, "low": 0, "high": 0, "better": 0}


def test_differences_are_per_resample_and_antisymmetric():
    gain, loss = paired_difference(COUNTS, WORSE), paired_difference(WORSE, COUNTS)
    each = bootstrap_f1(COUNTS) - bootstrap_f1(WORSE)
    assert gain.f1 == micro_f1(COUNTS.sum(0)) - micro_f1(WORSE.sum(0)) > 0
    assert gain.interval == percentile_interval(each) and gain.better == (each > 0).mean()
    assert (loss.f1, loss.interval.low, loss.interval.high) == pytest.approx(
        (-gain.f1, -gain.interval.high, -gain.interval.low)
    )
    assert loss.better == 0 < gain.better < 1  # they are equal in some resamples


def test_paired_intervals_are_narrower_than_separate_ones():
    counts = random_counts(400)
    better = counts.copy()
    better[::20, 0] = np.minimum(counts[::20, 1], counts[::20, 2])
    gain, alone = paired_difference(better, counts).interval, percentile_interval(bootstrap_f1(counts))
    assert gain.high - gain.low < (alone.high - alone.low) / 2


def test_systems_with_other_units_cannot_be_paired():
    with pytest.raises(ValueError, match="6 units cannot be paired with those of 5"):
        paired_difference(COUNTS, COUNTS[:5])


def test_correct_entities_need_the_right_boundaries_and_label():
    gold = [[Span(0, 2, "PER"), Span(3, 4, "LOC")], [], [Span(1, 2, "ORG")]]
    found = [[Span(0, 2, "PER"), Span(3, 4, "ORG")], [Span(0, 1, "PER")], []]
    units = SamplingUnits.of_documents(np.zeros(3, dtype=np.int64))
    assert entity_counts(gold, found, units).tolist() == [[1, 2, 2], [0, 1, 0], [0, 0, 1]]
    with pytest.raises(ValueError, match="2 sentences, but the units have 3"):
        entity_counts(gold[:2], found[:2], units)


def test_documents_are_resampled_if_there_are_twenty():
    few, many = (
        SamplingUnits.of_documents(np.repeat(np.arange(19), 3)),
        SamplingUnits.of_documents(np.repeat(np.arange(20) * 5, 3)),
    )
    assert (few.kind, len(few)) == ("sentence", 57)
    assert (many.kind, len(many)) == ("document", 20)
    one_each = [[Span(0, 1, "PER")]] * 60
    assert entity_counts(one_each, one_each, many).tolist() == [[3, 3, 3]] * 20
    assert many.to_dict() == {"level": 0.95, "resamples": 2000, "unit": "document", "units": 20}

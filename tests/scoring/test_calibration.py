"""Calibration of entity probabilities."""

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rnner.scoring.calibration import Bin, calibration


def test_entities_are_sorted_into_bins_of_equal_width():
    found = calibration([0.95, 1.0, 0.55, 0.6], [True, False, True, True])
    assert found.bins == [
        Bin(0.5, 0.6, 2, pytest.approx(0.575), 1.0),
        Bin(0.9, 1.0, 2, pytest.approx(0.975), 0.5),
    ]
    assert found.error == pytest.approx((2 * 0.425 + 2 * 0.475) / 4)
    assert found.entities == 4


@pytest.mark.parametrize(
    ("probability", "low"),
    [(0.0, 0.0), (0.1, 0.0), (0.7, 0.6), (0.7000001, 0.7), (1.0, 0.9), (1.0000000002, 0.9)],
)
def test_a_limit_belongs_to_the_bin_below_it(probability, low):
    (only,) = calibration([probability], [True]).bins
    assert only.low == low


def test_a_calibrated_model_has_no_error():
    found = calibration([0.75] * 4 + [0.5] * 2, [True, True, True, False, True, False])
    assert found.error == 0


def test_without_entities_there_is_no_error():
    assert calibration([], []).error == 0 and calibration([], []).bins == []


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="2 probabilities, but 1 entities"):
        calibration([0.5, 0.5], [True])


def test_the_result_is_ready_for_json():
    found = calibration([0.95, 0.25], [True, False]).to_dict()
    assert json.loads(json.dumps(found)) == found
    assert (found["entities"], [it["count"] for it in found["bins"]]) == (2, [1, 1])


def slow_error(entities, bins):
    """Return the expected calibration error, bin by bin, from its definition."""
    total = 0.0
    for i in range(bins):
        inside = [
            (probability, correct)
            for probability, correct in entities
            if i / bins < probability <= (i + 1) / bins or (i == 0 and probability == 0)
        ]
        if inside:
            accuracy = sum(correct for _, correct in inside) / len(inside)
            confidence = math.fsum(probability for probability, _ in inside) / len(inside)
            total += len(inside) / len(entities) * abs(accuracy - confidence)
    return total


probabilities = st.one_of(st.floats(0, 1), st.sampled_from([i / 10 for i in range(11)]))


@given(st.lists(st.tuples(probabilities, st.booleans())), st.integers(1, 20))
@example([(0.3, True), (0.30000000000000004, False)], 10)
def test_the_error_is_that_of_the_definition(entities, bins):
    found = calibration([p for p, _ in entities], [correct for _, correct in entities], bins=bins)
    assert found.error == pytest.approx(slow_error(entities, bins), abs=1e-12)
    assert found.entities == len(entities)
    assert 0 <= found.error <= 1
    assert all(
        it.low <= it.probability * (1 + 1e-12) and it.probability <= it.high + 1e-12 for it in found.bins
    )


@given(st.lists(st.tuples(probabilities, st.booleans()), min_size=1))
def test_the_order_of_entities_does_not_matter(entities):
    def error(rows):
        return calibration([p for p, _ in rows], [correct for _, correct in rows]).error

    assert error(entities) == pytest.approx(error(entities[::-1]), abs=1e-12)
    gap = sum(correct for _, correct in entities) / len(entities) - sum(p for p, _ in entities) / len(
        entities
    )
    assert error(entities) >= abs(gap) - 1e-12  # of one bin only; more bins cannot hide it

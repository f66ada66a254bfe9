"""Tests for audit_recall.py: planting errors, and scoring an audit against them."""

from collections import Counter
from random import Random

import pytest

from rnner.tags import Span, from_spans

SPANS = [[Span(i, i + 2, "PER"), Span(i + 3, i + 4, "LOC")] for i in range(6)] * 5
LENGTHS = [12] * 30


@pytest.fixture
def recall(script):
    return script("audit_recall")


def doubt(sentence, start, end, label):
    return {"sentence": sentence, "annotated": {"start": start, "end": end, "label": label}}


def test_a_share_of_the_entities_is_corrupted_in_three_ways(recall):
    new, places = recall.corrupt(SPANS, LENGTHS, ["LOC", "PER"], 0.3, Random(1))
    kinds = Counter(how for own in places for how in own.values())
    assert kinds == {"label": 6, "missing": 6, "border": 6}
    for old, now, own, length in zip(SPANS, new, places, LENGTHS, strict=True):
        from_spans(now, length, "iob2")  # nothing overlaps
        kept = [span for span, how in own.items() if how != "missing"]
        assert set(now) - set(old) == set(kept)
        assert all(span in old and span not in now for span, how in own.items() if how == "missing")


def test_a_doubt_hits_a_changed_or_removed_entity_once(recall):
    places = [{Span(0, 2, "PER"): "label", Span(5, 7, "LOC"): "missing"}, {}]
    found = [
        doubt(0, 6, 7, None),
        doubt(0, 0, 2, "PER"),
        doubt(0, 5, 6, None),
        doubt(0, 0, 1, "PER"),
        doubt(1, 0, 2, "PER"),
    ]
    assert list(recall.hits(found, places)) == [True, True, False, False, False]
    assert recall.by_kind(found, places) == {"label": [1, 1], "missing": [1, 1]}


def test_average_precision_follows_the_textbook(recall):
    result = recall.figures([True, False, True, False], 4)
    assert result["average_precision"] == pytest.approx((1 + 2 / 3) / 4)
    assert result["recall"] == 0.5 and result["precision_at_4"] == 0.5

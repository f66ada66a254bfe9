"""Strict, exact, partial and type matches, counted by hand and compared with nervaluate."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entity_corpora import corpora
from rnner.scoring.matching import Matches, count_matches, count_matches_per_type
from rnner.scoring.metrics import score_entities
from rnner.tags import Span

COUNTS = ("correct", "incorrect", "partial", "missed", "spurious")


def counts(gold, predicted):
    """Return the five counts of each schema for one sentence."""
    found = count_matches([gold], [predicted])
    return {schema: tuple(getattr(matches, name) for name in COUNTS) for schema, matches in found.items()}


def test_matches_counted_by_hand():
    gold = [Span(0, 2, "PER"), Span(3, 6, "ORG"), Span(8, 9, "LOC"), Span(12, 13, "PER")]
    found = [Span(0, 2, "PER"), Span(4, 6, "ORG"), Span(8, 9, "ORG"), Span(15, 16, "LOC")]
    assert counts(gold, found) == {
        "strict": (1, 2, 0, 1, 1),
        "exact": (2, 1, 0, 1, 1),
        "partial": (2, 0, 1, 1, 1),
        "ent_type": (2, 1, 0, 1, 1),
    }


def test_a_partial_match_counts_half():
    matches = count_matches([[Span(0, 2, "PER"), Span(4, 5, "LOC")]], [[Span(0, 1, "PER")]])["partial"]
    assert (matches.precision, matches.recall, matches.f1) == (1 / 2, 1 / 4, 1 / 3)
    assert matches.to_dict()["partial"] == 1


def test_a_gold_entity_is_matched_once():
    gold, pieces = [Span(0, 4, "ORG")], [Span(0, 2, "ORG"), Span(2, 4, "ORG")]
    assert counts(gold, pieces)["partial"] == (0, 0, 1, 0, 1)
    assert counts(pieces, gold)["ent_type"] == (1, 0, 0, 1, 0)


def test_the_match_with_the_nearest_boundaries_has_the_right_type():
    gold, found = [Span(0, 1, "LOC"), Span(1, 5, "LOC")], [Span(0, 5, "LOC"), Span(0, 1, "LOC")]
    assert counts(gold, found)["ent_type"] == (2, 0, 0, 0, 0)


def test_an_overlap_below_one_per_cent_does_not_count():
    gold = [Span(0, 101, "ORG")]
    assert counts(gold, [Span(100, 103, "ORG")])["partial"] == (0, 0, 0, 1, 1)
    assert counts(gold, [Span(99, 103, "ORG")])["partial"] == (0, 0, 1, 0, 0)


def test_nothing_scores_zero():
    matches = count_matches([[]], [[]])["strict"]
    assert (matches.precision, matches.recall, matches.f1) == (0, 0, 0) and matches == Matches()


def test_gold_and_predictions_need_the_same_sentences():
    with pytest.raises(ValueError, match="gold 1, predicted 2"):
        count_matches([[]], [[], []])


@settings(deadline=None, max_examples=60)
@given(corpora())
def test_strict_matches_are_those_that_f1_counts(corpus):
    gold, predicted, _ = corpus
    scores, strict = score_entities(gold, predicted), count_matches(gold, predicted)["strict"]
    assert (strict.correct, strict.precision, strict.recall) == (
        scores.correct,
        scores.precision,
        scores.recall,
    )


# Entities of one side may overlap in texts with spans.
spans = st.builds(
    lambda start, length, label: Span(start, start + length, label),
    st.integers(0, 12),
    st.integers(1, 5) | st.just(120),
    st.sampled_from(["PER", "LOC"]),
)
sides = st.lists(st.lists(spans, max_size=6, unique=True).map(sorted), min_size=2, max_size=2)


@settings(deadline=None, max_examples=60)
@given(corpora().map(lambda corpus: list(zip(*corpus[:2], strict=True))) | st.lists(sides, max_size=4))
def test_matches_equal_those_of_nervaluate(sentences):
    nervaluate = pytest.importorskip("nervaluate")
    gold, predicted = ([pair[i] for pair in sentences] for i in (0, 1))
    found = count_matches(gold, predicted)
    if not sentences:
        assert all(matches == Matches() for matches in found.values())
        return

    def dictionaries(side):
        return [[{"label": it.label, "start": it.start, "end": it.end - 1} for it in row] for row in side]

    labels = sorted({span.label for side in (gold, predicted) for row in side for span in row})
    expected = nervaluate.Evaluator(
        dictionaries(gold), dictionaries(predicted), tags=labels, loader="dict"
    ).evaluate()
    assert_equal(found, expected["overall"])
    per_type = count_matches_per_type(gold, predicted)
    assert per_type.keys() == expected["entities"].keys()
    for label, matches in per_type.items():
        assert_equal(matches, expected["entities"][label])


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    for schema, matches in found.items():
        for name in (*COUNTS, "precision", "recall"):
            assert getattr(matches, name) == getattr(expected[schema], name), (schema, name)
        assert matches.f1 == pytest.approx(expected[schema].f1)

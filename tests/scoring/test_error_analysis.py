"""Error classes and confusions."""

import json
from dataclasses import asdict

import pytest
from hypothesis import given, settings

from entity_corpora import GOLD, LENGTHS, PREDICTED, SENTENCES, corpora
from rnner.scoring.error_analysis import confusions, count_errors, type_matrix
from rnner.scoring.metrics import score
from rnner.tags import Span


def test_errors_are_counted_by_class():
    errors = count_errors(GOLD, PREDICTED)
    shared = {"correct": 4, "wrong_type": 1, "wrong_boundary": 1}
    assert errors.gold == shared | {"wrong_both": 2, "missed": 1}
    assert errors.predicted == shared | {"wrong_both": 3, "spurious": 1}
    assert json.loads(json.dumps(asdict(errors))) == {"gold": errors.gold, "predicted": errors.predicted}


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (Span(2, 5, "ORG"), "correct"),
        (Span(2, 5, "LOC"), "wrong_type"),
        (Span(2, 4, "ORG"), "wrong_boundary"),
        (Span(1, 6, "ORG"), "wrong_boundary"),
        (Span(4, 7, "LOC"), "wrong_both"),
    ],
)
def test_the_class_of_one_predicted_entity(found, kind):
    errors = count_errors([[Span(2, 5, "ORG")]], [[found]])
    assert {name for name, count in errors.gold.items() if count} == {kind}
    assert {name for name, count in errors.predicted.items() if count} == {kind}


@pytest.mark.parametrize("neighbour", [Span(0, 2, "ORG"), Span(5, 6, "ORG")])
def test_adjacent_entities_are_missed_and_spurious(neighbour):
    errors = count_errors([[Span(2, 5, "ORG")]], [[neighbour]])
    assert (errors.gold["missed"], errors.predicted["spurious"]) == (1, 1)


@settings(deadline=None, max_examples=60)
@given(corpora())
def test_every_entity_has_exactly_one_class(corpus):
    gold, predicted, lengths = corpus
    scores, errors = score(gold, predicted, lengths), count_errors(gold, predicted)
    assert sum(errors.gold.values()) == scores.support
    assert sum(errors.predicted.values()) == scores.predicted
    assert errors.gold["correct"] == errors.predicted["correct"] == scores.correct
    assert errors.gold["wrong_type"] == errors.predicted["wrong_type"]
    swapped = count_errors(predicted, gold)
    assert list(swapped.gold.values()) == list(errors.predicted.values())


def test_confusions_have_labels_kind_and_example():
    found = {(c.gold, c.predicted): c for c in confusions(GOLD, PREDICTED, SENTENCES)}
    assert {pair: c.kind for pair, c in found.items()} == {
        ("PER", "PER"): "boundary",
        (None, "PER"): "spurious",
        ("ORG", "LOC"): "type",
        ("LOC", "ORG"): "type",
        ("LOC", None): "missed",
        ("MISC", "EVENT"): "type",
    }
    split = found["PER", "PER"]
    assert (split.sentence, split.words) == (0, tuple(SENTENCES[0]))
    assert split.gold_spans == (Span(3, 5, "PER"),)
    assert split.predicted_spans == (Span(3, 4, "PER"), Span(4, 5, "ORG"))
    assert found[None, "PER"].gold_spans == ()
    assert found["LOC", None].predicted_spans == ()
    assert json.loads(json.dumps(split.to_dict()))["example"]["gold"] == [
        {"start": 3, "end": 5, "label": "PER"}
    ]


def test_the_most_frequent_confusion_comes_first_with_its_first_example():
    words = [["Paris", "fell"], ["Rome", "Bonn"]]
    gold = [[Span(0, 1, "PER")], [Span(0, 1, "LOC"), Span(1, 2, "LOC")]]
    found = [[], [Span(0, 1, "ORG"), Span(1, 2, "ORG")]]
    first, second = confusions(gold, found, words)
    assert (first.gold, first.predicted, first.count, first.sentence) == ("LOC", "ORG", 2, 1)
    assert first.gold_spans == (Span(0, 1, "LOC"),)
    assert (second.gold, second.predicted, second.count) == ("PER", None, 1)


def test_confusions_of_equal_count_are_in_the_order_of_their_labels():
    gold = [[Span(0, 1, "PER"), Span(1, 2, "LOC"), Span(2, 3, "LOC")]]
    found = [[Span(1, 2, "PER"), Span(2, 3, "ORG"), Span(3, 4, "ORG")]]
    pairs = [(c.gold, c.predicted) for c in confusions(gold, found, [["a", "b", "c", "d"]])]
    assert pairs == [(None, "ORG"), ("LOC", "ORG"), ("LOC", "PER"), ("PER", None)]


@pytest.mark.parametrize(
    ("found", "label"),
    [
        ([Span(0, 3, "LOC"), Span(3, 4, "ORG")], "ORG"),
        ([Span(0, 1, "LOC"), Span(1, 4, "MISC")], "MISC"),
        ([Span(0, 2, "LOC"), Span(2, 4, "MISC")], "LOC"),
    ],
    ids=["the same label first", "then the larger overlap", "then the leftmost"],
)
def test_the_best_of_several_overlapping_predictions_decides(found, label):
    assert [c.predicted for c in confusions([[Span(0, 4, "ORG")]], [found], [list("abcd")])] == [label]


@settings(deadline=None, max_examples=40)
@given(corpora())
def test_confusions_and_correct_entities_sum_to_the_gold_entities(corpus):
    gold, predicted, lengths = corpus
    found = confusions(gold, predicted, [["w"] * n for n in lengths])
    errors = count_errors(gold, predicted)
    assert sum(c.count for c in found if c.gold) + errors.gold["correct"] == sum(errors.gold.values())
    assert sum(c.count for c in found if c.kind == "spurious") == errors.predicted["spurious"]
    assert sum(c.count for c in found if c.kind == "missed") == errors.gold["missed"]


def test_the_matrix_of_types_counts_correct_entities_and_confusions():
    correct = {label: score.correct for label, score in score(GOLD, PREDICTED, LENGTHS).per_type.items()}
    matrix = +type_matrix(correct, confusions(GOLD, PREDICTED, SENTENCES))
    assert matrix == {
        ("PER", "PER"): 4,
        ("LOC", "LOC"): 1,
        (None, "PER"): 1,
        ("ORG", "LOC"): 1,
        ("LOC", "ORG"): 1,
        ("LOC", None): 1,
        ("MISC", "EVENT"): 1,
    }


def test_nothing_gives_no_errors_and_no_confusions():
    assert not any(count_errors([], []).gold.values())
    assert confusions([], [], []) == []

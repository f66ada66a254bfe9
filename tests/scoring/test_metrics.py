import json
import warnings

import pytest
import seqeval.metrics as seqeval
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.scheme import IOB1, IOB2, IOBES

from rnner.errors import DataError
from rnner.scoring.metrics import confusions, error_classes, score, score_tags
from rnner.tags import Span, from_spans

SENTENCES = [
    sentence.split()
    for sentence in (
        "Harry Potter and Hermione Granger took the train to London .",
        "Nobody knew .",
        "The Bank of England met in London 's City Hall .",
        "Li Na beat Venus Williams at the Australian Open .",
    )
]
GOLD = [
    [Span(0, 2, "PER"), Span(3, 5, "PER"), Span(9, 10, "LOC")],
    [],
    [Span(1, 4, "ORG"), Span(6, 7, "LOC"), Span(8, 10, "LOC")],
    [Span(0, 2, "PER"), Span(3, 5, "PER"), Span(7, 9, "MISC")],
]
PREDICTED = [
    [Span(0, 2, "PER"), Span(3, 4, "PER"), Span(4, 5, "ORG"), Span(9, 10, "LOC")],
    [Span(0, 1, "PER")],
    [Span(3, 4, "LOC"), Span(6, 7, "ORG")],
    [Span(0, 2, "PER"), Span(3, 5, "PER"), Span(7, 8, "EVENT")],
]
LENGTHS = [len(words) for words in SENTENCES]


def as_tags(sentences, lengths):
    return [from_spans(spans, length, "iob2") for spans, length in zip(sentences, lengths, strict=True)]


@st.composite
def entities(draw, length):
    """Some entities of a sentence, none overlapping another."""
    spans, place = [], 0
    while place < length:
        start = place + draw(st.integers(0, 2))
        end = start + draw(st.integers(1, 3))
        if end <= length:
            spans.append(Span(start, end, draw(st.sampled_from(["PER", "LOC", "creative-work"]))))
        place = end
    return spans


@st.composite
def corpora(draw):
    """Gold and predicted entities of some sentences, and the lengths of those."""
    lengths = draw(st.lists(st.integers(0, 9), max_size=5))
    gold = [draw(entities(length)) for length in lengths]
    predicted = [draw(st.just(spans) | entities(n)) for spans, n in zip(gold, lengths, strict=True)]
    return gold, predicted, lengths


def assert_agrees_with_seqeval(scores, gold, predicted, **how):
    """Every figure is bit for bit what seqeval gives on the same tags."""
    how["zero_division"] = 0
    assert scores.precision == seqeval.precision_score(gold, predicted, **how)
    assert scores.recall == seqeval.recall_score(gold, predicted, **how)
    assert scores.f1 == seqeval.f1_score(gold, predicted, **how)
    if any(gold):
        assert scores.accuracy == seqeval.accuracy_score(gold, predicted)
    if scores.per_type:
        report = seqeval.classification_report(gold, predicted, output_dict=True, **how)
        types = {label: row for label, row in report.items() if not label.endswith(" avg")}
        assert types == {
            label: {"precision": s.precision, "recall": s.recall, "f1-score": s.f1, "support": s.support}
            for label, s in scores.per_type.items()
        }


def test_figures_counted_by_hand():
    scores = score(GOLD, PREDICTED, LENGTHS)
    assert (scores.support, scores.predicted, scores.correct) == (9, 10, 4)
    assert (scores.precision, scores.recall) == (4 / 10, 4 / 9)
    assert scores.f1 == pytest.approx(8 / 19)
    assert (scores.tokens, scores.correct_tokens) == (35, 25)
    assert scores.accuracy == scores.correct_tokens / scores.tokens
    per = scores.per_type["PER"]
    assert (per.support, per.predicted, per.correct) == (4, 5, 3)
    assert (per.precision, per.recall) == (3 / 5, 3 / 4)
    assert scores.strict is None


def test_a_label_that_only_one_side_has_is_listed_and_counts():
    per_type = score(GOLD, PREDICTED, LENGTHS).per_type
    assert list(per_type) == ["EVENT", "LOC", "MISC", "ORG", "PER"]
    assert (per_type["EVENT"].support, per_type["EVENT"].predicted, per_type["EVENT"].precision) == (
        0,
        1,
        0.0,
    )
    assert (per_type["MISC"].support, per_type["MISC"].predicted, per_type["MISC"].recall) == (1, 0, 0.0)


@settings(deadline=None, max_examples=60)
@given(corpora())
def test_every_figure_is_seqevals(corpus):
    gold, predicted, lengths = corpus
    scores = score(gold, predicted, lengths)
    if lengths:
        assert_agrees_with_seqeval(scores, as_tags(gold, lengths), as_tags(predicted, lengths))
    assert scores.support == sum(map(len, gold)) == sum(s.support for s in scores.per_type.values())
    assert scores.predicted == sum(map(len, predicted)) == sum(s.predicted for s in scores.per_type.values())
    assert scores.correct == sum(s.correct for s in scores.per_type.values())
    assert scores.precision == (scores.correct / scores.predicted if scores.predicted else 0.0)
    assert scores.recall == (scores.correct / scores.support if scores.support else 0.0)


@pytest.mark.parametrize(
    ("gold", "predicted", "lengths"),
    [
        ([], [], []),
        ([[]], [[]], [0]),
        ([[], []], [[], []], [4, 2]),
        ([[Span(0, 1, "PER")]], [[]], [3]),
        ([[]], [[Span(0, 1, "PER")]], [3]),
    ],
    ids=["no sentences", "an empty sentence", "no entities", "nothing found", "nothing to find"],
)
def test_a_share_of_nothing_is_zero_and_no_warning(gold, predicted, lengths):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = score(gold, predicted, lengths)
    assert (scores.precision, scores.recall, scores.f1) == (0.0, 0.0, 0.0)
    assert scores.tokens == sum(lengths)
    assert 0.0 <= scores.accuracy <= 1.0


def test_scores_are_plain_json_with_fractions():
    told = json.loads(json.dumps(score(GOLD, PREDICTED, LENGTHS).to_dict()))
    figures = {"f1", "precision", "recall", "support", "predicted", "correct"}
    assert told.keys() == figures | {"accuracy", "per_type"}
    assert told["precision"] == 0.4
    loc = {"f1": pytest.approx(0.4), "precision": 1 / 2, "recall": 1 / 3, "support": 3, "predicted": 2}
    assert told["per_type"]["LOC"] == loc | {"correct": 1}


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="gold 2, predicted 1, lengths 2"):
        score([[], []], [[]], [3, 3])
    with pytest.raises(ValueError, match="3"):
        score([[Span(2, 4, "PER")]], [[]], [3])
    with pytest.raises(ValueError):
        score([[]], [[Span(0, 2, "PER"), Span(1, 3, "LOC")]], [3])
    with pytest.raises(ValueError, match="sentence 1 has 2 gold tags, but 1 predicted"):
        score_tags([["O"], ["O", "O"]], [["O"], ["O"]])
    with pytest.raises(ValueError, match="iob1, iob2, bioes"):
        score_tags([["1"]], [["0"]], scheme="binary")


ILLEGAL_GOLD = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-ORG", "I-ORG"]]
ILLEGAL_FOUND = [["I-PER", "I-PER", "O", "B-LOC"], ["O", "B-ORG", "I-LOC"]]


def test_illegal_tags_are_read_as_conlleval_does_with_the_strict_reading_beside():
    scores = score_tags(ILLEGAL_GOLD, ILLEGAL_FOUND)
    assert_agrees_with_seqeval(scores, ILLEGAL_GOLD, ILLEGAL_FOUND)
    assert_agrees_with_seqeval(scores.strict, ILLEGAL_GOLD, ILLEGAL_FOUND, mode="strict", scheme=IOB2)
    assert (scores.correct, scores.predicted) == (2, 4)
    assert (scores.strict.correct, scores.strict.predicted) == (1, 2)
    assert scores.accuracy == 5 / 7
    assert scores.to_dict()["strict"]["correct"] == 1


def test_strict_scores_are_told_only_where_they_differ():
    assert score_tags(ILLEGAL_GOLD, ILLEGAL_GOLD).strict is None
    assert "strict" not in score_tags(ILLEGAL_GOLD, ILLEGAL_GOLD).to_dict()
    assert score_tags([], []).strict is None


@pytest.mark.parametrize(
    ("name", "scheme", "prefixes"), [("iob1", IOB1, "BI"), ("iob2", IOB2, "BI"), ("bioes", IOBES, "BIES")]
)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_any_tags_score_as_seqeval_scores_them(data, name, scheme, prefixes):
    tag = st.sampled_from(["O", *(f"{prefix}-{label}" for prefix in prefixes for label in ("PER", "LOC"))])
    lengths = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    gold, predicted = ([data.draw(st.lists(tag, min_size=n, max_size=n)) for n in lengths] for _ in "gp")
    scores = score_tags(gold, predicted, scheme=name)
    assert_agrees_with_seqeval(scores, gold, predicted)
    assert_agrees_with_seqeval(scores.strict or scores, gold, predicted, mode="strict", scheme=scheme)


@pytest.mark.parametrize("tag", ["PER", "X-PER", "b-PER", "B-", "", "E-PER", "1"])
def test_a_tag_that_is_none_is_refused_by_name(tag):
    with pytest.raises(DataError, match=rf"sentence 1 .*{tag!r}.* iob2"):
        score_tags([["O"], ["O", "O"]], [["O"], ["O", tag]])


def test_each_kind_of_error_has_its_class():
    errors = error_classes(GOLD, PREDICTED)
    shared = {"correct": 4, "wrong_type": 1, "wrong_boundary": 1}
    assert errors.gold == shared | {"wrong_both": 2, "missed": 1}
    assert errors.predicted == shared | {"wrong_both": 3, "spurious": 1}
    assert json.loads(json.dumps(errors.to_dict())) == {"gold": errors.gold, "predicted": errors.predicted}


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
def test_the_class_of_one_prediction_for_one_entity(found, kind):
    errors = error_classes([[Span(2, 5, "ORG")]], [[found]])
    assert {name for name, count in errors.gold.items() if count} == {kind}
    assert {name for name, count in errors.predicted.items() if count} == {kind}


@pytest.mark.parametrize("neighbour", [Span(0, 2, "ORG"), Span(5, 6, "ORG")])
def test_entities_that_only_touch_are_missed_and_spurious(neighbour):
    errors = error_classes([[Span(2, 5, "ORG")]], [[neighbour]])
    assert (errors.gold["missed"], errors.predicted["spurious"]) == (1, 1)


@settings(deadline=None, max_examples=60)
@given(corpora())
def test_every_entity_falls_into_exactly_one_class(corpus):
    gold, predicted, lengths = corpus
    scores, errors = score(gold, predicted, lengths), error_classes(gold, predicted)
    assert sum(errors.gold.values()) == scores.support
    assert sum(errors.predicted.values()) == scores.predicted
    assert errors.gold["correct"] == errors.predicted["correct"] == scores.correct
    assert errors.gold["wrong_type"] == errors.predicted["wrong_type"]
    swapped = error_classes(predicted, gold)
    assert list(swapped.gold.values()) == list(errors.predicted.values())


def test_confusions_tell_what_was_taken_for_what():
    told = {(c.gold, c.predicted): c for c in confusions(GOLD, PREDICTED, SENTENCES)}
    assert {pair: c.kind for pair, c in told.items()} == {
        ("PER", "PER"): "boundary",
        (None, "PER"): "spurious",
        ("ORG", "LOC"): "type",
        ("LOC", "ORG"): "type",
        ("LOC", None): "missed",
        ("MISC", "EVENT"): "type",
    }
    split = told["PER", "PER"]
    assert (split.sentence, split.words) == (0, tuple(SENTENCES[0]))
    assert split.gold_spans == (Span(3, 5, "PER"),)
    assert split.predicted_spans == (Span(3, 4, "PER"), Span(4, 5, "ORG"))
    assert told[None, "PER"].gold_spans == ()
    assert told["LOC", None].predicted_spans == ()
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
def test_of_several_overlapping_predictions_one_decides(found, label):
    assert [c.predicted for c in confusions([[Span(0, 4, "ORG")]], [found], [list("abcd")])] == [label]


@settings(deadline=None, max_examples=40)
@given(corpora())
def test_confusions_and_correct_ones_make_up_the_gold_entities(corpus):
    gold, predicted, lengths = corpus
    found = confusions(gold, predicted, [["w"] * n for n in lengths])
    errors = error_classes(gold, predicted)
    assert sum(c.count for c in found if c.gold) + errors.gold["correct"] == sum(errors.gold.values())
    assert sum(c.count for c in found if c.kind == "spurious") == errors.predicted["spurious"]
    assert sum(c.count for c in found if c.kind == "missed") == errors.gold["missed"]


def test_nothing_gives_no_errors_and_no_confusions():
    assert not any(error_classes([], []).gold.values())
    assert confusions([], [], []) == []

"""Precision, recall, F1 and accuracy, counted by hand and compared with seqeval."""

import json
import warnings

import pytest
import seqeval.metrics as seqeval
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.scheme import IOB1, IOB2, IOBES

from entity_corpora import GOLD, LENGTHS, PREDICTED, corpora
from rnner.errors import DataError
from rnner.scoring.metrics import score, score_entities, score_tags
from rnner.tags import Span, from_spans


def as_tags(sentences, lengths):
    return [from_spans(spans, length, "iob2") for spans, length in zip(sentences, lengths, strict=True)]


def assert_agrees_with_seqeval(scores, gold, predicted, **how):
    """Compare all scores with those of seqeval on the same tags, bit for bit."""
    how["zero_division"] = 0
    assert scores.precision == seqeval.precision_score(gold, predicted, **how)
    assert scores.recall == seqeval.recall_score(gold, predicted, **how)
    assert scores.f1 == seqeval.f1_score(gold, predicted, **how)
    if any(gold):
        assert scores.accuracy == seqeval.accuracy_score(gold, predicted)
    if scores.per_type:
        report = seqeval.classification_report(gold, predicted, output_dict=True, **how)
        for name, average in (("macro avg", scores.macro), ("weighted avg", scores.weighted)):
            expected = [report[name][key] for key in ("f1-score", "precision", "recall")]
            assert average == pytest.approx(expected)
        types = {label: row for label, row in report.items() if not label.endswith(" avg")}
        assert types == {
            label: {"precision": s.precision, "recall": s.recall, "f1-score": s.f1, "support": s.support}
            for label, s in scores.per_type.items()
        }


def test_scores_counted_by_hand():
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


def test_macro_and_weighted_averages_are_over_types():
    scores = score(GOLD, PREDICTED, LENGTHS)
    # EVENT 0 of 0, LOC 1 of 3, MISC 0 of 1, ORG 0 of 1, PER 3 of 4 gold entities found
    assert scores.macro.recall == pytest.approx((1 / 3 + 3 / 4) / 5)
    assert scores.weighted.recall == scores.recall == 4 / 9
    assert scores.macro.precision == pytest.approx((1 / 2 + 3 / 5) / 5)
    assert scores.weighted.precision == pytest.approx((3 * 1 / 2 + 4 * 3 / 5) / 9)
    assert score([], [], []).macro == score([], [], []).weighted == (0, 0, 0)


def test_entities_alone_have_no_token_accuracy():
    nested = [[Span(0, 3, "ORG"), Span(0, 1, "LOC")]]
    scores = score_entities(nested, [[Span(0, 1, "LOC"), Span(1, 3, "LOC")]])
    assert (scores.support, scores.predicted, scores.correct, scores.tokens) == (2, 2, 1, 0)
    assert "accuracy" not in scores.to_dict()


def test_labels_of_one_side_only_are_listed_and_counted():
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
def test_scores_equal_seqeval_s(corpus):
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
def test_scores_without_entities_are_zero_without_a_warning(gold, predicted, lengths):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = score(gold, predicted, lengths)
    assert (scores.precision, scores.recall, scores.f1) == (0.0, 0.0, 0.0)
    assert scores.tokens == sum(lengths)
    assert 0.0 <= scores.accuracy <= 1.0


def test_scores_are_json_with_fractions():
    result = json.loads(json.dumps(score(GOLD, PREDICTED, LENGTHS).to_dict()))
    figures = {"f1", "precision", "recall", "support", "predicted", "correct"}
    assert result.keys() == figures | {"accuracy", "per_type", "macro", "weighted"}
    assert result["precision"] == 0.4
    loc = {"f1": pytest.approx(0.4), "precision": 1 / 2, "recall": 1 / 3, "support": 3, "predicted": 2}
    assert result["per_type"]["LOC"] == loc | {"correct": 1}


def test_invalid_arguments_are_refused():
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


def test_illegal_tags_are_read_as_conlleval_does_and_strictly():
    scores = score_tags(ILLEGAL_GOLD, ILLEGAL_FOUND)
    assert_agrees_with_seqeval(scores, ILLEGAL_GOLD, ILLEGAL_FOUND)
    assert_agrees_with_seqeval(scores.strict, ILLEGAL_GOLD, ILLEGAL_FOUND, mode="strict", scheme=IOB2)
    assert (scores.correct, scores.predicted) == (2, 4)
    assert (scores.strict.correct, scores.strict.predicted) == (1, 2)
    assert scores.accuracy == 5 / 7
    assert scores.to_dict()["strict"]["correct"] == 1


def test_strict_scores_are_reported_only_if_they_differ():
    assert score_tags(ILLEGAL_GOLD, ILLEGAL_GOLD).strict is None
    assert "strict" not in score_tags(ILLEGAL_GOLD, ILLEGAL_GOLD).to_dict()
    assert score_tags([], []).strict is None


@pytest.mark.parametrize(
    ("name", "scheme", "prefixes"), [("iob1", IOB1, "BI"), ("iob2", IOB2, "BI"), ("bioes", IOBES, "BIES")]
)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_scores_of_any_tags_equal_seqeval_s(data, name, scheme, prefixes):
    tag = st.sampled_from(["O", *(f"{prefix}-{label}" for prefix in prefixes for label in ("PER", "LOC"))])
    lengths = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    gold, predicted = ([data.draw(st.lists(tag, min_size=n, max_size=n)) for n in lengths] for _ in "gp")
    scores = score_tags(gold, predicted, scheme=name)
    assert_agrees_with_seqeval(scores, gold, predicted)
    assert_agrees_with_seqeval(scores.strict or scores, gold, predicted, mode="strict", scheme=scheme)


@pytest.mark.parametrize("tag", ["PER", "X-PER", "b-PER", "B-", "", "E-PER", "1"])
def test_an_invalid_tag_is_refused_by_name(tag):
    with pytest.raises(DataError, match=rf"sentence 1 .*{tag!r}.* iob2"):
        score_tags([["O"], ["O", "O"]], [["O"], ["O", tag]])

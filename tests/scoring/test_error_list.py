"""All errors of a corpus, the worst sentences first."""

import numpy as np
import pytest
from hypothesis import given, settings

from entity_corpora import GOLD, PREDICTED, SENTENCES, corpora
from rnner.scoring.annotation import AnnotatedSentences, Annotation
from rnner.scoring.error_analysis import confusions
from rnner.scoring.error_list import faulty_sentences
from rnner.tags import Span


def faulty(gold, found, words, *, probabilities=None, lines=None):
    sentences = AnnotatedSentences(words, np.zeros(len(words), dtype=np.int64), Annotation(gold), lines)
    return faulty_sentences(sentences, Annotation(found, probabilities=probabilities))


def test_sentences_without_probabilities_are_sorted_by_their_errors():
    found = faulty(GOLD, PREDICTED, SENTENCES)
    assert [(it.number, it.severity) for it in found] == [(2, 3), (0, 2), (1, 1), (3, 1)]
    kinds = [(error.kind, error.gold, error.found) for error in found[0].errors]
    assert kinds == [
        ("wrong_both", Span(1, 4, "ORG"), Span(3, 4, "LOC")),
        ("wrong_type", Span(6, 7, "LOC"), Span(6, 7, "ORG")),
        ("missed", Span(8, 10, "LOC"), None),
    ]
    assert found[1].errors[0].overlapping == [Span(3, 4, "PER"), Span(4, 5, "ORG")]


def test_confident_errors_are_worse_than_doubtful_and_missed_ones():
    words = [[name, "left"] for name in ("Paris", "Rome", "Oslo", "Bonn")]
    gold = [[Span(0, 1, "LOC")], [Span(0, 1, "LOC")], [Span(0, 1, "LOC")], [Span(0, 1, "LOC")]]
    found = [[Span(0, 1, "PER")], [], [Span(0, 1, "ORG")], [Span(0, 1, "LOC"), Span(1, 2, "PER")]]
    probabilities = [[0.3], [], [0.9], [0.99, 0.75]]
    sentences = faulty(gold, found, words, probabilities=probabilities, lines=[1, 4, 7, 10])
    assert [it.words[0] for it in sentences] == ["Oslo", "Bonn", "Rome", "Paris"]
    assert [it.severity for it in sentences] == [0.9, 0.75, 0.5, 0.3]
    assert [it.line for it in sentences] == [7, 10, 4, 1]
    assert sentences[1].found == {Span(0, 1, "LOC"): 0.99, Span(1, 2, "PER"): 0.75}


def test_equal_sentences_stay_in_the_order_of_the_corpus():
    words = [["Paris"], ["Rome"], ["Oslo"]]
    assert [it.number for it in faulty([[Span(0, 1, "LOC")]] * 3, [[]] * 3, words)] == [0, 1, 2]


def test_a_perfect_prediction_has_no_errors():
    assert faulty(GOLD, GOLD, SENTENCES, probabilities=[[0.5] * len(spans) for spans in GOLD]) == []


@settings(deadline=None, max_examples=40)
@given(corpora())
def test_the_list_has_every_error_that_confusions_count(corpus):
    gold, predicted, lengths = corpus
    words = [["w"] * n for n in lengths]
    listed = [error for sentence in faulty(gold, predicted, words) for error in sentence.errors]
    counted = confusions(gold, predicted, words)
    assert len(listed) == sum(confusion.count for confusion in counted)
    for confusion in counted:
        labels = (confusion.gold, confusion.predicted)
        own = [e for e in listed if (e.gold and e.gold.label, e.found and e.found.label) == labels]
        assert len(own) == confusion.count
    severities = [it.severity for it in faulty(gold, predicted, words)]
    assert severities == sorted(severities, reverse=True)
    assert severities == pytest.approx([round(it) for it in severities])

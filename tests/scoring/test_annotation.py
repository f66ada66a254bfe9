"""Annotations of two sources: renamed labels, and tags in the same or in different schemes."""

import pytest
import seqeval.metrics as seqeval
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.scheme import IOB2

from entity_corpora import corpora
from rnner.scoring.annotation import Annotation, score_annotations, unused_labels
from rnner.scoring.metrics import score
from rnner.tags import LENIENT, SCHEMES, Span, from_spans, to_spans


def annotation_of(tags, scheme):
    return Annotation([to_spans(row, scheme) for row in tags], tags, scheme)


def test_labels_are_renamed_and_ignored():
    spans = [[Span(0, 1, "PERSON"), Span(2, 3, "DATE")], [Span(0, 2, "LOC"), Span(3, 4, "GPE")]]
    mapped = Annotation(spans).relabel({"PERSON": "PER", "GPE": "LOC", "DATE": ""})
    assert mapped.spans == [[Span(0, 1, "PER")], [Span(0, 2, "LOC"), Span(3, 4, "LOC")]]
    assert mapped.count_labels() == {"PER": 1, "LOC": 2}


def test_ignored_entities_lose_their_probabilities():
    spans = [[Span(0, 1, "PERSON"), Span(2, 3, "DATE")], [Span(0, 2, "DATE")]]
    mapped = Annotation(spans, probabilities=[[0.9, 0.5], [0.8]]).relabel({"PERSON": "PER", "DATE": ""})
    assert mapped.spans == [[Span(0, 1, "PER")], []] and mapped.probabilities == [[0.9], []]


def test_labels_are_renamed_once():
    spans = [[Span(0, 1, "A"), Span(2, 3, "B")]]
    assert Annotation(spans).relabel({"A": "B", "B": "A"}).spans == [[Span(0, 1, "B"), Span(2, 3, "A")]]


def test_adjacent_entities_stay_apart_when_their_labels_become_equal():
    tags = [["I-GPE", "I-LOC"]]
    mapped = annotation_of(tags, "iob1").relabel({"GPE": "LOC"})
    assert mapped.spans == [[Span(0, 1, "LOC"), Span(1, 2, "LOC")]] and mapped.tags is None


def test_a_map_with_a_label_that_no_entity_has_is_reported():
    known = {"PERSON", "LOC"}
    assert unused_labels({"PERSON": "PER"}, known) == []
    assert unused_labels({"PERSN": "PER", "LOC": ""}, known) == [
        "--map PERSN=PER: no entity has the label PERSN (did you mean PERSON?)"
    ]


@settings(deadline=None, max_examples=60)
@given(corpora(), st.sampled_from(SCHEMES[:3]), st.sampled_from(SCHEMES[:3]))
def test_schemes_do_not_change_scores(corpus, gold_scheme, found_scheme):
    gold, found, lengths = corpus
    sides = [
        annotation_of([from_spans(row, n, scheme) for row, n in zip(side, lengths, strict=True)], scheme)
        for side, scheme in ((gold, gold_scheme), (found, found_scheme))
    ]
    scores, expected = score_annotations(*sides, lengths), score(gold, found, lengths)
    assert scores.to_dict() | {"accuracy": 0} == expected.to_dict() | {"accuracy": 0}
    if gold_scheme != found_scheme:
        assert scores == expected


def test_token_accuracy_compares_the_tags_of_a_common_scheme_as_conlleval_does():
    gold, found = [["I-PER", "I-PER", "O"]], [["O", "I-PER", "O"]]
    assert score_annotations(annotation_of(gold, "iob1"), annotation_of(found, "iob1"), [3]).accuracy == 2 / 3
    iob2 = annotation_of([["O", "B-PER", "O"]], "iob2")
    assert score_annotations(annotation_of(gold, "iob1"), iob2, [3]).accuracy == 1 / 3


tags = st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])
tagged = st.lists(st.lists(st.tuples(tags, tags), min_size=1, max_size=6), min_size=1, max_size=4)


@settings(deadline=None, max_examples=80)
@given(tagged)
def test_tags_that_follow_no_scheme_are_scored_as_seqeval_does(rows):
    gold, found = ([[pair[i] for pair in row] for row in rows] for i in (0, 1))
    scores = score_annotations(
        annotation_of(gold, LENIENT), annotation_of(found, LENIENT), [len(row) for row in rows]
    )
    assert scores.f1 == seqeval.f1_score(gold, found, zero_division=0)
    assert scores.accuracy == seqeval.accuracy_score(gold, found)
    strict = seqeval.f1_score(gold, found, zero_division=0, mode="strict", scheme=IOB2)
    assert (scores.strict or scores).f1 == strict


@pytest.mark.parametrize("illegal", ["gold", "found"])
def test_one_side_may_follow_no_scheme(illegal):
    broken = annotation_of([["O", "I-PER", "O", "S-LOC"]], LENIENT)
    legal = annotation_of([["O", "B-PER", "O", "B-LOC"]], "iob2")
    sides = (broken, legal) if illegal == "gold" else (legal, broken)
    scores = score_annotations(*sides, [4])
    assert scores.correct == 2 and scores.strict is not None and scores.strict.correct == 1


def test_binary_tags_are_one_label():
    names = annotation_of([["1", "1", "0"]], "binary")
    assert score_annotations(names, names, [3]).per_type.keys() == {"NAME"}

"""Likely annotation errors found by cross-validation."""

import math
from itertools import pairwise, product

import numpy as np
import pytest
import torch

from rnner.config import parse_config
from rnner.data.corpus import Corpus
from rnner.decoding.spans import ScoredSpan
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.tags import Span, TagError, to_spans
from rnner.training.audit import NO_ENTITY, Auditor, LikelyError, find_errors, rank_errors
from rnner.training.setup import TrainingData
from tiny_corpus import DEV, SMALL, TRAIN, split_of, tagger_of, vocabulary_of, words_of

SENTENCES = [*words_of(TRAIN), *words_of(DEV)]


def taggings(tagger, vocabulary, words):
    """Return the entities and the probability of every legal tag sequence."""
    with torch.no_grad():
        emissions = tagger(vocabulary.encode([words]).to("cpu"))[0].double()
        moves, edge = tagger.head.transition_scores().double(), len(vocabulary.tags)
    found = []
    for sequence in product(range(edge), repeat=len(words)):
        try:
            spans = to_spans([vocabulary.tags[tag] for tag in sequence], vocabulary.scheme)
        except TagError:
            continue
        path = (edge, *sequence, edge)
        score = sum(emissions[i, tag] for i, tag in enumerate(sequence))
        found.append((spans, (score + sum(moves[a, b] for a, b in pairwise(path))).exp()))
    z = sum(weight for _, weight in found)
    return [(spans, float(weight / z)) for spans, weight in found]


@pytest.mark.parametrize("head", ["crf", "softmax"])
def test_probabilities_of_entities_and_of_no_entity_are_exact(head):
    tagger, vocabulary = tagger_of(f"head={head}")
    words = ["Harry", "saw", "London"]
    ways = taggings(tagger, vocabulary, words)
    entity = Span(0, 2, "PER")
    (first,), (second,) = (
        TaggerDecoder(tagger, vocabulary).probabilities([words], [asked])
        for asked in ([Span(2, 3, NO_ENTITY), entity], [Span(0, 2, NO_ENTITY)])
    )
    assert [span[:3] for span in first] == [entity, (2, 3, NO_ENTITY)]
    expected = sum(p for spans, p in ways if entity in spans)
    assert first[0].score == pytest.approx(expected, abs=1e-5)
    for start, end, _, score in (first[1], second[0]):
        outside = sum(p for spans, p in ways if all(s.end <= start or end <= s.start for s in spans))
        assert score == pytest.approx(outside, abs=1e-5)


def test_probabilities_of_found_entities_equal_their_scores_also_in_windows():
    tagger, vocabulary = tagger_of()
    long = [word for words in SENTENCES for word in words]
    for window in (10**9, 16):
        decoder = TaggerDecoder(tagger, vocabulary, window=window)
        found = decoder.scored_spans([long, SENTENCES[0]])
        asked = [[Span(*span[:3]) for span in spans] for spans in found]
        again = decoder.probabilities([long, SENTENCES[0]], asked)
        known = {span[:3]: span.score for span in again[0]}
        assert len(known) == len(found[0]) or window == 16
        assert len(known) > len(found[0]) / 2
        for span in found[0]:
            if span[:3] in known:
                assert known[span[:3]] == pytest.approx(span.score, abs=1e-5)
        assert (
            again[1] == pytest.approx(found[1], abs=1e-5) if not found[1] else len(again[1]) == len(found[1])
        )


class Sure:
    """A decoder with given predictions (probability 0.9); other spans have probability 0.1."""

    def __init__(self, found):
        self.found, self.vocabulary = found, vocabulary_of()

    def scored_spans(self, sentences, documents=None):
        return [[ScoredSpan(*span, 0.9) for span in spans] for spans in self.found]

    def probabilities(self, sentences, spans, documents=None):
        return [[ScoredSpan(*span, 0.1) for span in sorted(own)] for own in spans]


@pytest.mark.parametrize(
    ("found", "kind", "annotated", "model"),
    [
        ([Span(0, 2, "PER")], None, None, None),
        ([], "spurious", (0, 2, "PER"), (0, 2, NO_ENTITY)),
        ([Span(0, 2, "LOC")], "label", (0, 2, "PER"), (0, 2, "LOC")),
        ([Span(0, 1, "PER")], "border", (0, 2, "PER"), (0, 1, "PER")),
        ([Span(0, 1, "LOC"), Span(1, 4, "ORG")], "label", (0, 2, "PER"), (0, 1, "LOC")),
        ([Span(0, 2, "PER"), Span(3, 4, "LOC")], "missing", (3, 4, NO_ENTITY), (3, 4, "LOC")),
    ],
)
def test_an_error_has_the_annotated_and_the_predicted_reading(found, kind, annotated, model):
    split = split_of("[PER Harry Potter] slept here .")
    doubts, unjudged, scores = find_errors(Sure([found]), split)
    assert unjudged == 0 and scores.support == 1
    assert [doubt.kind for doubt in doubts] == ([kind] if kind else [])
    for doubt in doubts:
        assert (doubt.annotated[:3], doubt.predicted[:3]) == (annotated, model)
        assert doubt.annotated.score == pytest.approx(0.1)


def test_labels_unknown_to_the_model_are_not_judged():
    split = split_of("[SPELL Lumos] he said in [LOC London] .")
    doubts, unjudged, _ = find_errors(Sure([[Span(0, 1, "MISC")]]), split)
    assert unjudged == 1
    assert [(doubt.kind, doubt.annotated[:3]) for doubt in doubts] == [("spurious", (4, 5, "LOC"))]


def test_errors_are_ranked_by_the_ratio_of_probabilities():
    def doubt(sentence, annotated, found):
        return LikelyError(sentence, "label", ScoredSpan(0, 1, "A", annotated), ScoredSpan(0, 1, "B", found))

    twice, never, equal, wider = (
        doubt(0, 0.25, 0.5),
        doubt(3, 0.0, 0.1),
        doubt(1, 0.375, 0.75),
        doubt(2, 0.4, 0.9),
    )
    assert rank_errors([equal, wider, never, twice]) == [never, wider, twice, equal]
    assert twice.log_ratio == pytest.approx(math.log(2)) and never.log_ratio > 10


def test_a_fold_is_judged_by_a_model_trained_on_the_others():
    whole = split_of(TRAIN + DEV.lstrip())
    config = parse_config({"data": {"train": "none"}}, [*SMALL, "training.epochs=1"])
    sources = TrainingData(Corpus(whole, whole, None, held_out=False))
    fold = np.array([1, 3, 12])
    judged = Auditor(config, whole, sources).judge(fold)
    assert judged.training_sentences == len(whole) - 3 and judged.seconds > 0
    assert {doubt.sentence for doubt in judged.errors} <= set(fold.tolist())
    assert judged.scores.support == sum(map(len, whole.select(fold).all_spans()))
    again = Auditor(config, whole, sources).judge(fold)
    assert again.errors == judged.errors

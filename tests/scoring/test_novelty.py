"""Scores of entities seen and unseen in training."""

from hypothesis import given, settings

from entity_corpora import GOLD, PREDICTED, SENTENCES, corpora
from rnner.scoring.metrics import score_entities
from rnner.scoring.novelty import form_of, score_novelty
from rnner.tags import Span

COUNTS = ("support", "predicted", "correct")


def counted(scores):
    return tuple(getattr(scores, name) for name in COUNTS)


def test_seen_and_unseen_entities_counted_by_hand():
    known = {("HarryPotter", "PER"), ("London", "LOC"), ("VenusWilliams", "ORG"), ("Nobody", "PER")}
    novelty = score_novelty(GOLD, PREDICTED, SENTENCES, known)
    # Seen in gold: Harry Potter and London, twice. Seen among the predicted: both once, and Nobody.
    assert counted(novelty.seen) == (3, 3, 2)
    # Venus Williams is unseen: training has it with another label.
    assert counted(novelty.unseen) == (6, 7, 2)
    assert novelty.to_dict()["unseen"]["recall"] == 2 / 6


def test_white_space_does_not_make_a_form_new():
    assert form_of(["New", "York"]) == form_of(["New York"]) == "NewYork"
    gold = [[Span(0, 2, "LOC")]]
    assert score_novelty(gold, gold, [["New", "York"]], {("NewYork", "LOC")}).seen.f1 == 1


@settings(deadline=None, max_examples=40)
@given(corpora())
def test_seen_and_unseen_add_up_to_all(corpus):
    gold, predicted, lengths = corpus
    words = [[f"{'ab'[i % 2]}" for i in range(length)] for length in lengths]
    novelty = score_novelty(gold, predicted, words, {("a", "PER"), ("ab", "LOC"), ("ba", "LOC")})
    parts = zip(counted(novelty.seen), counted(novelty.unseen), strict=True)
    assert tuple(map(sum, parts)) == counted(score_entities(gold, predicted))

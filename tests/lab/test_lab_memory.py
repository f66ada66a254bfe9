"""Sentences whose verb agrees with its subject, and networks that learn agreement."""

import random

import pytest
import torch

from rnner.lab import memory
from rnner.lab.memory import (
    PLURALS,
    SINGULARS,
    WORD_IDS,
    make_batch,
    make_sentence,
    measure,
    train_agreement,
    verb_scores,
)

NAMES = list(WORD_IDS)


def is_noun(word):
    return word in SINGULARS + PLURALS


@pytest.mark.parametrize("distance", [0, 1, 2, 3, 7, 40])
def test_the_verb_agrees_with_the_subject_at_every_distance(distance):
    draw = random.Random(distance)
    for _ in range(200):
        words, plural = make_sentence(distance, draw)
        assert words[1] in (PLURALS if plural else SINGULARS)
        assert words[2 + distance] == ("were" if plural else "was")
        assert len(words) == distance + 5
        assert set(words) <= set(WORD_IDS)


def test_other_nouns_are_uninformative():
    draw = random.Random(0)
    drawn = [make_sentence(20, draw) for _ in range(1000)]
    nouns = [(noun in PLURALS) == plural for words, plural in drawn for noun in words[2:22] if is_noun(noun)]
    assert len(nouns) > 1000
    assert 0.47 < sum(nouns) / len(nouns) < 0.53
    assert 0.45 < sum(plural for _, plural in drawn) / len(drawn) < 0.55


def test_scores_are_those_just_before_each_verb():
    words, plural = make_batch(4, 10, random.Random(0), joined=3)
    after = words[:, 4 + 2 :: 4 + 5]
    assert [[NAMES[word] for word in row] for row in after] == [
        [("was", "were")[one] for one in row] for row in plural
    ]
    scores = verb_scores(lambda words, lengths: (words[..., None], None), words, 4)
    assert torch.equal(scores[..., 0], words[:, 4 + 1 :: 4 + 5])


def test_later_verbs_do_not_change_scores():
    model = train_agreement("gru", 0, steps=1)
    words, _ = make_batch(4, 1, random.Random(0))
    others = words.clone()
    others[:, 4 + 2 :] = WORD_IDS["was"]
    assert torch.equal(verb_scores(model, words, 4), verb_scores(model, others, 4))


def test_equal_seeds_give_equal_weights():
    one, other = (train_agreement("rnn", 7, steps=2).output.weight for _ in range(2))
    assert torch.equal(one, other)


def test_results_of_each_cell_and_length_of_training(monkeypatch):
    monkeypatch.setattr(memory, "train_agreement", lambda cell, seed, steps: train_agreement(cell, seed, 1))
    monkeypatch.setattr(memory, "DISTANCES", (1, 3))
    lines = []
    results = measure(["rnn", "lstm"], 0, True, lines.append)
    assert list(results["accuracy"]) == ["rnn, 300 steps", "lstm, 300 steps"]
    assert len(lines) == 2
    for own in results["accuracy"].values():
        assert own["mean"] == pytest.approx([sum(at) / 2 for at in zip(*own["seeds"], strict=True)])

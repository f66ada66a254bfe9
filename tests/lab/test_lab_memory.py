"""Sentences whose verb agrees with their subject, and networks that learn it."""

import random

import pytest
import torch

from rnner.lab import memory
from rnner.lab.memory import PLURALS, SINGULARS, WORDS, batch, learn, measure, sentence, verbs

NAMES = list(WORDS)


def is_noun(word):
    return word in SINGULARS + PLURALS


@pytest.mark.parametrize("distance", [0, 1, 2, 3, 7, 40])
def test_the_verb_agrees_with_the_subject_at_every_distance(distance):
    draw = random.Random(distance)
    for _ in range(200):
        words, plural = sentence(distance, draw)
        assert words[1] in (PLURALS if plural else SINGULARS)
        assert words[2 + distance] == ("were" if plural else "was")
        assert len(words) == distance + 5
        assert set(words) <= set(WORDS)


def test_nouns_between_tell_nothing():
    draw = random.Random(0)
    drawn = [sentence(20, draw) for _ in range(1000)]
    nouns = [(noun in PLURALS) == plural for words, plural in drawn for noun in words[2:22] if is_noun(noun)]
    assert len(nouns) > 1000
    assert 0.47 < sum(nouns) / len(nouns) < 0.53
    assert 0.45 < sum(plural for _, plural in drawn) / len(drawn) < 0.55


def test_scores_are_taken_just_before_each_verb():
    words, plural = batch(4, 10, random.Random(0), joined=3)
    after = words[:, 4 + 2 :: 4 + 5]
    assert [[NAMES[word] for word in row] for row in after] == [
        [("was", "were")[one] for one in row] for row in plural
    ]
    told = verbs(lambda words, lengths: (words[..., None], None), words, 4)
    assert torch.equal(told[..., 0], words[:, 4 + 1 :: 4 + 5])


def test_a_verb_further_on_is_not_read():
    model = learn("gru", 0, steps=1)
    words, _ = batch(4, 1, random.Random(0))
    others = words.clone()
    others[:, 4 + 2 :] = WORDS["was"]
    assert torch.equal(verbs(model, words, 4), verbs(model, others, 4))


def test_a_seed_decides_all():
    one, other = (learn("rnn", 7, steps=2).output.weight for _ in range(2))
    assert torch.equal(one, other)


def test_figures_of_each_cell_and_length_of_training(monkeypatch):
    monkeypatch.setattr(memory, "learn", lambda cell, seed, steps: learn(cell, seed, 1))
    monkeypatch.setattr(memory, "DISTANCES", (1, 3))
    told = []
    figures = measure(["rnn", "lstm"], 0, True, told.append)
    assert list(figures["accuracy"]) == ["rnn, 300 steps", "lstm, 300 steps"]
    assert len(told) == 2
    for own in figures["accuracy"].values():
        assert own["mean"] == pytest.approx([sum(at) / 2 for at in zip(*own["seeds"], strict=True)])

"""Names drawn character by character, and taggers that know what comes or not."""

import pytest
import torch

from rnner.lab import shapes
from rnner.lab import small_networks as parts
from rnner.lab.bidirectional import measure, name_probabilities
from rnner.lab.shapes import END, generate
from rnner.lab.small_networks import Reader, known_words, sample, small_tagger, words_as_numbers

SYMBOLS = {END: 0, "a": 1, "b": 2, "PER": 3}


def always(*characters):
    """A model that says these characters one after the other."""

    def model(symbol, lengths, state):
        at = 0 if state is None else state
        scores = torch.zeros(1, 1, len(SYMBOLS))
        scores[0, 0, SYMBOLS[characters[at]]] = 50.0
        return scores, at + 1

    return model


def test_a_name_ends_where_the_model_ends_it():
    assert generate(always("a", "b", "a", END), SYMBOLS, "PER", 1.0) == "aba"


def test_a_name_without_end_is_cut():
    assert generate(always(*"ab" * 20), SYMBOLS, "PER", 1.0) == "ab" * 15


def test_a_higher_temperature_draws_more_variously():
    torch.manual_seed(0)
    model = Reader(len(SYMBOLS), len(SYMBOLS), "gru", 8, 4)
    cold, hot = ({generate(model, SYMBOLS, "PER", heat) for _ in range(20)} for heat in (1e-4, 5.0))
    assert len(cold) == 1
    assert len(hot) > 5


def test_every_part_of_the_sample_has_the_nine_genres_in_order():
    for part in ("train", "dev", "test"):
        assert sorted(set(sample(part).documents.tolist())) == list(range(9))


def test_unknown_words_are_told_apart_by_their_capital():
    known = known_words(sample("train"))
    words, lengths = words_as_numbers([["the", "Xyzzy"], ["xyzzy"]], known)
    assert words.tolist() == [[known["the"], 1], [0, 0]]
    assert lengths.tolist() == [2, 1]


def test_each_shape_is_measured_beside_its_baseline(monkeypatch):
    monkeypatch.setitem(shapes.SHAPES, "many-to-one", lambda seed, quick: ("accuracy", 0.1, 0.5, ["x"]))
    told = []
    figures = shapes.measure(["many-to-one"], 0, True, told.append)
    row = figures["many-to-one"]
    assert (row["measure"], row["baseline"], row["network"], row["examples"]) == ("accuracy", 0.1, 0.5, ["x"])
    assert told == ["trains many-to-one"]


@pytest.fixture
def a_little_corpus(monkeypatch):
    """The sample's dev part to train on, which takes a fifth of the time."""
    monkeypatch.setitem(parts._SMALL, "data", {**parts._SMALL["data"], "train": "sample:dev"})


def test_who_reads_forward_only_cannot_know_what_comes(a_little_corpus):
    start = ["He", "said", ",", "Teddy"]
    one, other = [*start, "Roosevelt", "was"], [*start, "bears", "are"]
    forward, both = (small_tagger(0, 1, cell="rnn", hidden=4, bidirectional=both) for both in (False, True))
    figures = measure([one, other], {"forward": forward, "both": both}, 0, True, str)
    names = [row["names"] for row in figures["sentences"]]
    assert names[0]["forward"][:4] == pytest.approx(names[1]["forward"][:4], abs=1e-5)
    assert abs(names[0]["both"][3] - names[1]["both"][3]) > 1e-3
    assert names[0]["both"] == name_probabilities(both, one)
    assert all(0 <= share <= 1 for row in names for own in row.values() for share in own)

"""Numbers in words to digits."""

import random

import pytest
import torch

from rnner.lab.small_networks import train
from rnner.lab.translation import BOUNDARY, NUMERAL_IDS, Translator, spell, word_by_word


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (20, "twenty"),
        (42, "forty two"),
        (100, "one hundred"),
        (305, "three hundred and five"),
        (1000, "one thousand"),
        (4070, "four thousand and seventy"),
        (15_618, "fifteen thousand six hundred and eighteen"),
        (990_100, "nine hundred and ninety thousand one hundred"),
    ],
)
def test_numbers_are_spell(number, words):
    assert " ".join(spell(number)) == words
    assert set(words.split()) <= set(NUMERAL_IDS)


def test_different_numbers_are_spelled_differently():
    assert len({tuple(spell(number)) for number in range(30_000)}) == 30_000


def test_the_baseline_translates_each_word_alone():
    assert word_by_word(spell(42)) == "42"
    assert word_by_word(spell(305)) == "35"


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model, draw = Translator(16, 32), random.Random(0)
    train(model, lambda: model.loss(draw.sample(range(100), 16)), 100)
    return model


def greedily(model, words):
    """Return the most probable digit at each step."""
    _, state = model.encoder(
        model.embedding(torch.tensor([[NUMERAL_IDS[word] for word in words]])), torch.tensor([len(words)])
    )
    digits, symbol = "", BOUNDARY
    while len(digits) < 8:
        scores, state = model.decoder(torch.tensor([[symbol]]), torch.tensor([1]), state)
        symbol = int(scores[0, 0].argmax())
        if symbol == BOUNDARY:
            return digits
        digits += str(symbol)
    return ""


@torch.no_grad()
def test_a_beam_of_one_is_greedy(model):
    numbers = range(0, 100, 7)
    found = [model.translate(spell(number), 1) for number in numbers]
    assert found == [greedily(model, spell(number)) for number in numbers]
    assert any(found)


@torch.no_grad()
def test_a_wider_beam_is_at_least_as_probable(model):
    def probability(number, digits):
        _, state = model.encoder(
            model.embedding(torch.tensor([[NUMERAL_IDS[word] for word in spell(number)]])),
            torch.tensor([len(spell(number))]),
        )
        path = torch.tensor([[BOUNDARY, *map(int, digits), BOUNDARY]])
        scores, _ = model.decoder(path[:, :-1], torch.tensor([path.shape[1] - 1]), state)
        return float(scores[0].log_softmax(1).gather(1, path[0, 1:, None]).sum())

    for number in range(3, 100, 16):
        narrow, wide = (model.translate(spell(number), beam) for beam in (1, 6))
        assert probability(number, wide) >= probability(number, narrow) - 1e-5


@torch.no_grad()
def test_padding_does_not_change_the_loss(model):
    short, long, both = (float(model.loss(numbers)) for numbers in ([7], [900_001], [7, 900_001]))
    assert both == pytest.approx((2 * short + 7 * long) / 9, rel=1e-4)

"""A feedforward network shares no weights between positions; an RNN shares all of them."""

import pytest
import torch

from rnner.lab.feedforward import MAX_LENGTH, FeedforwardNetwork, early_and_late_f1
from rnner.lab.small_networks import RNNModel


def test_the_feedforward_network_multiplies_one_hot_words():
    model, words = FeedforwardNetwork(7, 5), torch.tensor([[3, 6, 1], [2, 2, 0]])
    lengths = torch.tensor([3, 2])
    one_hot = torch.zeros(2, MAX_LENGTH, 7)
    for row, length in enumerate(lengths):
        for t in range(length):
            one_hot[row, t, words[row, t]] = 1
    hidden = torch.tanh(one_hot.flatten(1) @ model.W_1.weight + model.b_1)
    torch.testing.assert_close(model(words, lengths)[0].squeeze(2), model.output(hidden)[:, :3])


def test_it_has_weights_for_every_position_and_word():
    symbols, hidden = 11, 5
    weights = sum(weight.numel() for weight in FeedforwardNetwork(symbols, hidden).parameters())
    assert weights == MAX_LENGTH * symbols * hidden + hidden + hidden * MAX_LENGTH + MAX_LENGTH


def test_positions_without_words_get_no_gradient():
    model, words = FeedforwardNetwork(7, 5), torch.randint(0, 7, (4, 3))
    model(words, torch.tensor([3, 3, 2, 1]))[0].sum().backward()
    touched = model.W_1.weight.grad.view(MAX_LENGTH, -1).abs().sum(1) > 0
    assert touched.tolist() == [True] * 3 + [False] * (MAX_LENGTH - 3)


def test_the_rnn_reads_any_length():
    scores, _ = RNNModel(7, 1, "rnn", 5, 4)(torch.randint(0, 7, (1, 500)), torch.tensor([500]))
    assert scores.shape == (1, 500, 1)


def test_f1_of_early_and_late_words():
    names = torch.zeros(1, 20, dtype=torch.int64)
    names[0, [1, 2, 12]] = 1
    guessed = torch.full((1, 20), -1.0)
    guessed[0, [1, 12, 13]] = 1.0

    def model(words, lengths):
        return guessed[..., None], None

    assert early_and_late_f1(model, (names, torch.tensor([20]), names)) == pytest.approx([2 / 3, 2 / 3])

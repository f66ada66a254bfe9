"""Helpers for padded batches."""

import torch

from rnner.nn.padding import final_output, reverse_sequences


def test_reverse_sequences_leaves_padding_on_the_right():
    x = torch.tensor([[1, 2, 3, 4], [5, 6, 0, 0], [7, 0, 0, 0]])[..., None]
    turned = reverse_sequences(x, torch.tensor([4, 2, 1]))
    assert turned[..., 0].tolist() == [[4, 3, 2, 1], [6, 5, 0, 0], [7, 0, 0, 0]]


def test_final_output_is_that_of_the_last_word_read_or_the_initial_state():
    output = torch.tensor([[1.0, 2, 3], [4, 5, 0], [0, 0, 0]])[..., None]
    lengths, initial = torch.tensor([3, 2, 0]), torch.tensor([[7.0], [8.0], [9.0]])
    assert final_output(output, lengths, initial)[:, 0].tolist() == [3, 5, 9]
    assert final_output(output, lengths, initial, reverse=True)[:, 0].tolist() == [1, 4, 9]

"""The packed layout of a batch."""

import pytest
import torch

from rnner.nn.fused.packing import pack


def test_packing_has_each_word_once_and_no_padding():
    packing = pack(torch.tensor([2, 4, 0, 1]), 5, (False, True))
    assert packing.batch_sizes == (3, 2, 1, 1)
    # Forward: the first words of sentences 1, 0 and 3, then the second words, ... Backward: last words first.
    assert packing.word_index.tolist() == [[5, 0, 15, 6, 1, 7, 8], [8, 1, 15, 7, 0, 6, 5]]
    assert packing.sorted_indices.tolist() == [1, 0, 3, 2]


def test_lengths_out_of_range_are_refused():
    with pytest.raises(ValueError, match="lengths must be from 0 to 4, got 2 to 5"):
        pack(torch.tensor([5, 2]), 4, (False,))

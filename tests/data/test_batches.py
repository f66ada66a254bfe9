from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.data.batches import Batch, batch_indices

sentence_lengths = st.lists(st.integers(1, 60), max_size=80).map(np.array)
limits = st.one_of(st.none(), st.integers(1, 100))


def padded(batch: np.ndarray, lengths: np.ndarray) -> int:
    return len(batch) * int(lengths[batch].max())


@settings(deadline=None, max_examples=150)
@given(sentence_lengths, limits, limits, st.one_of(st.none(), st.integers(0, 2**32)))
def test_every_sentence_is_in_one_batch_within_the_limits(
    lengths: np.ndarray, sentences: int | None, tokens: int | None, seed: int | None
) -> None:
    if sentences is None and tokens is None:
        sentences = 3
    generator = None if seed is None else np.random.default_rng(seed)
    batches = batch_indices(lengths, sentences=sentences, tokens=tokens, generator=generator)
    assert sorted(i for batch in batches for i in batch.tolist()) == list(range(len(lengths)))
    for batch in batches:
        assert sentences is None or len(batch) <= sentences
        assert tokens is None or len(batch) == 1 or padded(batch, lengths) <= tokens


def test_the_same_state_gives_the_same_batches_and_the_next_state_others() -> None:
    lengths = np.random.default_rng(0).integers(1, 40, 500)
    generator = np.random.default_rng(7)
    first = batch_indices(lengths, sentences=16, generator=generator)
    second = batch_indices(lengths, sentences=16, generator=generator)
    again = batch_indices(lengths, sentences=16, generator=np.random.default_rng(7))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert {tuple(sorted(batch)) for batch in first} != {tuple(sorted(batch)) for batch in second}


def test_random_batches_come_in_random_order_with_little_padding() -> None:
    lengths = np.random.default_rng(0).integers(1, 60, 4000)
    batches = batch_indices(lengths, sentences=16, generator=np.random.default_rng(1))
    assert sum(padded(batch, lengths) for batch in batches) < 1.1 * lengths.sum()
    means = [lengths[batch].mean() for batch in batches]
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.2


def test_fixed_batches_start_with_the_longest_sentences() -> None:
    batches = batch_indices(np.array([2, 9, 2, 5, 9]), sentences=2)
    assert [batch.tolist() for batch in batches] == [[1, 4], [3, 0], [2]]


def test_a_sentence_longer_than_the_limit_is_alone_and_whole() -> None:
    batches = batch_indices(np.array([3, 50, 3]), tokens=10)
    assert [batch.tolist() for batch in batches] == [[1], [0, 2]]


def test_no_sentences_give_no_batches() -> None:
    assert batch_indices(np.array([], dtype=np.int64), sentences=4) == []
    assert batch_indices(np.array([], dtype=np.int64), tokens=4, generator=np.random.default_rng(0)) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({}, "needs a limit"), ({"sentences": 0}, "sentences=0"), ({"tokens": -1}, "tokens=-1")],
)
def test_invalid_limits_are_refused(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        batch_indices(np.array([1, 2]), **arguments)


def test_an_empty_sentence_is_refused() -> None:
    with pytest.raises(ValueError, match="sentence 1 has no token"):
        batch_indices(np.array([3, 0]), sentences=4)


@pytest.mark.parametrize("tags", [None, torch.tensor([[1, 0, 2], [1, 0, 0]])])
def test_a_batch_moves_as_a_whole_and_counts_its_tokens(tags: torch.Tensor | None) -> None:
    batch = Batch(
        words=torch.tensor([2, 3, 1]),
        casing=torch.tensor([1, 2, 1]),
        characters=torch.tensor([[4, 5], [6, 0], [1, 1]]),
        forms=torch.tensor([[0, 1, 2], [1, 0, 0]]),
        lengths=torch.tensor([3, 1]),
        tags=tags,
    )
    moved = batch.to("meta")
    tensors = [moved.words, moved.casing, moved.characters, moved.forms, moved.lengths]
    assert all(tensor.device.type == "meta" for tensor in tensors)
    assert moved.forms.shape == (2, 3)
    assert (moved.tags is None) == (tags is None)
    assert moved.tags is None or moved.tags.device.type == "meta"
    assert batch.tokens == 4

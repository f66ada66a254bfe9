"""Word vectors, trained and given."""

import pytest
import torch

from rnner.nn.embeddings import WordEmbedding, quantize


def test_ids_are_trained_rows_first_then_frozen_ones():
    vectors = torch.randn(4, 3)
    embedding = WordEmbedding(5, 3, vectors)
    words = torch.tensor([0, 1, 4, 5, 8])
    expected = torch.stack([torch.zeros(3), *embedding.weight[[1, 4]], vectors[0], vectors[3]])
    assert torch.equal(embedding(words), expected)


@pytest.mark.parametrize("given", [False, True])
def test_only_trained_rows_that_occur_get_a_gradient_and_padding_stays_zero(given):
    vectors = torch.randn(4, 3) if given else None
    embedding = WordEmbedding(5, 3, vectors)
    optimiser = torch.optim.SGD(embedding.parameters(), lr=1.0)
    words = torch.tensor([0, 1, 3, 5, 8] if given else [0, 1, 3])
    embedding(words).sum().backward()
    assert embedding.weight.grad[:, 0].tolist() == [0, 1, 0, 1, 0]
    optimiser.step()
    assert (embedding.weight[0] == 0).all()


def test_half_precision_vectors_are_saved_as_such_and_returned_as_float32():
    vectors = torch.randn(4, 3).half()
    embedding = WordEmbedding(5, 3, vectors)
    assert embedding(torch.tensor([5])).dtype == torch.float32
    saved = embedding.state_dict()
    assert saved["vectors"].dtype == torch.float16
    other = WordEmbedding(5, 3, torch.zeros(4, 3).half())
    other.load_state_dict(saved)
    words = torch.arange(9)
    assert torch.equal(other(words), embedding(words))
    assert [name for name, _ in embedding.named_parameters()] == ["weight"]


def test_the_error_of_quantized_vectors_is_at_most_a_254th_of_the_largest_number_of_their_row():
    vectors = torch.cat([torch.randn(50, 8) * torch.logspace(-6, 4, 50)[:, None], torch.zeros(1, 8)])
    rows = quantize(vectors)
    assert rows.values.dtype == torch.int8 and rows.values.abs().amax(1).tolist() == [127] * 50 + [0]
    embedding = WordEmbedding(2, 8, *rows)
    found = embedding(torch.arange(2, 53))
    error = (found - vectors).abs().amax(1)
    assert found.dtype == torch.float32 and (found[-1] == 0).all()
    assert (error <= vectors.abs().amax(1) / 253.9).all() and error.max() > 0
    assert embedding.frozen == rows and embedding.state_dict()["vectors"].dtype == torch.int8


def test_the_expected_squared_length_of_an_initial_vector_is_one():
    torch.manual_seed(0)
    lengths = WordEmbedding(2000, 100).weight[1:].square().sum(1)
    assert lengths.mean().item() == pytest.approx(1, rel=0.02)


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="at least 2"):
        WordEmbedding(1, 3)
    with pytest.raises(ValueError, match=r"vectors must be \[m, 3\], got \[4, 5\]"):
        WordEmbedding(5, 3, torch.randn(4, 5))

"""Character encoders: the convolution against torch's, the recurrence against single words."""

import pytest
import torch
from torch.nn import functional as F

from rnner.nn.cells import GRUCell, LSTMCell
from rnner.nn.characters import CharacterCNN, CharacterRecurrent
from rnner.nn.recurrent import Bidirectional, Recurrent

WORDS = ["Rotterdam", "a", "of", "EU", "Straße", "x" * 200]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(11)


def encode(words, width=None):
    """Return character ids from 2 to 59, padded to the longest word or to `width`."""
    ids = torch.zeros(len(words), width or max(map(len, words)), dtype=torch.int64)
    for row, word in enumerate(words):
        ids[row, : len(word)] = torch.tensor([2 + ord(character) % 58 for character in word])
    return ids


def cnn():
    module = CharacterCNN(60, 8, 12, 3)
    torch.nn.init.normal_(module.bias)
    return module


def recurrent(cell=GRUCell):
    layer = Bidirectional(Recurrent(cell(8, 6)), Recurrent(cell(8, 6), reverse=True))
    return CharacterRecurrent(60, layer)


BUILDERS = [cnn, recurrent, lambda: recurrent(LSTMCell)]


@pytest.mark.parametrize("width", [1, 3, 5])
def test_the_convolution_equals_torchs_with_the_maximum_over_the_word(width):
    module = CharacterCNN(60, 8, 12, width).double()
    torch.nn.init.normal_(module.bias)
    characters = encode(WORDS)
    features = module(characters)

    def by_torch(word):
        embedded = module.embedding(encode([word])).transpose(1, 2)
        kernel = module.kernel.permute(2, 1, 0)
        return F.conv1d(embedded, kernel, module.bias, padding=width // 2).amax(2)[0]

    expected = torch.stack([by_torch(word) for word in WORDS])
    torch.testing.assert_close(features, expected)
    weights = torch.randn_like(features)
    found, wanted = (
        torch.autograd.grad((x * weights).sum(), list(module.parameters())) for x in (features, expected)
    )
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("build", BUILDERS)
def test_the_width_of_the_batch_does_not_matter(build):
    module = build()
    features = module(encode(WORDS))
    assert features.shape == (len(WORDS), module.output_size)
    torch.testing.assert_close(module(encode(WORDS, width=230)), features)
    for row, word in enumerate(WORDS):
        torch.testing.assert_close(module(encode([word]))[0], features[row])


@pytest.mark.parametrize("build", BUILDERS)
def test_the_order_of_the_letters_matters(build):
    features = build()(encode(["listen", "silent"]))
    assert (features[0] - features[1]).abs().max() > 1e-3


@pytest.mark.parametrize("build", BUILDERS)
def test_padding_is_not_trained_and_a_word_without_characters_is_finite(build):
    module = build()
    features = module(torch.cat([encode(WORDS), torch.zeros(1, 200, dtype=torch.int64)]))
    features.square().sum().backward()
    assert features.isfinite().all()
    assert (module.embedding.weight.grad[0] == 0).all()
    assert (module.embedding.weight[0] == 0).all()
    assert all(p.grad.abs().max() > 0 for p in module.parameters())


def test_the_recurrence_reads_both_ways():
    module = recurrent()
    features = module(encode(["Paris", "Parix", "Xaris"]))
    forward, backward = features.split(6, dim=1)
    assert not torch.allclose(forward[0], forward[1])
    embedded = module.embedding(encode(["Paris"]))
    output, _ = module.layer(embedded, torch.tensor([5]))
    torch.testing.assert_close(forward[0], output[0, -1, :6])
    torch.testing.assert_close(backward[0], output[0, 0, 6:])


def test_an_even_width_is_refused():
    with pytest.raises(ValueError, match="width must be odd and positive, got 4"):
        CharacterCNN(60, 8, 12, 4)

"""The chain of tags in numpy: the same sequences and probabilities as in torch."""

import numpy as np
import pytest
import torch

from rnner import tags
from rnner.decoding.crf_numpy import NumpyLattice
from rnner.nn.crf.loss import join_moves
from rnner.nn.crf.marginals import span_probabilities
from rnner.nn.crf.viterbi import n_best, viterbi


def drawn(scheme="bioes", scale=1.0, sentences=7, longest=9, seed=0):
    """Random emissions, lengths and moves of a scheme, as tensors; boundaries; names of the tags."""
    generator = torch.Generator().manual_seed(seed)
    names = tags.tag_inventory(["LOC", "PER"], scheme)
    allowed = join_moves(*map(torch.tensor, tags.transitions(names, scheme)))
    moves = torch.randn(allowed.shape, generator=generator).masked_fill(~allowed, -torch.inf)
    emissions = scale * torch.randn(sentences, longest, len(names), generator=generator)
    lengths = torch.randint(1, longest + 1, (sentences,), generator=generator)
    return emissions, lengths, moves, torch.tensor(tags.boundaries(names, scheme)), names


def chain_of(emissions, lengths, moves, boundary):
    return NumpyLattice(*(tensor.numpy() for tensor in (emissions, lengths, moves, boundary)))


CASES = [(scheme, scale) for scheme in tags.SCHEMES for scale in (1.0, 20.0, 3000.0)]


@pytest.mark.parametrize(("scheme", "scale"), CASES)
def test_the_best_tags_and_the_probabilities_of_their_entities_are_those_of_torch(scheme, scale):
    emissions, lengths, moves, boundary, names = drawn(scheme, scale)
    chain, path = chain_of(emissions, lengths, moves, boundary), viterbi(emissions, lengths, moves)
    assert chain.best().tolist() == path.tolist()
    rows = zip(path.tolist(), lengths.tolist(), strict=True)
    found = [tags.to_spans([names[tag] for tag in row[:length]], scheme) for row, length in rows]
    places = [(row, span.start, span.end) for row, spans in enumerate(found) for span in spans]
    expected = span_probabilities(
        emissions.double(), lengths, moves, path=path, spans=torch.tensor(places), boundary=boundary
    )
    assert places and chain.probabilities(np.array(places)) == pytest.approx(expected.tolist(), abs=1e-9)


@pytest.mark.parametrize(("scheme", "scale"), CASES)
def test_the_n_best_tags_and_their_probabilities_are_those_of_torch(scheme, scale):
    emissions, lengths, moves, boundary, _ = drawn(scheme, scale, longest=5)
    paths, logs = n_best(emissions, lengths, moves.double(), n=7)
    found, told = chain_of(emissions, lengths, moves, boundary).n_best(7)
    assert found == paths.tolist()
    np.testing.assert_allclose(np.exp(told), logs.exp().numpy(), atol=1e-9)


def test_padding_changes_nothing():
    emissions, lengths, moves, boundary, _ = drawn()
    together = chain_of(emissions, lengths, moves, boundary)
    for row, length in enumerate(lengths.tolist()):
        alone = chain_of(emissions[row : row + 1, :length], lengths[row : row + 1], moves, boundary)
        assert together.best()[row][:length].tolist() == alone.best()[0].tolist()
        assert together.probabilities(np.array([(row, 0, length)])) == pytest.approx(
            alone.probabilities(np.array([(0, 0, length)])), abs=1e-12
        )


def test_what_is_not_finite_still_gives_legal_tags():
    emissions, lengths, moves, boundary, names = drawn()
    emissions[0, 0], emissions[1, 0, 2], emissions[2, 0, 1] = torch.nan, torch.inf, -torch.inf
    found = chain_of(emissions, lengths, moves, boundary).best().tolist()
    assert found == viterbi(emissions, lengths, moves).tolist()
    for row, length in zip(found, lengths.tolist(), strict=True):
        tags.to_spans([names[tag] for tag in row[:length]], "bioes")

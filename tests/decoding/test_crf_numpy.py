"""The CRF in numpy finds the same sequences and probabilities as the one in torch."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from rnner import tags
from rnner.decoding.crf_numpy import NumpyLattice
from rnner.nn.crf.loss import log_likelihood
from rnner.nn.crf.marginals import span_probabilities
from rnner.nn.crf.transitions import join_transitions
from rnner.nn.crf.viterbi import viterbi


def drawn(scheme="bioes", scale=1.0, sentences=7, longest=9, seed=0):
    """Return random emissions, lengths and transitions as tensors, boundaries and tag names."""
    generator = torch.Generator().manual_seed(seed)
    names = tags.tag_inventory(["LOC", "PER"], scheme)
    allowed = join_transitions(*map(torch.tensor, tags.transitions(names, scheme)))
    transitions = torch.randn(allowed.shape, generator=generator).masked_fill(~allowed, -torch.inf)
    emissions = scale * torch.randn(sentences, longest, len(names), generator=generator)
    lengths = torch.randint(1, longest + 1, (sentences,), generator=generator)
    return emissions, lengths, transitions, torch.tensor(tags.boundaries(names, scheme)), names


def lattice_of(emissions, lengths, transitions, boundary):
    return NumpyLattice(*(tensor.numpy() for tensor in (emissions, lengths, transitions, boundary)))


CASES = [(scheme, scale) for scheme in tags.SCHEMES for scale in (1.0, 20.0, 3000.0)]


@pytest.mark.parametrize(("scheme", "scale"), CASES)
def test_best_tags_and_entity_probabilities_equal_torch(scheme, scale):
    emissions, lengths, transitions, boundary, names = drawn(scheme, scale)
    lattice, path = (
        lattice_of(emissions, lengths, transitions, boundary),
        viterbi(emissions, lengths, transitions),
    )
    assert lattice.best_tags().tolist() == path.tolist()
    rows = zip(path.tolist(), lengths.tolist(), strict=True)
    found = [tags.to_spans([names[tag] for tag in row[:length]], scheme) for row, length in rows]
    places = [(row, span.start, span.end) for row, spans in enumerate(found) for span in spans]
    expected = span_probabilities(
        emissions.double(), lengths, transitions, tags=path, spans=torch.tensor(places), boundary=boundary
    )
    assert places and lattice.probabilities(np.array(places)) == pytest.approx(expected.tolist(), abs=1e-9)


@pytest.mark.parametrize(("scheme", "n"), [*itertools.product(tags.SCHEMES, [1, 3, 1000])])
def test_n_best_are_the_best_in_order_with_their_probabilities(scheme, n):
    emissions, lengths, transitions, boundary, names = drawn(scheme, scale=20.0, sentences=3, longest=3)
    found, reported = lattice_of(emissions, lengths, transitions, boundary).n_best(n)
    for row, length in enumerate(lengths.tolist()):
        paths = torch.tensor(list(itertools.product(range(len(names)), repeat=length)))
        scores = log_likelihood(
            emissions[row].double().expand(len(paths), -1, -1),
            F.pad(paths, (0, 3 - length)),
            lengths[row].expand(len(paths)),
            transitions.double(),
        )
        order = [i for i in scores.argsort(descending=True)[:n].tolist() if scores[i] > -math.inf]
        assert found[row][: len(order)] == F.pad(paths[order], (0, 3 - length)).tolist()
        assert reported[row][: len(order)] == pytest.approx(scores[order].tolist(), abs=1e-9)
        assert reported[row][len(order) :] == [-math.inf] * (n - len(order))


def test_of_tied_sequences_the_one_with_the_lower_tag_at_the_first_difference_is_first():
    zeros = NumpyLattice(
        np.zeros((1, 4, 3)), np.array([4]), np.zeros((4, 4), np.float32), np.ones((3, 3), bool)
    )
    assert zeros.n_best(3)[0] == [[[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 2]]]


def test_padding_changes_nothing():
    emissions, lengths, transitions, boundary, _ = drawn()
    together = lattice_of(emissions, lengths, transitions, boundary)
    for row, length in enumerate(lengths.tolist()):
        alone = lattice_of(emissions[row : row + 1, :length], lengths[row : row + 1], transitions, boundary)
        assert together.best_tags()[row][:length].tolist() == alone.best_tags()[0].tolist()
        assert together.probabilities(np.array([(row, 0, length)])) == pytest.approx(
            alone.probabilities(np.array([(0, 0, length)])), abs=1e-12
        )


def test_emissions_that_are_not_finite_give_legal_tags():
    emissions, lengths, transitions, boundary, names = drawn()
    emissions[0, 0], emissions[1, 0, 2], emissions[2, 0, 1] = torch.nan, torch.inf, -torch.inf
    found = lattice_of(emissions, lengths, transitions, boundary).best_tags().tolist()
    assert found == viterbi(emissions, lengths, transitions).tolist()
    for row, length in zip(found, lengths.tolist(), strict=True):
        tags.to_spans([names[tag] for tag in row[:length]], "bioes")

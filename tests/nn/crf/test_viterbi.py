"""Best sequences, against the enumeration of all sequences."""

import itertools
import math

import pytest
import torch
from brute_force import enumerate_sequences, random_moves, scheme

from rnner.nn.crf.loss import log_likelihood
from rnner.nn.crf.transitions import join_transitions
from rnner.nn.crf.viterbi import n_best, viterbi

SCHEMES = ["iob2", "bioes", "binary"]
LENGTHS = torch.tensor([5, 1, 3, 4])


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(3)


def sample(name, dtype=torch.float64):
    rules = scheme(name)
    return rules, torch.randn(4, 5, len(rules.tags), dtype=dtype), random_moves(rules, dtype)


def is_legal(rules, tags):
    steps = all(bool(rules.step[a, b]) for a, b in itertools.pairwise(tags))
    return bool(rules.start[tags[0]]) and steps and bool(rules.end[tags[-1]])


@pytest.mark.parametrize("name", SCHEMES)
def test_viterbi_finds_the_best_of_all_legal_sequences(name):
    _, emissions, moves = sample(name)
    for e, n, path in zip(
        emissions, LENGTHS.tolist(), viterbi(emissions, LENGTHS, moves).tolist(), strict=True
    ):
        sequences, scores = enumerate_sequences(e[:n], moves)
        assert path == [*sequences[int(scores.argmax())], *[0] * (5 - n)]


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("n", [1, 3, 1000])
def test_n_best_are_the_best_in_order_with_their_probabilities(name, n):
    _, emissions, moves = sample(name)
    paths, log_probs = n_best(emissions, LENGTHS, moves, n=n)
    assert paths.shape == (4, n, 5)
    for row, length in enumerate(LENGTHS.tolist()):
        sequences, scores = enumerate_sequences(emissions[row, :length], moves)
        order = scores.argsort(descending=True)[:n]
        found = len(order)
        assert paths[row, :found, :length].tolist() == [list(sequences[int(i)]) for i in order]
        torch.testing.assert_close(log_probs[row, :found], scores.log_softmax(0)[order])
        assert log_probs[row, found:].isneginf().all()
        assert (paths[row, found:] == 0).all()
        assert (paths[row, :, length:] == 0).all()


def test_the_first_of_n_best_is_that_of_viterbi_in_long_sentences():
    rules = scheme("bioes")
    emissions, lengths = torch.randn(3, 300, 5), torch.tensor([300, 120, 299])
    moves = random_moves(rules, torch.float32)
    paths, log_probs = n_best(emissions, lengths, moves, n=4)
    assert torch.equal(paths[:, 0], viterbi(emissions, lengths, moves))
    assert (log_probs[:, :-1] >= log_probs[:, 1:]).all()
    for i in range(4):
        torch.testing.assert_close(log_probs[:, i], log_likelihood(emissions, paths[:, i], lengths, moves))
    assert all(is_legal(rules, p[:n].tolist()) for row, n in zip(paths, lengths, strict=True) for p in row)


@pytest.mark.parametrize("extreme", [1e3, 1e20, 3e38, math.inf, -math.inf, math.nan])
def test_extreme_emissions_never_decode_to_an_illegal_sequence(extreme):
    rules = scheme("bioes")
    order = [2, 0, 1, 3, 4]  # I-PER first: ties go to the first tag, which must not begin a sentence
    rules = rules._replace(start=rules.start[order], step=rules.step[order][:, order], end=rules.end[order])
    moves = random_moves(rules, torch.float32)
    emissions, lengths = torch.randn(50, 5, 5), torch.randint(1, 6, (50,))
    emissions[torch.rand(emissions.shape) < 0.7] = extreme
    emissions[torch.rand(emissions.shape) < 0.5] *= -1
    paths = viterbi(emissions, lengths, moves)
    assert all(is_legal(rules, path[:n].tolist()) for path, n in zip(paths, lengths, strict=True))


def test_ties_go_to_the_lower_tag_first_position_first():
    moves = join_transitions(torch.zeros(3), torch.zeros(3, 3), torch.zeros(3))
    emissions, lengths = torch.zeros(2, 4, 3), torch.tensor([4, 2])
    assert viterbi(emissions, lengths, moves).tolist() == [[0] * 4] * 2
    paths, _ = n_best(emissions, lengths, moves, n=3)
    assert paths[0].tolist() == [[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 2]]
    moves[3, 0] = -1  # discourages 0 as the first tag
    assert viterbi(emissions, lengths, moves).tolist() == [[1, 0, 0, 0], [1, 0, 0, 0]]


def test_padding_is_never_read():
    _, emissions, moves = sample("iob2")
    poisoned = emissions.masked_fill((torch.arange(5) >= LENGTHS[:, None])[:, :, None], math.nan)
    assert torch.equal(viterbi(emissions, LENGTHS, moves), viterbi(poisoned, LENGTHS, moves))
    for a, b in zip(*(n_best(e, LENGTHS, moves, n=2) for e in (emissions, poisoned)), strict=True):
        assert torch.equal(a, b)


def test_a_sentence_decodes_the_same_alone_and_in_a_batch():
    _, emissions, moves = sample("bioes", torch.float32)
    together = viterbi(emissions, LENGTHS, moves)
    for row, n in enumerate(LENGTHS.tolist()):
        alone = viterbi(emissions[row : row + 1, :n], LENGTHS[row : row + 1], moves)
        assert torch.equal(alone[0], together[row, :n])


def test_n_below_one_is_refused():
    _, emissions, moves = sample("iob2")
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        n_best(emissions, LENGTHS, moves, n=0)

"""Best sequences, against the enumeration of all sequences."""

import itertools
import math

import pytest
import torch
from brute_force import enumerate_sequences, random_moves, scheme

from rnner.nn.crf.loss import log_likelihood
from rnner.nn.crf.transitions import join_transitions
from rnner.nn.crf.viterbi import viterbi

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


def test_the_best_sequence_is_at_least_as_probable_as_any_other_in_long_sentences():
    rules = scheme("bioes")
    emissions, lengths = torch.randn(3, 300, 5), torch.tensor([300, 120, 299])
    moves = random_moves(rules, torch.float32)
    best = viterbi(emissions, lengths, moves)
    assert all(is_legal(rules, path[:n].tolist()) for path, n in zip(best, lengths, strict=True))
    others = [viterbi(emissions + torch.randn(emissions.shape), lengths, moves) for _ in range(5)]
    for other in others:
        known, less = (log_likelihood(emissions, path, lengths, moves) for path in (best, other))
        assert (known >= less).all()


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
    moves[3, 0] = -1  # discourages 0 as the first tag
    assert viterbi(emissions, lengths, moves).tolist() == [[1, 0, 0, 0], [1, 0, 0, 0]]


def test_padding_is_never_read():
    _, emissions, moves = sample("iob2")
    poisoned = emissions.masked_fill((torch.arange(5) >= LENGTHS[:, None])[:, :, None], math.nan)
    assert torch.equal(viterbi(emissions, LENGTHS, moves), viterbi(poisoned, LENGTHS, moves))


def test_a_sentence_decodes_the_same_alone_and_in_a_batch():
    _, emissions, moves = sample("bioes", torch.float32)
    together = viterbi(emissions, LENGTHS, moves)
    for row, n in enumerate(LENGTHS.tolist()):
        alone = viterbi(emissions[row : row + 1, :n], LENGTHS[row : row + 1], moves)
        assert torch.equal(alone[0], together[row, :n])

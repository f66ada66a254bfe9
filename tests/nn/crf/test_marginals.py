"""Marginals and span probabilities, against enumeration and against float64."""

import pytest
import torch
from brute_force import contains, enumerate_sequences
from crf_samples import LENGTHS, SCHEMES, long_sample, sample, spread_out

from rnner.nn.crf.marginals import marginals, span_probabilities
from rnner.nn.crf.viterbi import viterbi


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(7)


@pytest.mark.parametrize("name", SCHEMES)
def test_the_marginals_are_sums_of_sequences(name):
    rules, emissions, moves = sample(name)
    found = marginals(emissions, LENGTHS, moves)
    for e, n, tags in zip(emissions, LENGTHS.tolist(), found, strict=True):
        sequences, scores = enumerate_sequences(e[:n], moves)
        chosen = torch.nn.functional.one_hot(torch.tensor(sequences), len(rules.tags)).double()
        torch.testing.assert_close(tags[:n], torch.einsum("s,stk->tk", scores.softmax(0), chosen))
        assert (tags[n:] == 0).all()


@pytest.mark.parametrize("name", SCHEMES)
def test_the_probability_of_a_span_sums_the_sequences_that_contain_it(name):
    rules, emissions, moves = sample(name)
    for path in (viterbi(emissions, LENGTHS, moves), torch.randint(len(rules.tags), emissions.shape[:2])):
        spans = [
            (row, start, end)
            for row, n in enumerate(LENGTHS.tolist())
            for start in range(n)
            for end in range(start + 1, n + 1)
        ]
        found = span_probabilities(
            emissions, LENGTHS, moves, tags=path, spans=torch.tensor(spans), boundary=rules.boundary
        )
        every = [enumerate_sequences(e[:n], moves) for e, n in zip(emissions, LENGTHS, strict=True)]
        boundary = rules.boundary.tolist()
        for (row, start, end), probability in zip(spans, found.tolist(), strict=True):
            sequences, scores = every[row]
            with_it = [contains(tags, path[row].tolist(), start, end, boundary) for tags in sequences]
            expected = scores.softmax(0)[torch.tensor(with_it)].sum().item()
            assert probability == pytest.approx(expected, abs=1e-12), (row, start, end)


@pytest.mark.parametrize("name", SCHEMES)
def test_sentences_without_spans_change_nothing(name):
    rules, emissions, moves = sample(name)
    path, chain = viterbi(emissions, LENGTHS, moves), {"boundary": rules.boundary}
    spans = torch.tensor([(row, 0, n) for row, n in enumerate(LENGTHS.tolist())])
    every = span_probabilities(emissions, LENGTHS, moves, tags=path, spans=spans, **chain)
    for some in ([len(LENGTHS) - 1], [2, 0], []):
        found = span_probabilities(emissions, LENGTHS, moves, tags=path, spans=spans[some], **chain)
        torch.testing.assert_close(found, every[some])


def test_span_probabilities_are_exact_in_long_and_in_extreme_sentences():
    for rules, emissions, lengths, moves in (long_sample(3.0, torch.float32), spread_out(300.0)):
        path = viterbi(emissions, lengths, moves)
        spans = torch.tensor(
            [[0, i, j] for i in range(0, 40, 3) for j in (i + 1, min(i + 2, 40), min(i + 9, 40))]
        )
        arguments = {"tags": path, "spans": spans, "boundary": rules.boundary}
        narrow = span_probabilities(emissions, lengths, moves, **arguments)
        wide = span_probabilities(emissions.double(), lengths, moves.double(), **arguments)
        torch.testing.assert_close(narrow.double(), wide, rtol=2e-3, atol=1e-5)
        assert ((wide >= 0) & (wide <= 1 + 1e-9)).all()
        assert wide.max() > 0.1

"""Numerics of the forward-backward sums: long and extreme sentences, padding, autocast."""

import math

import pytest
import torch
from crf_samples import LENGTHS, gradients, long_sample, sample, spread_out, textbook

from rnner.nn.crf.loss import log_likelihood
from rnner.nn.crf.marginals import marginals, span_probabilities
from rnner.nn.crf.viterbi import viterbi


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(7)


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0, 1000.0])
def test_float32_is_right_for_a_thousand_tokens(scale):
    _rules, emissions, lengths, moves = long_sample(scale, torch.float32)
    tags = viterbi(emissions, lengths, moves)
    tags[0, 500:510] = 0
    tags[0, 499], tags[0, 510] = 4, 4  # S-PER, so that the sequence stays legal
    tags[0, 480:499], tags[0, 511:520] = 0, 0
    tags[0, 479], tags[0, 520] = 0, 0
    narrow = gradients(emissions, tags, lengths, moves)
    wide = gradients(emissions.double(), tags, lengths, moves.double())
    for a, b in zip(narrow, wide, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("scale", [30.0, 100.0, 1000.0])
def test_extreme_scores_equal_float64_logarithms(scale):
    _rules, emissions, lengths, moves = spread_out(scale)
    tags = viterbi(emissions, lengths, moves)
    value, *grads = gradients(emissions, tags, lengths, moves)
    reference = emissions.double().requires_grad_(), moves.double().clamp(min=-1e12).requires_grad_()
    expected = textbook(reference[0], tags, lengths, reference[1])
    (-expected.mean()).backward()
    torch.testing.assert_close(value.double(), expected.detach(), rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(grads[0].double(), reference[0].grad, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(grads[1].double()[:5], reference[1].grad[:5], rtol=1e-4, atol=1e-3)
    found = marginals(emissions, lengths, moves)
    torch.testing.assert_close(found.sum(-1)[0], torch.ones(40))


def test_one_extreme_sentence_does_not_change_the_others():
    _, emissions, lengths, moves = spread_out(1.0)
    alone = marginals(emissions[1:], lengths[1:], moves)
    emissions[0] *= 1e4
    together = marginals(emissions, lengths, moves)
    torch.testing.assert_close(together[1:], alone, rtol=0, atol=1e-6)
    assert together.isfinite().all()


def test_padding_is_never_read():
    rules, emissions, moves = sample("iob2")
    tags = viterbi(emissions, LENGTHS, moves)
    arguments = {"tags": tags, "spans": torch.tensor([[1, 0, 1], [3, 1, 4]]), "boundary": rules.boundary}
    poisoned = emissions.masked_fill((torch.arange(5) >= LENGTHS[:, None])[:, :, None], math.nan)
    assert poisoned.isnan().any()
    for a, b in zip(
        gradients(emissions, tags, LENGTHS, moves), gradients(poisoned, tags, LENGTHS, moves), strict=True
    ):
        assert torch.equal(a, b)
        assert a.isfinite().all()
    known, again = (log_likelihood(e, tags, LENGTHS, moves) for e in (emissions, poisoned))
    assert torch.equal(known, again)
    assert torch.equal(marginals(emissions, LENGTHS, moves), marginals(poisoned, LENGTHS, moves))
    assert torch.equal(
        span_probabilities(emissions, LENGTHS, moves, **arguments),
        span_probabilities(poisoned, LENGTHS, moves, **arguments),
    )


def test_autocast_does_not_touch_the_sums(device):
    _, emissions, moves = sample("iob2", dtype=torch.float32)
    tags = viterbi(emissions, LENGTHS, moves)

    def everything():
        return *gradients(emissions, tags, LENGTHS, moves), marginals(emissions, LENGTHS, moves)

    expected = everything()
    with torch.autocast(device, dtype=torch.bfloat16):
        found = everything()
    for a, b in zip(found, expected, strict=True):
        assert torch.equal(a, b)


def test_results_are_deterministic():
    _, emissions, lengths, moves = long_sample(2.0, torch.float32, tokens=60)
    tags = viterbi(emissions, lengths, moves)
    first, second = (gradients(emissions, tags, lengths, moves) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))

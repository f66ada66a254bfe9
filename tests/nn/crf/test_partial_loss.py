"""The loss of partly annotated sentences, against the enumeration of all allowed sequences."""

import itertools
import math

import pytest
import torch
from brute_force import enumerate_sequences, scheme
from crf_samples import LENGTHS, SCHEMES, gradients, long_sample, sample, spread_out

from rnner.nn.crf.loss import crf_loss, partial_crf_loss
from rnner.nn.crf.transitions import join_transitions
from rnner.nn.crf.viterbi import viterbi


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(11)


def allowed_around(path, k, share=0.4):
    """Return random sets of tags `[b, t, k]` that contain those of a path."""
    return (torch.rand(*path.shape, k) < share) | torch.nn.functional.one_hot(path, k).bool()


def partial_gradients(emissions, allowed, lengths, moves):
    emissions, moves = emissions.clone().requires_grad_(), moves.clone().requires_grad_()
    loss = partial_crf_loss(emissions, allowed, lengths, moves)
    loss.backward()
    return loss.detach(), emissions.grad, moves.grad


@pytest.mark.parametrize("name", SCHEMES)
def test_the_loss_sums_all_allowed_sequences(name):
    _, emissions, moves = sample(name)
    allowed = allowed_around(viterbi(emissions, LENGTHS, moves), emissions.shape[2])
    losses = []
    for e, sets, n in zip(emissions, allowed, LENGTHS.tolist(), strict=True):
        sequences, scores = enumerate_sequences(e[:n], moves)
        inside = [all(sets[i, tag] for i, tag in enumerate(tags)) for tags in sequences]
        assert 0 < sum(inside) < len(sequences) or n == 1
        losses.append(scores.logsumexp(0) - scores[torch.tensor(inside)].logsumexp(0))
    found = partial_crf_loss(emissions, allowed, LENGTHS, moves)
    torch.testing.assert_close(found, torch.stack(losses).mean())
    assert found > 0.1


@pytest.mark.parametrize("name", SCHEMES)
def test_the_gradient_is_that_of_the_enumeration(name):
    rules = scheme(name)
    legal = join_transitions(rules.start, rules.step, rules.end)
    lengths = torch.tensor([3, 1, 2])
    emissions = torch.randn(3, 3, len(rules.tags), dtype=torch.float64, requires_grad=True)
    scores = torch.randn(legal.shape, dtype=torch.float64, requires_grad=True)
    moves = scores.masked_fill(~legal, -torch.inf)
    allowed = allowed_around(viterbi(emissions, lengths, moves), len(rules.tags))
    total = torch.zeros((), dtype=torch.float64)
    for e, sets, n in zip(emissions, allowed, lengths.tolist(), strict=True):
        sequences, _ = enumerate_sequences(e[:n].detach(), moves.detach())
        k = len(rules.tags)
        paths = [[k, *tags, k] for tags in sequences]
        every = torch.stack(
            [
                sum(scores[a, b] for a, b in itertools.pairwise(path))
                + sum(e[i, tag] for i, tag in enumerate(path[1:-1]))
                for path in paths
            ]
        )
        inside = torch.tensor([all(sets[i, tag] for i, tag in enumerate(tags)) for tags in sequences])
        total = total + (every.logsumexp(0) - every[inside].logsumexp(0)) / len(lengths)
    ours = partial_crf_loss(emissions, allowed, lengths, moves)
    torch.testing.assert_close(ours, total)
    found, expected = (torch.autograd.grad(-2.5 * value, (emissions, scores)) for value in (ours, total))
    torch.testing.assert_close(found, expected)
    assert found[0].abs().max() > 0.1


def test_gradcheck():
    lengths = torch.tensor([3, 1])
    _rules, emissions, _ = sample("iob2", lengths)
    moves = torch.randn(6, 6, dtype=torch.float64, requires_grad=True)
    allowed = allowed_around(torch.randint(5, emissions.shape[:2]), 5)
    function = lambda e, m: partial_crf_loss(e, allowed, lengths, m)  # noqa: E731
    assert torch.autograd.gradcheck(function, (emissions.requires_grad_(), moves))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_with_one_tag_per_word_it_is_the_usual_loss(dtype):
    _, emissions, moves = sample("bioes", dtype=dtype)
    tags = viterbi(torch.randn_like(emissions), LENGTHS, moves)
    one = torch.nn.functional.one_hot(tags, 5).bool()
    found = partial_gradients(emissions, one, LENGTHS, moves)
    expected = crf_loss(emissions, tags, LENGTHS, moves), *gradients(emissions, tags, LENGTHS, moves)[1:]
    torch.testing.assert_close(found, expected)


def test_a_sentence_about_which_nothing_is_known_has_no_loss_and_no_gradient():
    _, emissions, moves = sample("bioes")
    found = partial_gradients(emissions, torch.ones_like(emissions, dtype=torch.bool), LENGTHS, moves)
    for value in found:
        torch.testing.assert_close(value, torch.zeros_like(value))


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0, 1000.0])
def test_float32_is_right_for_a_thousand_tokens(scale):
    _rules, emissions, lengths, moves = long_sample(scale, torch.float32)
    allowed = allowed_around(viterbi(torch.randn_like(emissions), lengths, moves), 5)
    narrow = partial_gradients(emissions, allowed, lengths, moves)
    wide = partial_gradients(emissions.double(), allowed, lengths, moves.double())
    for a, b in zip(narrow, wide, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=1e-4, atol=2e-4)


def test_allowed_sequences_of_almost_no_mass_do_not_underflow():
    _rules, emissions, lengths, moves = spread_out(100.0)
    allowed = allowed_around(torch.zeros(3, 40, dtype=torch.int64), 5, share=0.2)  # O, the least likely tag
    narrow = partial_gradients(emissions, allowed, lengths, moves)
    wide = partial_gradients(emissions.double(), allowed, lengths, moves.double())
    assert wide[0] > 500
    for a, b in zip(narrow, wide, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=1e-4, atol=2e-4)


def test_order_and_padding_change_nothing():
    _, emissions, moves = sample("iob2")
    allowed = allowed_around(viterbi(emissions, LENGTHS, moves), 5)
    padding = (torch.arange(5) >= LENGTHS[:, None])[:, :, None]
    poisoned = emissions.masked_fill(padding, math.nan)
    expected = partial_gradients(emissions, allowed, LENGTHS, moves)
    found = partial_gradients(poisoned, allowed & ~padding, LENGTHS, moves)  # no tag is allowed there
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    order = torch.tensor([2, 0, 3, 1])
    turned = partial_gradients(emissions[order], allowed[order], LENGTHS[order], moves)
    torch.testing.assert_close(turned, (expected[0], expected[1][order], expected[2]))


def test_autocast_does_not_touch_the_sums(device):
    _, emissions, moves = sample("iob2", dtype=torch.float32)
    allowed = allowed_around(viterbi(emissions, LENGTHS, moves), 5)
    expected = partial_gradients(emissions, allowed, LENGTHS, moves)
    with torch.autocast(device, dtype=torch.bfloat16):
        found = partial_gradients(emissions, allowed, LENGTHS, moves)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_a_sentence_without_an_allowed_sequence_is_refused():
    _, emissions, moves = sample("bioes")
    allowed = torch.ones_like(emissions, dtype=torch.bool)
    allowed[2, 1] = False
    with pytest.raises(ValueError, match="row 2 allows no tag at position 1"):
        partial_crf_loss(emissions, allowed, LENGTHS, moves)
    allowed[2, :3] = torch.eye(5)[[0, 2, 0]].bool()  # O I O
    with pytest.raises(ValueError, match="row 2: no sequence of 3 tags is legal"):
        partial_crf_loss(emissions, allowed, LENGTHS, moves)


def test_nan_emissions_are_not_hidden():
    _, emissions, moves = sample("iob2")
    allowed = torch.ones_like(emissions, dtype=torch.bool)
    emissions[0, 2, 1] = math.nan
    assert partial_crf_loss(emissions, allowed, LENGTHS, moves).isnan()


def test_second_derivatives_are_refused():
    _, emissions, moves = sample("iob2")
    allowed = torch.ones_like(emissions, dtype=torch.bool)
    value = partial_crf_loss(emissions.requires_grad_(), allowed, LENGTHS, moves)
    with pytest.raises(RuntimeError, match="does not support second derivatives"):
        torch.autograd.grad(value, emissions, create_graph=True)

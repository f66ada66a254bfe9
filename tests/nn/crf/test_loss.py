"""The loss and the probabilities of tag sequences, against enumeration and the textbook loop."""

import math

import pytest
import torch
from brute_force import enumerate_sequences, random_moves, scheme
from crf_samples import LENGTHS, SCHEMES, gradients, sample, textbook

from rnner.nn.crf.loss import crf_loss, log_likelihood
from rnner.nn.crf.transitions import join_transitions
from rnner.nn.crf.viterbi import viterbi


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(7)


@pytest.mark.parametrize("name", SCHEMES)
def test_the_probabilities_of_all_legal_sequences_sum_to_one(name):
    _, emissions, moves = sample(name)
    for e, n in zip(emissions, LENGTHS.tolist(), strict=True):
        sequences, scores = enumerate_sequences(e[:n], moves)
        tags = torch.tensor(sequences)
        each = log_likelihood(e[:n].expand(len(tags), n, -1), tags, torch.full((len(tags),), n), moves)
        torch.testing.assert_close(each, scores.log_softmax(0))
        assert each.exp().sum().item() == pytest.approx(1)


@pytest.mark.parametrize("name", SCHEMES)
def test_the_gradient_equals_that_of_the_textbook_loop(name):
    rules = scheme(name)
    emissions = torch.randn(4, 5, len(rules.tags), dtype=torch.float64, requires_grad=True)
    allowed = join_transitions(rules.start, rules.step, rules.end)
    scores = torch.randn(allowed.shape, dtype=torch.float64, requires_grad=True)
    tags = viterbi(torch.zeros_like(emissions), LENGTHS, random_moves(rules, scale=0))
    ours = crf_loss(emissions, tags, LENGTHS, scores.masked_fill(~allowed, -torch.inf))
    finite = scores.masked_fill(~allowed, -1e4)  # autograd cannot take -inf
    theirs = -textbook(emissions, tags, LENGTHS, finite).mean()
    torch.testing.assert_close(ours, theirs)
    grads = [torch.autograd.grad(-2.5 * value, (emissions, scores)) for value in (ours, theirs)]
    torch.testing.assert_close(grads[0], grads[1])
    assert grads[0][0].abs().max() > 0.1


def test_gradcheck():
    lengths = torch.tensor([3, 1])
    _rules, emissions, _ = sample("iob2", lengths)
    moves = torch.randn(6, 6, dtype=torch.float64, requires_grad=True)
    tags = torch.randint(5, emissions.shape[:2])
    function = lambda e, m: crf_loss(e, tags, lengths, m)  # noqa: E731
    assert torch.autograd.gradcheck(function, (emissions.requires_grad_(), moves))


def test_the_loss_is_the_mean_negative_log_likelihood():
    _, emissions, moves = sample("bioes")
    tags = viterbi(emissions, LENGTHS, moves)
    expected = -log_likelihood(emissions, tags, LENGTHS, moves).mean()
    torch.testing.assert_close(crf_loss(emissions, tags, LENGTHS, moves), expected)
    assert expected > 0.1


def test_gradients_are_tensors_like_any_other():
    _, emissions, moves = sample("iob2", dtype=torch.float32)
    tags = viterbi(emissions, LENGTHS, moves)
    value = crf_loss(emissions.requires_grad_(), tags, LENGTHS, moves.requires_grad_())
    value.backward(retain_graph=True)
    once = emissions.grad.clone()
    value.backward()  # adds up, in place
    torch.testing.assert_close(emissions.grad, 2 * once)
    torch.nn.utils.clip_grad_norm_([emissions, moves], 0.1)
    assert emissions.grad.norm() < 0.1
    assert not value.is_inference()


def test_only_inputs_that_require_a_gradient_get_one():
    _, emissions, moves = sample("iob2")
    tags = viterbi(emissions, LENGTHS, moves)
    assert not crf_loss(emissions, tags, LENGTHS, moves).requires_grad
    crf_loss(emissions, tags, LENGTHS, moves.requires_grad_()).backward()
    assert moves.grad.abs().max() > 0
    with torch.no_grad():
        assert not crf_loss(emissions, tags, LENGTHS, moves).requires_grad


def test_the_transition_from_edge_to_edge_is_ignored():
    lengths = torch.arange(1, 31)
    _, emissions, moves = sample("iob2", lengths, torch.float32)
    tags = viterbi(emissions, lengths, moves)
    expected = gradients(emissions, tags, lengths, moves)
    assert expected[2][-1, -1] == 0
    moves[-1, -1] = 7.0
    torch.testing.assert_close(gradients(emissions, tags, lengths, moves), expected)


def test_second_derivatives_and_torch_func_are_refused_with_an_alternative():
    _, emissions, moves = sample("iob2")
    tags = viterbi(emissions, LENGTHS, moves)
    value = crf_loss(emissions.requires_grad_(), tags, LENGTHS, moves)
    with pytest.raises(
        RuntimeError, match="does not support second derivatives; use autograd over a logsumexp loop"
    ):
        torch.autograd.grad(value, emissions, create_graph=True)
    with pytest.raises(RuntimeError, match="use autograd over a logsumexp loop"):
        torch.func.grad(crf_loss)(emissions.detach(), tags, LENGTHS, moves)


def test_an_illegal_sequence_has_probability_zero():
    _, emissions, moves = sample("iob2")
    tags = torch.zeros(4, 5, dtype=torch.int64)
    tags[2, 0] = 2  # I-PER begins the sentence
    assert log_likelihood(emissions, tags, LENGTHS, moves).isneginf().tolist() == [False, False, True, False]
    assert crf_loss(emissions, tags, LENGTHS, moves) == math.inf


def test_a_length_without_a_legal_sequence_is_refused():
    start, step, end = (
        torch.tensor([0.0, -math.inf]),
        torch.full((2, 2), -math.inf),
        torch.tensor([-math.inf, 0.0]),
    )
    step[0, 1] = 0  # exactly "first tag, second tag"
    moves, emissions = join_transitions(start, step, end), torch.randn(2, 3, 2)
    tags = torch.tensor([[0, 1, 0], [0, 1, 0]])
    assert log_likelihood(emissions[:, :2], tags[:, :2], torch.tensor([2, 2]), moves).isfinite().all()
    with pytest.raises(ValueError, match="no sequence of 3 tags is legal"):
        log_likelihood(emissions, tags, torch.tensor([2, 3]), moves)
    with pytest.raises(ValueError, match="no transition is legal"):
        log_likelihood(emissions, tags, torch.tensor([2, 3]), torch.full((3, 3), -math.inf))


def test_nan_emissions_are_not_hidden():
    _, emissions, moves = sample("iob2")
    emissions[0, 2, 1] = math.nan
    value = log_likelihood(emissions, torch.zeros(4, 5, dtype=torch.int64), LENGTHS, moves)
    assert value.isnan().tolist() == [True, False, False, False]
    assert crf_loss(emissions, torch.zeros(4, 5, dtype=torch.int64), LENGTHS, moves).isnan()


def test_half_precision_emissions_are_summed_in_the_precision_of_the_moves():
    _, emissions, moves = sample("iob2", dtype=torch.float32)
    half, tags = emissions.half(), viterbi(emissions, LENGTHS, moves)
    ours, exact = (log_likelihood(e, tags, LENGTHS, moves) for e in (half, half.float()))
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours, exact)


def test_a_sentence_scores_the_same_alone_and_in_a_batch():
    _, emissions, moves = sample("bioes")
    tags = viterbi(emissions, LENGTHS, moves)
    together = log_likelihood(emissions, tags, LENGTHS, moves)
    for row, n in enumerate(LENGTHS.tolist()):
        alone = log_likelihood(
            emissions[row : row + 1, :n], tags[row : row + 1, :n], LENGTHS[row : row + 1], moves
        )
        torch.testing.assert_close(alone, together[row : row + 1])

"""The CRF's sums, against every sequence written out, and against itself in float64."""

import itertools
import math

import pytest
import torch
from brute_force import contains, enumerate_sequences, random_moves, scheme

from rnner.nn.crf.loss import join_moves, log_likelihood, log_partition, loss
from rnner.nn.crf.marginals import marginals, span_probabilities
from rnner.nn.crf.viterbi import viterbi

SCHEMES = ["iob2", "bioes", "binary"]
LENGTHS = torch.tensor([5, 1, 3, 4])


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(7)


def sample(name, lengths=None, dtype=torch.float64, scale=1.0):
    rules, lengths = scheme(name), LENGTHS if lengths is None else lengths
    emissions = scale * torch.randn(len(lengths), int(lengths.max()), len(rules.tags), dtype=dtype)
    return rules, emissions, random_moves(rules, dtype, scale)


def long_sample(scale, dtype, tokens=1000, name="bioes"):
    lengths = torch.tensor([tokens, tokens // 3, 1])
    rules, emissions, moves = sample(name, lengths, torch.float64, scale)
    emissions, moves = emissions.float(), moves.float()  # the very same numbers in both precisions
    return rules, emissions.to(dtype), lengths, moves.to(dtype)


def gradients(emissions, tags, lengths, moves):
    """The log-likelihoods [b], and the gradients of the loss."""
    emissions, moves = emissions.clone().requires_grad_(), moves.clone().requires_grad_()
    loss(emissions, tags, lengths, moves).backward()
    return log_likelihood(emissions, tags, lengths, moves), emissions.grad, moves.grad


def textbook(emissions, tags, lengths, moves):
    """Log-likelihood with the gradient left to autograd, one sentence at a time."""
    k, total = emissions.shape[2], []
    for e, y, n in zip(emissions, tags.tolist(), lengths.tolist(), strict=True):
        alpha = moves[k, :k] + e[0]
        for i in range(1, n):
            alpha = torch.logsumexp(alpha[:, None] + moves[:k, :k], 0) + e[i]
        path = [k, *y[:n], k]
        gold = sum(moves[a, b] for a, b in itertools.pairwise(path)) + sum(e[i, y[i]] for i in range(n))
        total.append(gold - torch.logsumexp(alpha + moves[:k, k], 0))
    return torch.stack(total)


@pytest.mark.parametrize("name", SCHEMES)
class TestAgainstEnumeration:
    def test_the_partition_sums_over_all_legal_sequences(self, name):
        _, emissions, moves = sample(name)
        expected = [
            enumerate_sequences(e[:n], moves)[1].logsumexp(0) for e, n in zip(emissions, LENGTHS, strict=True)
        ]
        torch.testing.assert_close(log_partition(emissions, LENGTHS, moves), torch.stack(expected))

    def test_the_probabilities_of_all_legal_sequences_sum_to_one(self, name):
        _, emissions, moves = sample(name)
        for e, n in zip(emissions, LENGTHS.tolist(), strict=True):
            sequences, scores = enumerate_sequences(e[:n], moves)
            tags = torch.tensor(sequences)
            each = log_likelihood(e[:n].expand(len(tags), n, -1), tags, torch.full((len(tags),), n), moves)
            torch.testing.assert_close(each, scores.log_softmax(0))
            assert each.exp().sum().item() == pytest.approx(1)

    def test_the_marginals_are_sums_of_sequences(self, name):
        rules, emissions, moves = sample(name)
        found = marginals(emissions, LENGTHS, moves)
        for e, n, tags in zip(emissions, LENGTHS.tolist(), found, strict=True):
            sequences, scores = enumerate_sequences(e[:n], moves)
            chosen = torch.nn.functional.one_hot(torch.tensor(sequences), len(rules.tags)).double()
            torch.testing.assert_close(tags[:n], torch.einsum("s,stk->tk", scores.softmax(0), chosen))
            assert (tags[n:] == 0).all()

    def test_the_probability_of_a_span_is_that_of_all_sequences_with_just_this_span(self, name):
        rules, emissions, moves = sample(name)
        for path in (viterbi(emissions, LENGTHS, moves), torch.randint(len(rules.tags), emissions.shape[:2])):
            spans = [
                (row, start, end)
                for row, n in enumerate(LENGTHS.tolist())
                for start in range(n)
                for end in range(start + 1, n + 1)
            ]
            found = span_probabilities(
                emissions, LENGTHS, moves, path=path, spans=torch.tensor(spans), boundary=rules.boundary
            )
            every = [enumerate_sequences(e[:n], moves) for e, n in zip(emissions, LENGTHS, strict=True)]
            boundary = rules.boundary.tolist()
            for (row, start, end), probability in zip(spans, found.tolist(), strict=True):
                sequences, scores = every[row]
                with_it = [contains(tags, path[row].tolist(), start, end, boundary) for tags in sequences]
                expected = scores.softmax(0)[torch.tensor(with_it)].sum().item()
                assert probability == pytest.approx(expected, abs=1e-12), (row, start, end)

    def test_sentences_without_spans_change_nothing(self, name):
        rules, emissions, moves = sample(name)
        path, chain = viterbi(emissions, LENGTHS, moves), {"boundary": rules.boundary}
        spans = torch.tensor([(row, 0, n) for row, n in enumerate(LENGTHS.tolist())])
        every = span_probabilities(emissions, LENGTHS, moves, path=path, spans=spans, **chain)
        for some in ([len(LENGTHS) - 1], [2, 0], []):
            found = span_probabilities(emissions, LENGTHS, moves, path=path, spans=spans[some], **chain)
            torch.testing.assert_close(found, every[some])

    def test_the_gradient_is_that_of_the_textbook_loop(self, name):
        rules = scheme(name)
        emissions = torch.randn(4, 5, len(rules.tags), dtype=torch.float64, requires_grad=True)
        allowed = join_moves(rules.start, rules.step, rules.end)
        scores = torch.randn(allowed.shape, dtype=torch.float64, requires_grad=True)
        tags = viterbi(torch.zeros_like(emissions), LENGTHS, random_moves(rules, scale=0))
        ours = loss(emissions, tags, LENGTHS, scores.masked_fill(~allowed, -torch.inf))
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
    function = lambda e, m: loss(e, tags, lengths, m)  # noqa: E731
    assert torch.autograd.gradcheck(function, (emissions.requires_grad_(), moves))


def test_the_loss_is_the_mean_negative_log_likelihood():
    _, emissions, moves = sample("bioes")
    tags = viterbi(emissions, LENGTHS, moves)
    expected = -log_likelihood(emissions, tags, LENGTHS, moves).mean()
    torch.testing.assert_close(loss(emissions, tags, LENGTHS, moves), expected)
    assert expected > 0.1


def test_gradients_are_tensors_like_any_other():
    _, emissions, moves = sample("iob2", dtype=torch.float32)
    tags = viterbi(emissions, LENGTHS, moves)
    value = loss(emissions.requires_grad_(), tags, LENGTHS, moves.requires_grad_())
    value.backward(retain_graph=True)
    once = emissions.grad.clone()
    value.backward()  # adds up, in place
    torch.testing.assert_close(emissions.grad, 2 * once)
    torch.nn.utils.clip_grad_norm_([emissions, moves], 0.1)
    assert emissions.grad.norm() < 0.1
    assert not value.is_inference()


def test_only_what_wants_a_gradient_gets_one():
    _, emissions, moves = sample("iob2")
    tags = viterbi(emissions, LENGTHS, moves)
    assert not loss(emissions, tags, LENGTHS, moves).requires_grad
    loss(emissions, tags, LENGTHS, moves.requires_grad_()).backward()
    assert moves.grad.abs().max() > 0
    with torch.no_grad():
        assert not loss(emissions, tags, LENGTHS, moves).requires_grad


def test_from_edge_to_edge_there_is_no_move_and_no_gradient():
    lengths = torch.arange(1, 31)
    _, emissions, moves = sample("iob2", lengths, torch.float32)
    tags = viterbi(emissions, lengths, moves)
    expected = gradients(emissions, tags, lengths, moves)
    assert expected[2][-1, -1] == 0
    moves[-1, -1] = 7.0
    torch.testing.assert_close(gradients(emissions, tags, lengths, moves), expected)


def test_second_derivatives_and_torch_func_are_refused_with_the_way_out():
    _, emissions, moves = sample("iob2")
    tags = viterbi(emissions, LENGTHS, moves)
    value = loss(emissions.requires_grad_(), tags, LENGTHS, moves)
    with pytest.raises(
        RuntimeError, match="cannot be differentiated again; use autograd over a logsumexp loop"
    ):
        torch.autograd.grad(value, emissions, create_graph=True)
    with pytest.raises(RuntimeError, match="use autograd over a logsumexp loop"):
        torch.func.grad(loss)(emissions.detach(), tags, LENGTHS, moves)


def test_an_illegal_sequence_has_probability_zero():
    _, emissions, moves = sample("iob2")
    tags = torch.zeros(4, 5, dtype=torch.int64)
    tags[2, 0] = 2  # I-PER begins the sentence
    assert log_likelihood(emissions, tags, LENGTHS, moves).isneginf().tolist() == [False, False, True, False]
    assert loss(emissions, tags, LENGTHS, moves) == math.inf


def test_a_length_without_legal_sequence_is_refused():
    start, step, end = (
        torch.tensor([0.0, -math.inf]),
        torch.full((2, 2), -math.inf),
        torch.tensor([-math.inf, 0.0]),
    )
    step[0, 1] = 0  # exactly "first tag, second tag"
    moves, emissions = join_moves(start, step, end), torch.randn(2, 3, 2)
    assert log_partition(emissions[:, :2], torch.tensor([2, 2]), moves).isfinite().all()
    with pytest.raises(ValueError, match="no sequence of 3 tags is legal"):
        log_partition(emissions, torch.tensor([2, 3]), moves)
    with pytest.raises(ValueError, match="no move is legal"):
        log_partition(emissions, torch.tensor([2, 3]), torch.full((3, 3), -math.inf))


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0, 1000.0])
def test_float32_is_right_for_a_thousand_tokens(scale):
    _rules, emissions, lengths, moves = long_sample(scale, torch.float32)
    tags = viterbi(emissions, lengths, moves)
    tags[0, 500:510] = 0
    tags[0, 499], tags[0, 510] = 4, 4  # S-PER, so that it stays legal whatever stands beside
    tags[0, 480:499], tags[0, 511:520] = 0, 0
    tags[0, 479], tags[0, 520] = 0, 0
    narrow = gradients(emissions, tags, lengths, moves)
    wide = gradients(emissions.double(), tags, lengths, moves.double())
    for a, b in zip(narrow, wide, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=1e-4, atol=2e-4)


def spread_out(scale):
    """Emissions that want what the constraints forbid: mass underflows at once, unless it is looked after."""
    rules = scheme("bioes")
    lengths = torch.tensor([40, 17, 2])
    emissions = torch.zeros(3, 40, 5)
    emissions[:, ::2, 2], emissions[:, 1::2, 1] = scale, scale  # I-PER, B-PER, I-PER, ...
    emissions[:, :, 0] = -scale
    emissions += torch.randn_like(emissions)
    return rules, emissions, lengths, random_moves(rules, torch.float32)


@pytest.mark.parametrize("scale", [30.0, 100.0, 1000.0])
def test_extreme_scores_give_what_float64_logarithms_give(scale):
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


def test_one_extreme_sentence_leaves_the_others_their_bits():
    _, emissions, lengths, moves = spread_out(1.0)
    alone = marginals(emissions[1:], lengths[1:], moves)
    emissions[0] *= 1e4
    together = marginals(emissions, lengths, moves)
    torch.testing.assert_close(together[1:], alone, rtol=0, atol=1e-6)
    assert together.isfinite().all()


def test_span_probabilities_are_exact_in_long_and_in_extreme_sentences():
    for rules, emissions, lengths, moves in (long_sample(3.0, torch.float32), spread_out(300.0)):
        path = viterbi(emissions, lengths, moves)
        spans = torch.tensor(
            [[0, i, j] for i in range(0, 40, 3) for j in (i + 1, min(i + 2, 40), min(i + 9, 40))]
        )
        arguments = {"path": path, "spans": spans, "boundary": rules.boundary}
        narrow = span_probabilities(emissions, lengths, moves, **arguments)
        wide = span_probabilities(emissions.double(), lengths, moves.double(), **arguments)
        torch.testing.assert_close(narrow.double(), wide, rtol=2e-3, atol=1e-5)
        assert ((wide >= 0) & (wide <= 1 + 1e-9)).all()
        assert wide.max() > 0.1


def test_padding_is_never_read():
    rules, emissions, moves = sample("iob2")
    tags = viterbi(emissions, LENGTHS, moves)
    arguments = {"path": tags, "spans": torch.tensor([[1, 0, 1], [3, 1, 4]]), "boundary": rules.boundary}
    poisoned = emissions.masked_fill((torch.arange(5) >= LENGTHS[:, None])[:, :, None], math.nan)
    assert poisoned.isnan().any()
    for a, b in zip(
        gradients(emissions, tags, LENGTHS, moves), gradients(poisoned, tags, LENGTHS, moves), strict=True
    ):
        assert torch.equal(a, b)
        assert a.isfinite().all()
    assert torch.equal(log_partition(emissions, LENGTHS, moves), log_partition(poisoned, LENGTHS, moves))
    assert torch.equal(marginals(emissions, LENGTHS, moves), marginals(poisoned, LENGTHS, moves))
    assert torch.equal(
        span_probabilities(emissions, LENGTHS, moves, **arguments),
        span_probabilities(poisoned, LENGTHS, moves, **arguments),
    )


def test_a_sentence_scores_the_same_alone_and_in_a_batch():
    _, emissions, moves = sample("bioes")
    tags = viterbi(emissions, LENGTHS, moves)
    together = log_likelihood(emissions, tags, LENGTHS, moves)
    for row, n in enumerate(LENGTHS.tolist()):
        alone = log_likelihood(
            emissions[row : row + 1, :n], tags[row : row + 1, :n], LENGTHS[row : row + 1], moves
        )
        torch.testing.assert_close(alone, together[row : row + 1])


def test_a_broken_model_is_not_hidden():
    _, emissions, moves = sample("iob2")
    emissions[0, 2, 1] = math.nan
    value = log_likelihood(emissions, torch.zeros(4, 5, dtype=torch.int64), LENGTHS, moves)
    assert value.isnan().tolist() == [True, False, False, False]
    assert loss(emissions, torch.zeros(4, 5, dtype=torch.int64), LENGTHS, moves).isnan()


def test_half_precision_emissions_are_summed_in_the_precision_of_the_moves():
    _, emissions, moves = sample("iob2", dtype=torch.float32)
    half = emissions.half()
    assert log_partition(half, LENGTHS, moves).dtype == torch.float32
    torch.testing.assert_close(
        log_partition(half, LENGTHS, moves), log_partition(half.float(), LENGTHS, moves)
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


def test_the_same_input_gives_the_same_bits():
    _, emissions, lengths, moves = long_sample(2.0, torch.float32, tokens=60)
    tags = viterbi(emissions, lengths, moves)
    first, second = (gradients(emissions, tags, lengths, moves) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))

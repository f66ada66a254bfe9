"""Both heads, through the methods they share."""

import math

import pytest
import torch
from brute_force import enumerate_sequences, scheme
from torch.nn import functional as F

from rnner.nn.crf.marginals import span_probabilities
from rnner.nn.crf.transitions import join_transitions
from rnner.nn.heads import CRFHead, SoftmaxHead

HEADS = [SoftmaxHead, CRFHead]
LENGTHS = torch.tensor([4, 2, 1])


def build(kind, name="bioes"):
    rules = scheme(name)
    torch.manual_seed(5)
    head = kind(rules.start, rules.step, rules.end, rules.boundary)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    return head, torch.randn(3, 4, len(rules.tags))


@pytest.mark.parametrize("kind", HEADS)
def test_a_head_learns_the_tags_it_is_shown(kind):
    head, emissions = build(kind)
    emissions.requires_grad_()
    tags = torch.tensor([[1, 2, 3, 0], [4, 0, 0, 0], [0, 0, 0, 0]])  # B I E O / S O / O
    optimiser = torch.optim.SGD([emissions, *head.parameters()], lr=0.5)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = head.loss(emissions, tags, LENGTHS)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    assert torch.equal(head.decode(emissions, LENGTHS), tags)
    spans = torch.tensor([[0, 0, 3], [1, 0, 1]])
    scores = (emissions, LENGTHS, head.transition_scores())
    assert (span_probabilities(*scores, tags=tags, spans=spans, boundary=head.boundary) > 0.7).all()


@pytest.mark.parametrize("kind", HEADS)
def test_prediction_is_over_legal_sequences_only(kind):
    head, emissions = build(kind)
    moves = head.transition_scores().detach()
    sequences, scores = enumerate_sequences(emissions[0], moves)
    assert head.decode(emissions, LENGTHS)[0].tolist() == list(sequences[int(scores.argmax())])


def test_the_softmax_loss_is_the_cross_entropy_of_a_sentence():
    head, emissions = build(SoftmaxHead)
    tags = torch.tensor([[1, 2, 3, 0], [4, 0, 0, 0], [0, 0, 0, 0]])
    by_hand = [
        F.cross_entropy(e[:n], y[:n], reduction="sum")
        for e, y, n in zip(emissions, tags, LENGTHS, strict=True)
    ]
    torch.testing.assert_close(head.loss(emissions, tags, LENGTHS), torch.stack(by_hand).mean())


def test_the_softmax_head_trains_on_illegal_tags_but_decodes_legal_ones():
    head, emissions = build(SoftmaxHead)
    tags = torch.tensor([[2, 2, 2, 2], [3, 3, 0, 0], [2, 0, 0, 0]])  # sentences that begin with I
    assert head.loss(emissions, tags, LENGTHS).isfinite()
    certain = F.one_hot(tags, 5).float() * 50
    assert head.decode(certain, LENGTHS).tolist()[1][0] in (0, 1, 4)


def test_the_crf_refuses_tags_of_probability_zero():
    head, emissions = build(CRFHead)
    tags = torch.tensor([[0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]])  # row 1: B O
    with pytest.raises(ValueError, match=r"row 1 are illegal: \[1, 0\]"):
        head.loss(emissions, tags, LENGTHS)


@pytest.mark.parametrize("kind", HEADS)
def test_the_partial_loss_with_one_tag_per_word_is_the_loss(kind):
    head, emissions = build(kind)
    tags = torch.tensor([[1, 2, 3, 0], [4, 0, 0, 0], [0, 0, 0, 0]])
    one = F.one_hot(tags, 5).bool()
    torch.testing.assert_close(
        head.partial_loss(emissions, one, LENGTHS), head.loss(emissions, tags, LENGTHS)
    )


def test_the_partial_softmax_loss_is_the_probability_of_the_allowed_tags():
    head, emissions = build(SoftmaxHead)
    allowed = torch.rand(3, 4, 5) < 0.4
    allowed[:, :, 0] = True
    by_hand = [
        -(e[:n].softmax(-1) * sets[:n]).sum(-1).log().sum()
        for e, sets, n in zip(emissions, allowed, LENGTHS, strict=True)
    ]
    found = head.partial_loss(emissions, allowed, LENGTHS)
    torch.testing.assert_close(found, torch.stack(by_hand).mean())


@pytest.mark.parametrize("kind", HEADS)
def test_training_on_partial_tags_makes_the_allowed_ones_probable(kind):
    head, emissions = build(kind)
    emissions.requires_grad_()
    allowed = torch.ones(3, 4, 5, dtype=torch.bool)
    allowed[0, 1] = torch.tensor([0, 1, 1, 0, 0])  # B or I: the entity goes on
    allowed[1, 0] = torch.tensor([0, 0, 0, 0, 1])
    allowed[:, 0, 0] = False
    optimiser = torch.optim.SGD([emissions, *head.parameters()], lr=1.0)
    for _ in range(60):
        optimiser.zero_grad()
        head.partial_loss(emissions, allowed, LENGTHS).backward()
        optimiser.step()
    best = head.decode(emissions, LENGTHS)
    assert best[0, 1].item() in (1, 2)
    assert best[1, 0] == 4
    assert best[2, 0] != 0


@pytest.mark.parametrize("kind", HEADS)
def test_a_word_without_an_allowed_tag_is_refused(kind):
    head, emissions = build(kind)
    allowed = torch.ones(3, 4, 5, dtype=torch.bool)
    allowed[1, 2:] = False  # the padding
    assert head.partial_loss(emissions, allowed, LENGTHS).isfinite()
    allowed[1, 1] = False
    with pytest.raises(ValueError, match="row 1 allows no tag at position 1"):
        head.partial_loss(emissions, allowed, LENGTHS)


def test_illegal_transitions_have_no_gradient():
    head, emissions = build(CRFHead)
    head.loss(emissions, head.decode(emissions, LENGTHS), LENGTHS).backward()
    rules = scheme("bioes")
    allowed = join_transitions(rules.start, rules.step, rules.end)
    assert (head.moves.grad[~allowed] == 0).all()
    assert (head.moves.grad[allowed] != 0).any()


@pytest.mark.parametrize("kind", HEADS)
def test_padding_is_never_read(kind):
    head, emissions = build(kind)
    tags = head.decode(emissions, LENGTHS)
    inside = (torch.arange(4) < LENGTHS[:, None])[:, :, None]
    poisoned = emissions.masked_fill(~inside, math.nan).requires_grad_()
    loss = head.loss(poisoned, tags, LENGTHS)
    torch.testing.assert_close(loss, head.loss(emissions, tags, LENGTHS), rtol=0, atol=0)
    loss = loss + head.partial_loss(poisoned, torch.rand(3, 4, 5) < 2, LENGTHS)
    loss.backward()
    assert poisoned.grad.isfinite().all()
    assert (poisoned.grad[~inside.expand_as(poisoned)] == 0).all()
    assert torch.equal(head.decode(poisoned, LENGTHS), tags)


def test_the_masks_are_not_saved():
    assert list(build(CRFHead)[0].state_dict()) == ["moves"]
    assert list(build(SoftmaxHead)[0].state_dict()) == []


@pytest.mark.parametrize("kind", HEADS)
def test_masks_that_do_not_fit_are_refused(kind):
    rules = scheme("iob2")
    with pytest.raises(ValueError, match=r"allowed_step must be bool \[5, 5\], got torch.bool \[4, 5\]"):
        kind(rules.start, rules.step[:4], rules.end, rules.boundary)
    with pytest.raises(ValueError, match=r"boundary must be bool \[5, 5\], got torch.float32"):
        kind(rules.start, rules.step, rules.end, rules.boundary.float())

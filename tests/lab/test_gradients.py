"""The gradients of `rnner lab gradients` are those of autograd."""

import pytest
import torch

from rnner.lab.gradients import gradient_flow, random_directions, train_adding
from rnner.nn.cells import Cell, get_cell
from rnner.nn.recurrent import Recurrent


class LeakyCell(Cell):
    """A user's cell: half the old activation plus half that of a plain RNN."""

    gates = 1

    def step(self, x, state):
        (a,) = state
        return (0.5 * a + 0.5 * torch.tanh(x + a @ self.W_aa.T),)


def by_autograd(cell, x, reverse):
    """Return the norms at each step back from the last, from autograd through a loop of cell steps."""
    x = x.double().requires_grad_()
    states = [[start.requires_grad_() for start in cell.initial_state(x)]]
    for word in reversed(x.unbind(1)) if reverse else x.unbind(1):
        # copies: of an LSTM, a<t> and c<t> count as two, though one was computed from the other
        states.append([tensor.clone() for tensor in cell.step(cell.project(word), tuple(states[-1]))])
    loss = (random_directions(len(x), cell.hidden_size) * states[-1][0]).sum()
    of_states = [torch.autograd.grad(loss, own, retain_graph=True, allow_unused=True) for own in states]
    squares = [sum(d.square().sum(1) for d in own if d is not None) for own in of_states]
    (d_x,) = torch.autograd.grad(loss, x)
    words = d_x.square().sum(2).mean(0).sqrt()
    return [float(own.mean().sqrt()) for own in reversed(squares)], words if reverse else words.flip(0)


@pytest.fixture(params=["rnn", "gru", "gru_reset_after", "lstm", LeakyCell], ids=str)
def cell(request):
    torch.manual_seed(1)
    kind = request.param if isinstance(request.param, type) else get_cell(request.param)
    return kind(3, 5)


@pytest.mark.parametrize("reverse", [False, True])
def test_norms_are_those_of_autograd(cell, reverse):
    x = torch.randn(4, 7, 3)
    flow = gradient_flow(Recurrent(cell, reverse=reverse), x)
    states, words = by_autograd(cell.double(), x, reverse)
    assert flow["state"] == pytest.approx(states)
    assert flow["input"] == pytest.approx(words.tolist())
    assert flow["state"][0] == pytest.approx(1) and len(flow["state"]) == 8


def test_shares_sum_to_one_and_paths_agree(cell):
    flow = gradient_flow(Recurrent(cell), torch.randn(4, 7, 3))
    assert sum(flow["share"]) == pytest.approx(1)
    assert len(flow["share"]) == 7
    assert max(flow["errors"].values()) < 1e-12


def test_the_layer_is_not_changed():
    layer = Recurrent(get_cell("gru")(3, 5))
    before = {name: weight.clone() for name, weight in layer.named_parameters()}
    gradient_flow(layer, torch.randn(2, 4, 3))
    for name, weight in layer.named_parameters():
        assert weight.dtype == torch.float32
        assert weight.grad is None
        assert torch.equal(weight, before[name])


def test_small_weights_vanish_and_large_ones_explode():
    torch.manual_seed(0)
    x, reached = torch.randn(4, 40, 20), {}
    for scale in (0.5, 3.0):
        cell = get_cell("rnn")(20, 40)
        cell.W_aa.data *= scale
        reached[scale] = gradient_flow(Recurrent(cell), x)["state"][40]
    assert reached[0.5] < 1e-9
    assert reached[3.0] > 1e2


def test_clipping_prevents_divergence():
    clipped, free = train_adding(1.0, 0, quick=True), train_adding(None, 0, quick=True)
    assert free["loss"][-1] > 1e6
    assert max(clipped["loss"]) < 10
    assert sum(clipped["loss"][-50:]) < sum(clipped["loss"][:50])

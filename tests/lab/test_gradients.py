"""The gradients that `rnner lab gradients` tells are autograd's."""

import pytest
import torch

from rnner.lab.gradients import clipping, directions, flow
from rnner.nn.cells import Cell, get_cell
from rnner.nn.recurrent import Recurrent


class LeakyCell(Cell):
    """A cell of a user's: half of the old activation, half of a plain RNN's."""

    gates = 1

    def step(self, x, state):
        (a,) = state
        return (0.5 * a + 0.5 * torch.tanh(x + a @ self.W_aa.T),)


def by_autograd(cell, x, reverse):
    """The norms for each step back from the last, through a loop of the cell's own steps."""
    x = x.double().requires_grad_()
    states = [[start.requires_grad_() for start in cell.initial_state(x)]]
    for word in reversed(x.unbind(1)) if reverse else x.unbind(1):
        # copies: of an LSTM, a<t> and c<t> count as two, though one was computed from the other
        states.append([tensor.clone() for tensor in cell.step(cell.project(word), tuple(states[-1]))])
    loss = (directions(len(x), cell.hidden_size) * states[-1][0]).sum()
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
    told = flow(Recurrent(cell, reverse=reverse), x)
    states, words = by_autograd(cell.double(), x, reverse)
    assert told["state"] == pytest.approx(states)
    assert told["input"] == pytest.approx(words.tolist())
    assert told["state"][0] == pytest.approx(1) and len(told["state"]) == 8


def test_the_steps_shares_sum_to_the_whole_and_the_fused_path_is_autograds(cell):
    told = flow(Recurrent(cell), torch.randn(4, 7, 3))
    assert sum(told["share"]) == pytest.approx(1)
    assert len(told["share"]) == 7
    assert max(told["errors"].values()) < 1e-12


def test_a_layer_stays_as_it_is():
    layer = Recurrent(get_cell("gru")(3, 5))
    before = {name: weight.clone() for name, weight in layer.named_parameters()}
    flow(layer, torch.randn(2, 4, 3))
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
        reached[scale] = flow(Recurrent(cell), x)["state"][40]
    assert reached[0.5] < 1e-9
    assert reached[3.0] > 1e2


def test_what_diverges_is_saved_by_clipping():
    clipped, free = clipping(1.0, 0, quick=True), clipping(None, 0, quick=True)
    assert free["loss"][-1] > 1e6
    assert max(clipped["loss"]) < 10
    assert sum(clipped["loss"][-50:]) < sum(clipped["loss"][:50])

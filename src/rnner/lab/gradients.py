"""Backpropagation through time at work: how the gradient at step T reaches step t; and what clipping does."""

from __future__ import annotations

import copy
import random
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.lab import memory
from rnner.lab.gates import agreeing, listen
from rnner.lab.small_networks import Tell, sample
from rnner.nn.cells import RNNCell, get_cell
from rnner.nn.recurrent import Recurrent
from rnner.render.pictures import COLOURS, Figure

SCALES = (0.5, 1.0, 1.5, 2.0)  # what a fresh W_aa, whose blocks are orthogonal, is multiplied by
STEPS = memory.LONGEST + 2  # T: a subject, and as many words as there are at most before its verb
_ROWS, _SIZE = 16, 100


def directions(rows: int, size: int) -> Tensor:
    """Random rows of length 1, always the same ones, `[rows, size]`, float64."""
    drawn = torch.randn(rows, size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return nn.functional.normalize(drawn, dim=1)


def flow(layer: Recurrent, x: Tensor) -> dict[str, Any]:
    """How the gradient of L = v · a<T> reaches each step, for random v of length 1; x `[b, T, i]`.

    In float64, by T - t, root mean squares over rows. `state`: |v da<T>/da<t>|, over all v the Frobenius norm
    of da<T>/da<t> over √h (of an LSTM, a<t> and c<t> together); `input`: |dL/dx<t>|; `share`: what
    comes from step t in dL/dW_aa, projected on the whole, so that they sum to 1. `errors`, relative to the
    largest entry: `sum`, of all steps from the whole at once; `loop`, of this from autograd's by the loop.
    """
    layer, x = copy.deepcopy(layer).double(), x.detach().double().requires_grad_()
    cell, v, one = layer.cell, directions(len(x), layer.output_size), torch.ones(len(x), dtype=torch.int64)
    state = tuple(start.requires_grad_() for start in cell.initial_state(x))
    states, weights = [*state], []
    for word in torch.split(x, 1, dim=1)[:: -1 if layer.reverse else 1]:
        weights.append(cell.W_aa.detach().clone().requires_grad_())
        _, state = functional_call(layer, {"cell.W_aa": weights[-1]}, (word, one, state))
        states += state
    inputs, loss = [x, *weights, *states], (v * state[0]).sum()
    d_x, *others = torch.autograd.grad(loss, inputs, allow_unused=True, materialize_grads=True)
    d_W, d_states = torch.stack(others[: len(weights)]), torch.stack(others[len(weights) :])
    whole, by_loop = (_at_once(layer, path, x, v) for path in (layer.path, "loop"))
    by_state = d_states.view(-1, cell.states, *v.shape).square().sum(dim=(1, 3))
    by_word = (d_x.flip(1) if layer.reverse else d_x).square().sum(dim=2).T
    share = (d_W * whole).sum(dim=(1, 2)) / whole.square().sum()
    pairs = {"sum": (d_W.sum(dim=0), whole), "loop": (by_loop, whole)}
    errors = {name: float((a - b).abs().max() / b.abs().max()) for name, (a, b) in pairs.items()}
    norms = {"state": by_state.mean(dim=1).sqrt(), "input": by_word.mean(dim=1).sqrt(), "share": share}
    return {**{name: values.flip(0).tolist() for name, values in norms.items()}, "errors": errors}


def _at_once(layer: Recurrent, path: str, x: Tensor, v: Tensor) -> Tensor:
    """dL/dW_aa of whole sequences."""
    same = Recurrent(layer.cell, reverse=layer.reverse, path=path)
    _, state = same(x, torch.full((len(x),), x.shape[1]))
    return torch.autograd.grad((v * state[0]).sum(), layer.cell.W_aa)[0]


def measure(
    cells: list[str], model: TaggerDecoder | None, seed: int, quick: bool, tell: Tell
) -> dict[str, Any]:
    """The flow in fresh cells of each scale and in trained ones; training with and without clipping."""
    torch.manual_seed(seed)
    x, fresh = torch.randn(_ROWS, STEPS, _SIZE // 2), {}
    for name in cells:
        for scale in SCALES:
            cell = get_cell(name)(_SIZE // 2, _SIZE)
            cell.W_aa.data *= scale
            fresh[f"{name}, W_aa × {scale}"] = flow(Recurrent(cell), x)
    if model is None:
        words = memory.batch(memory.LONGEST, _ROWS, random.Random("test"))[0][:, :STEPS]
        heard = [agreeing(name, words, seed, 300 if quick else 1500, tell) for name in cells]
    else:
        text = [word for sentence in sample("test").sentences()[0] for word in sentence][: _ROWS * STEPS]
        heard = listen(model, [text[at : at + STEPS] for at in range(0, len(text), STEPS)])
    tell("an RNN learns to add, with and without clipping")
    runs = {"clipped": clipping(1.0, seed, quick), "not clipped": clipping(None, seed, quick)}
    trained = {f"{name}, trained": flow(layer, x) for name, layer, x in heard}
    return {"cells": cells, "fresh": fresh, "trained": trained, "clipping": runs}


def clipping(clip: float | None, seed: int, quick: bool) -> dict[str, list[float]]:
    """An RNN learns to add two marked numbers of 10 (Hochreiter and Schmidhuber 1997), by plain descent.

    Squared errors (of saying 1 always: 1/6) until one is above 1e6, and the gradients' norms before clipping.
    """
    torch.manual_seed(seed)
    layer, output, losses, norms = Recurrent(RNNCell(2, _SIZE)), nn.Linear(_SIZE, 1), [0.0], [0.0]
    layer.cell.W_aa.data *= 1.3
    weights = [*layer.parameters(), *output.parameters()]
    optimizer = torch.optim.SGD(weights, lr=0.05)
    while len(losses) <= (300 if quick else 2000) and losses[-1] < 1e6:
        numbers = torch.rand(_ROWS, 10)
        marks = torch.zeros(_ROWS, 10).scatter_(1, torch.rand(_ROWS, 10).topk(2).indices, 1)
        _, (a,) = layer(torch.stack([numbers, marks], dim=2), torch.full((_ROWS,), 10))
        loss = (output(a).squeeze(1) - (numbers * marks).sum(dim=1)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        norms.append(float(nn.utils.clip_grad_norm_(weights, clip or torch.inf)))
        losses.append(float(loss.detach()))
        optimizer.step()
    return {"loss": losses[1:], "norm": norms[1:]}


def draw(figure: Figure, figures: dict[str, Any]) -> None:
    """A panel a cell, a curve a scale; below, trained cells, shares and clipping."""
    (above,), (below,) = figure.subfigures(2, 1, squeeze=False)
    panels = above.subplots(1, len(figures["cells"]), squeeze=False)[0]
    trained, shares, losses = below.subplots(1, 3)
    for axes, name in zip(panels, figures["cells"], strict=True):
        for colour, scale in zip(COLOURS, SCALES, strict=False):
            own = figures["fresh"][f"{name}, W_aa × {scale}"]
            axes.semilogy(own["state"], color=colour, label=f"W_aa × {scale}")
            axes.semilogy(own["input"], color=colour, linestyle=":")
        axes.set(title=f"{name}: |da<T>/da<t>|; dotted: |dL/dx<t>|", ylim=(1e-12, 1e4))
    for name, own in figures["trained"].items():
        trained.semilogy(own["state"], label=name)
        shares.plot(list(accumulate(own["share"])), label=name)
    for name, own in figures["clipping"].items():
        losses.semilogy(own["loss"], label=name, alpha=0.8)
    trained.set_title("trained: |da<T>/da<t>|")
    shares.set_title("trained: share of the steps T ... t in dL/dW_aa")
    losses.set_title("loss of an RNN that learns to add")
    for axes in (*panels, trained, shares, losses):
        axes.set_xlabel("step" if axes is losses else "T - t")
        if axes is not shares:
            axes.yaxis.set_major_formatter("{x:.0e}")
        axes.legend()

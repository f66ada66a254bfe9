"""How the gradient of the last step reaches earlier steps, and what gradient clipping does.

Claims of the notes: backpropagation through time sums the gradients of all steps; in a plain RNN the gradient
vanishes or explodes with the number of steps; gates preserve it; clipping keeps training from diverging.

How to read it: |da<T>/da<t>| is the norm of the gradient T - t steps before the last one, for several scales
of the recurrent weights W_aa; the shares say how much each step contributes to dL/dW_aa; the losses are those
of an RNN trained with and without clipping.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import torch
from rich.console import Group, RenderableType
from torch import Tensor, nn
from torch.func import functional_call

from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.lab.gates import agreement_inputs, tagger_inputs
from rnner.lab.memory import MAX_DISTANCE, make_batch
from rnner.lab.small_networks import Log, sample_split
from rnner.nn.cells import RNNCell, get_cell
from rnner.nn.recurrent import Recurrent
from rnner.render.plotting import COLOURS, Figure, caption
from rnner.render.tables import numeric_table

_CAPTION = (
    "Where a line falls to the right, the network cannot learn from distant words; where it rises, "
    "training diverges without clipping. Solid: gradient of the state, da<T>/da<t>; dotted: of the input,"
    " dL/dx<t>."
)

SCALES = (0.5, 1.0, 1.5, 2.0)  # factors for a fresh W_aa, whose blocks are orthogonal
STEPS = MAX_DISTANCE + 2  # T: "the", a subject, and the maximum number of words before its verb
_ROWS, _SIZE = 16, 100


def random_directions(rows: int, size: int) -> Tensor:
    """Return fixed random rows of length 1, `[rows, size]`, float64."""
    drawn = torch.randn(rows, size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return nn.functional.normalize(drawn, dim=1)


def gradient_flow(layer: Recurrent, x: Tensor) -> dict[str, Any]:
    """Measure how the gradient of L = v · a<T>, for random v of length 1, reaches each step; x `[b, T, i]`.

    All values are in float64. Lists are indexed by T - t; norms are root mean squares over rows:

    - `state`: |v da<T>/da<t>|, whose mean over v is the Frobenius norm of da<T>/da<t> divided by √h; a<t> and
      c<t> of an LSTM count as one vector.
    - `input`: |dL/dx<t>|.
    - `share`: the contribution of step t to dL/dW_aa, projected onto the whole, so that the shares sum to 1.

    `errors` are relative to the largest entry: `sum` compares the sum over steps with the gradient on
    whole sequences, and `loop` compares the latter with the gradient from autograd through the loop.
    """
    layer, x = copy.deepcopy(layer).double(), x.detach().double().requires_grad_()
    cell, v = layer.cell, random_directions(len(x), layer.output_size)
    one = torch.ones(len(x), dtype=torch.int64)
    state = tuple(start.requires_grad_() for start in cell.initial_state(x))
    states, weights = [*state], []
    for word in torch.split(x, 1, dim=1)[:: -1 if layer.reverse else 1]:
        weights.append(cell.W_aa.detach().clone().requires_grad_())
        _, state = functional_call(layer, {"cell.W_aa": weights[-1]}, (word, one, state))
        states += state
    inputs, loss = [x, *weights, *states], (v * state[0]).sum()
    d_x, *others = torch.autograd.grad(loss, inputs, allow_unused=True, materialize_grads=True)
    d_W, d_states = torch.stack(others[: len(weights)]), torch.stack(others[len(weights) :])
    whole, by_loop = (_weight_gradient(layer, path, x, v) for path in (layer.path, "loop"))
    by_state = d_states.view(-1, cell.states, *v.shape).square().sum(dim=(1, 3))
    by_word = (d_x.flip(1) if layer.reverse else d_x).square().sum(dim=2).T
    share = (d_W * whole).sum(dim=(1, 2)) / whole.square().sum()
    pairs = {"sum": (d_W.sum(dim=0), whole), "loop": (by_loop, whole)}
    errors = {name: float((a - b).abs().max() / b.abs().max()) for name, (a, b) in pairs.items()}
    norms = {"state": by_state.mean(dim=1).sqrt(), "input": by_word.mean(dim=1).sqrt(), "share": share}
    return {**{name: values.flip(0).tolist() for name, values in norms.items()}, "errors": errors}


def _weight_gradient(layer: Recurrent, path: str, x: Tensor, v: Tensor) -> Tensor:
    """Return dL/dW_aa computed on whole sequences."""
    same = Recurrent(layer.cell, reverse=layer.reverse, path=path)
    _, state = same(x, torch.full((len(x),), x.shape[1]))
    return torch.autograd.grad((v * state[0]).sum(), layer.cell.W_aa)[0]


def measure(
    cells: Sequence[str], decoder: TaggerDecoder | None, seed: int, quick: bool, log: Log
) -> dict[str, Any]:
    """Measure the gradient flow in fresh and trained layers, and training with and without clipping.

    The trained layers are those of `decoder`, or of networks trained on agreement if it is None.
    """
    torch.manual_seed(seed)
    x, fresh = torch.randn(_ROWS, STEPS, _SIZE // 2), {}
    for name in cells:
        for scale in SCALES:
            cell = get_cell(name)(_SIZE // 2, _SIZE)
            cell.W_aa.data *= scale
            fresh[f"{name}, W_aa × {scale}"] = gradient_flow(Recurrent(cell), x)
    if decoder is None:
        words = make_batch(MAX_DISTANCE, _ROWS, random.Random("test"))[0][:, :STEPS]
        layers = [agreement_inputs(name, words, seed, 300 if quick else 1500, log) for name in cells]
    else:
        sentences = sample_split("test").sentences()[0]
        text = [word for sentence in sentences for word in sentence][: _ROWS * STEPS]
        layers = tagger_inputs(decoder, [text[at : at + STEPS] for at in range(0, len(text), STEPS)])
    log("training an RNN to add, with and without clipping")
    runs = {"clipped": train_adding(1.0, seed, quick), "not clipped": train_adding(None, seed, quick)}
    trained = {f"{name}, trained": gradient_flow(layer, x) for name, layer, x in layers}
    return {"cells": cells, "fresh": fresh, "trained": trained, "clipping": runs}


def train_adding(clip: float | None, seed: int, quick: bool) -> dict[str, list[float]]:
    """Train an RNN to add two marked numbers out of ten (Hochreiter and Schmidhuber 1997), with plain SGD.

    Returns the squared error of each step, up to the first above 1e6, and the norm of its gradient before
    clipping. Always predicting 1 gives a squared error of 1/6.
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


def table(results: dict[str, Any]) -> RenderableType:
    """Render the norms of gradients, the shares of the steps, and the losses with and without clipping."""
    flows = results["fresh"] | results["trained"]
    errors = {kind: max(flow["errors"][kind] for flow in flows.values()) for kind in ("sum", "loop")}

    steps = (1, 5, 10, 20, 40)
    norms = numeric_table("|da<T>/da<t>|, T-t =", *map(str, steps), "|dL/dx<t>|, 40")
    for name, flow in flows.items():
        values = [*(flow["state"][step] for step in steps), flow["input"][40]]
        norms.add_row(name, *(f"{norm:.1e}" for norm in values))

    parts = [slice(a, b) for a, b in pairwise((0, 1, 2, 5, 10, 20, 40, None))]
    titles = ("0", "1", "2-4", "5-9", "10-19", "20-39", "40-")
    shares = numeric_table("share of dL/dW_aa, T-t =", *titles, "sum")
    for name, flow in flows.items():
        if not name.endswith(("0.5", "1.5", "2.0")):  # skips fresh cells with scales other than 1
            values = [sum(flow["share"][part]) for part in parts]
            shares.add_row(name, *(f"{share:.3f}" for share in (*values, sum(values))))

    losses = numeric_table(
        "an RNN that learns to add", "steps", "first loss", "last loss", "largest gradient"
    )
    for name, run in results["clipping"].items():
        first, last = run["loss"][0], run["loss"][-1]
        losses.add_row(name, str(len(run["loss"])), f"{first:.2g}", f"{last:.2g}", f"{max(run['norm']):.1e}")

    checks = (
        f"Relative differences: {errors['sum']:.0e} between the sum over steps and the whole gradient; "
        f"{errors['loop']:.0e} between fused paths and autograd"
    )
    return Group(norms, "", shares, checks, "", losses)


def plot(figure: Figure, results: dict[str, Any]) -> None:
    """Draw one panel per cell with one line per scale; below, trained layers, shares and clipping."""
    figure.set_size_inches(4 * max(3, len(results["cells"])), 6.5)
    (above,), (below,) = figure.subfigures(2, 1, squeeze=False)
    panels = above.subplots(1, len(results["cells"]), squeeze=False)[0]
    trained, shares, losses = below.subplots(1, 3)
    for axes, name in zip(panels, results["cells"], strict=True):
        for colour, scale in zip(COLOURS, SCALES, strict=False):
            flow = results["fresh"][f"{name}, W_aa × {scale}"]
            axes.semilogy(flow["state"], color=colour, label=f"W_aa × {scale}")
            axes.semilogy(flow["input"], color=colour, linestyle=":")
        axes.set(title=f"{name}: gradient before training", ylim=(1e-12, 1e4))
    for name, flow in results["trained"].items():
        trained.semilogy(flow["state"], label=name)
        shares.plot(list(accumulate(flow["share"])), label=name)
    for name, run in results["clipping"].items():
        losses.semilogy(run["loss"], label=name, alpha=0.8)
    panels[0].set_ylabel("norm of the gradient")
    trained.set(title="Gradient after training", ylabel="norm of the gradient")
    shares.set(title="Part of dL/dW_aa that the last steps supply", ylabel="share, after training")
    losses.set(title="An RNN that learns to add", ylabel="squared error")
    for axes in (*panels, trained, shares, losses):
        axes.set_xlabel("training step" if axes is losses else "steps before the last, T - t")
        if axes is not shares:
            axes.yaxis.set_major_formatter("{x:.0e}")
        axes.legend()
    caption(figure, _CAPTION)

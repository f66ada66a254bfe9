"""Fused recurrences: a cell's steps and their backpropagation through time written out, for all directions.

What is common to all cells is here: gathering the words, the input product, its gradients, and giving out
the result. The mathematics of each cell is a `Scan`; see `rnner.nn.fused.cell_scans` and its neighbours.
`rnner.nn.loop` says what they must compute.

Everything runs over packed rows (`rnner.nn.fused.packing`), D directions side by side, in stretches of steps that
are short enough for their buffers to stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.func import functional_call

from rnner.nn.cells import Cell, State
from rnner.nn.fused.packing import Packing, Stretch, pack
from rnner.nn.loop import run_loop

STRETCH = 1 << 20
"""About how many numbers the gates of one stretch have; measured, and flat around it."""


class Scan(Protocol):
    """The mathematics of one cell, for one stretch of n rows at a time. See `Stretch` for the buffers."""

    groups: tuple[int, ...]
    """How many gates lie side by side in each buffer of gates, in the order of the weights' rows."""
    tanh: int
    """Which gate, in that order, is no gate but goes through tanh.

    tanh(v) = 2σ(2v) - 1, and on CPU torch's σ takes a fifth of the time of its tanh, so what `forward` finds
    for this one (its projected input, its rows of W_aa) is doubled. The price is an absolute error of one
    rounding of a number near 1.
    """

    def forward(
        self, gates: Sequence[Tensor], states: Sequence[Tensor], W_aa: Tensor, stretch: Stretch
    ) -> None:
        """Compute the steps.

        Args:
            gates: for each group `[n, D, group*h]`, the projected input. What is left there is what
                `backward` finds.
            states: for each state `[before + n, D, h]`; the n rows are to be filled.
            W_aa: `[D, h, gates*h]`, transposed (the faster product).
            stretch: the layout.

        What stands for the `tanh` gate in gates and W_aa is doubled.
        """

    def backward(
        self,
        d_gates: Tensor,
        d_states: Sequence[Tensor],
        d_W_aa: Tensor,
        gates: Sequence[Tensor],
        states: Sequence[Tensor],
        W_aa: Tensor,
        stretch: Stretch,
    ) -> None:
        """Backpropagate through the steps, the last first.

        Args:
            d_gates: `[n, D, gates*h]`, to be filled with the gradient of the projected input.
            d_states: for each state `[before + n, D, h]`, its gradient as it comes from outside these steps;
                what the steps add is to be added.
            d_W_aa: `[D, h, gates*h]`, to which the gradient of W_aa, transposed, is to be added.
            gates: as `forward` left them.
            states: as `forward` left them.
            W_aa: `[D, gates*h, h]`.
            stretch: the layout.
        """


def run_scan(
    scan: Scan,
    cells: Sequence[Cell],
    directions: Sequence[bool],
    x: Tensor,
    lengths: Tensor,
    state: State | None = None,
) -> tuple[Tensor, State]:
    """Run cells of one class and of the same sizes over the same sentences, all directions in one scan.

    Args:
        scan: the mathematics of their class.
        cells: D of them.
        directions: for each cell, whether it reads backward.
        x: `[b, t, i]`; padding is never read.
        lengths: `[b]` int64, from 0 to t.
        state: the tensors `[b, h]` of the first cell's state, then those of the next; zeros if not given.

    Returns:
        output: `[b, t, D*h]`, zero in the padding.
        state: the final states, laid out as `state`.
    """
    run = _Run(scan, tuple(cells), tuple(directions), lengths, pack(lengths, x.shape[1], tuple(directions)))
    inputs = [x, *(weight for cell in cells for weight in (cell.W_ax, cell.W_aa, cell.b_a)), *(state or ())]
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in inputs):
        output, *final = _Scanned.apply(run, *inputs)  # type: ignore[no-untyped-call]
    else:
        output, final, _ = _forward(run, inputs, keep=False)
    return output, tuple(tensor[:, d] for d in range(len(cells)) for tensor in final)


class _Run(NamedTuple):
    """What a scan runs on, besides its tensors: x, then W_ax, W_aa, b_a of each cell, then initial states."""

    scan: Scan
    cells: tuple[Cell, ...]
    directions: tuple[bool, ...]
    lengths: Tensor
    packing: Packing

    def stretches(self) -> list[Stretch]:
        cell = self.cells[0]
        return list(self.packing.stretches(STRETCH // (len(self.cells) * cell.gates * cell.hidden_size)))

    def weights(self, inputs: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """W_ax with b_a as its last column `[D, gates*h, i + 1]`, and W_aa `[D, gates*h, h]`."""
        W_ax, W_aa, b_a = (torch.stack(tuple(inputs[k : 1 + 3 * len(self.cells) : 3])) for k in (1, 2, 3))
        return torch.cat([W_ax, b_a[..., None]], dim=-1), W_aa

    def initial(self, inputs: Sequence[Tensor], k: int) -> Sequence[Tensor]:
        """The initial state number k of each direction, if they are given."""
        return inputs[1 + 3 * len(self.cells) + k :: self.cells[0].states]

    def read(self, words: Tensor, stretch: Stretch) -> Tensor:
        """The words of some steps: `[b*t, i + 1]`, from `with_one`, to `[D, n, i + 1]`."""
        places = self.packing.words[:, stretch.rows]
        return words.index_select(0, places.flatten()).view(*places.shape, -1)


class _Scanned(torch.autograd.Function):
    """`_forward` and `_backward` as one differentiable function."""

    @staticmethod
    def forward(ctx: Any, run: _Run, *inputs: Tensor) -> tuple[Tensor, ...]:
        output, final, kept = _forward(run, inputs, keep=True)
        ctx.run = run
        ctx.save_for_backward(*inputs, *kept)
        ctx.set_materialize_grads(False)
        return (output, *final)

    @staticmethod
    def backward(ctx: Any, *d_outputs: Tensor | None) -> tuple[Tensor | None, ...]:
        wanted = ctx.needs_input_grad[1:]
        inputs, kept = ctx.saved_tensors[: len(wanted)], ctx.saved_tensors[len(wanted) :]
        if torch.is_grad_enabled():  # with create_graph=True: these gradients are to be differentiated, too
            return None, *_gradients_of_loop(ctx.run, inputs, wanted, d_outputs)
        return None, *_backward(ctx.run, inputs, kept, d_outputs, needs_x=wanted[0])


def _forward(
    run: _Run, inputs: Sequence[Tensor], *, keep: bool
) -> tuple[Tensor, list[Tensor], tuple[Tensor, ...]]:
    """The output `[b, t, D*h]`, the final states `[b, D, h]`, and for `_backward` the states and gates."""
    x, packing, scan = inputs[0], run.packing, run.scan
    W_ax, W_aa = run.weights(inputs)
    (b, t, _), (d, n), h = x.shape, packing.words.shape, W_aa.shape[-1]
    for weight in (W_ax, W_aa):
        weight[:, scan.tanh * h : (scan.tanh + 1) * h] *= 2
    words = _with_one(x)
    W_aa = W_aa.mT.contiguous()
    states = [x.new_empty(b + n + 1, d, h) for _ in range(run.cells[0].states)]
    for k, state in enumerate(states):
        state[:b] = 0
        state[-1] = 0
        for direction, initial in enumerate(run.initial(inputs, k)):
            state[:b, direction] = initial.index_select(0, packing.order)
    kept = [x.new_empty(n if keep else 0, d, group * h) for group in scan.groups]
    for stretch in run.stretches():
        read = run.read(words, stretch)
        gates = [g[stretch.rows] if keep else g.new_empty(read.shape[1], d, g.shape[2]) for g in kept]
        row = 0
        for gate in gates:
            rows = slice(row, row := row + gate.shape[2])
            torch.bmm(read, W_ax[:, rows].mT, out=gate.transpose(0, 1))
        scan.forward(gates, [state[stretch.states] for state in states], W_aa, stretch)
    output = states[0].view(-1, h).index_select(0, packing.outputs).view(b, t, d * h)
    return output, [state.index_select(0, packing.last) for state in states], (*states, *kept)


def _backward(
    run: _Run,
    inputs: Sequence[Tensor],
    kept: Sequence[Tensor],
    d_outputs: Sequence[Tensor | None],
    *,
    needs_x: bool,
) -> list[Tensor | None]:
    """The gradients of all inputs, from those of the output and the final states."""
    x, packing = inputs[0], run.packing
    W_ax, W_aa = run.weights(inputs)
    (d, n), i = packing.words.shape, x.shape[-1]
    words = _with_one(x)
    states, gates = kept[: run.cells[0].states], kept[run.cells[0].states :]
    d_states = _d_states(run, states, d_outputs)
    d_W_ax, d_W_aa = torch.zeros_like(W_ax.mT), torch.zeros_like(W_aa.mT)  # transposed: the faster product
    d_read = x.new_empty(d, n + 1, i) if needs_x else None
    for stretch in reversed(run.stretches()):
        own, around = stretch.rows, stretch.states
        d_gates = x.new_empty(own.stop - own.start, *W_aa.shape[:2])
        run.scan.backward(
            d_gates,
            [s[around] for s in d_states],
            d_W_aa,
            [g[own] for g in gates],
            [s[around] for s in states],
            W_aa,
            stretch,
        )
        d_W_ax.baddbmm_(run.read(words, stretch).mT, d_gates.transpose(0, 1))
        if d_read is not None:
            torch.bmm(d_gates.transpose(0, 1), W_ax[..., :-1], out=d_read[:, own])
    d_x = None if d_read is None else _d_x(run, d_read).view_as(x)
    d_weights = [w for k in range(d) for w in (d_W_ax[k, :-1].T, d_W_aa[k].T, d_W_ax[k, -1])]
    return [d_x, *d_weights, *_d_initial(run, inputs, d_states)]


def _with_one(x: Tensor) -> Tensor:
    """x `[b, t, i]` as `[b*t, i + 1]` with 1 in the last place, which the bias is multiplied by.

    One product then gives W_ax x<t> + b_a, and one the gradients of both: no further pass over all gates.
    """
    words = x.new_empty(x.shape[0] * x.shape[1], x.shape[2] + 1)
    words[:, :-1] = x.reshape(-1, x.shape[2])
    words[:, -1] = 1
    return words


def _d_x(run: _Run, d_read: Tensor) -> Tensor:
    """The gradient of each word `[b*t, i]` from those of packed rows `[D, N+1, i]`, the last for padding."""
    d_read[:, -1] = 0
    d_x = d_read[0].index_select(0, run.packing.places[0])
    for read, places in zip(d_read[1:], run.packing.places[1:], strict=True):
        d_x += read.index_select(0, places)
    return d_x


def _d_states(run: _Run, states: Sequence[Tensor], d_outputs: Sequence[Tensor | None]) -> list[Tensor]:
    """The gradient that reaches each state from outside, in buffers like those of the states."""
    b = run.packing.order.shape[0]
    d_output, *d_final = d_outputs
    d_states = [torch.empty_like(state[:-1]) for state in states]
    for k, d_state in enumerate(d_states):
        if k == 0 and d_output is not None:
            d_state[:b] = 0
            rows, h = d_state[b:], d_state.shape[-1]
            torch.index_select(d_output.reshape(-1, h), 0, run.packing.gradients, out=rows.view(-1, h))
        else:
            d_state.zero_()
    for d_state, d_last in zip(d_states, d_final, strict=True):
        if d_last is not None:
            d_state[run.packing.last] += d_last
    return d_states


def _d_initial(run: _Run, inputs: Sequence[Tensor], d_states: Sequence[Tensor]) -> list[Tensor]:
    """The gradients of the initial states, where these are given; they stand in the first rows."""
    order = run.packing.order
    given = [d_state[: len(order), d] for d in range(len(run.cells)) for d_state in d_states]
    return [
        torch.empty_like(g).index_copy_(0, order, g) for g in given[: len(inputs) - 1 - 3 * len(run.cells)]
    ]


class _Loop(nn.Module):
    """The loop over a cell as a module, for `functional_call`."""

    def __init__(self, cell: Cell, reverse: bool) -> None:
        super().__init__()
        self.cell, self.reverse = cell, reverse

    def forward(self, x: Tensor, lengths: Tensor, state: State | None) -> tuple[Tensor, State]:
        return run_loop(self.cell, x, lengths, state, reverse=self.reverse)


def _gradients_of_loop(
    run: _Run, inputs: Sequence[Tensor], wanted: Sequence[bool], d_outputs: Sequence[Tensor | None]
) -> list[Tensor | None]:
    """The same gradients by way of the loop, as functions that can be differentiated again."""
    outputs, finals = [], []
    for d, (cell, reverse) in enumerate(zip(run.cells, run.directions, strict=True)):
        weights = dict(
            zip(("cell.W_ax", "cell.W_aa", "cell.b_a"), inputs[1 + 3 * d : 4 + 3 * d], strict=True)
        )
        state = tuple(run.initial(inputs, k)[d] for k in range(cell.states) if run.initial(inputs, k))
        output, final = functional_call(
            _Loop(cell, reverse), weights, (inputs[0], run.lengths, state or None)
        )
        outputs.append(output)
        finals.append(torch.stack(final))
    results = [torch.cat(outputs, dim=-1), *torch.stack(finals, dim=2)]
    used = [(result, d) for result, d in zip(results, d_outputs, strict=True) if d is not None]
    gradients = iter(
        torch.autograd.grad(
            [result for result, _ in used],
            [tensor for tensor, want in zip(inputs, wanted, strict=True) if want],
            [d for _, d in used],
            create_graph=True,
            allow_unused=True,
        )
    )
    return [next(gradients) if want else None for want in wanted]

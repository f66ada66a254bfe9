"""Fused recurrences: a cell's equations over whole sentences, with backpropagation through time written out.

This module contains what all cells share: the input product for all words at once, its gradients, and the
gathering of words and outputs. `rnner.nn.fused.cell_scans` holds the equations of each cell. Everything runs
over packed rows (`rnner.nn.fused.packing`), with D directions side by side, in chunks of steps that are short
enough for their buffers to stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from rnner.nn.cells import Cell, State
from rnner.nn.fused.cell_scans import CellScan, Gradients, Tensors
from rnner.nn.fused.packing import Packing, StepChunk, pack
from rnner.nn.loop import Recurrence, run_loops

CHUNK_SIZE = 1 << 20
"""Number of gate values per chunk of steps; chosen by measurement, but not critical."""


def run_scan(scan: CellScan, recurrence: Recurrence) -> tuple[Tensor, State]:
    """Run a recurrence, all directions in one scan; `scan` holds the equations of the cells' class."""
    cells, reverse, x, lengths, state = recurrence
    run = _Run(scan, tuple(cells), tuple(reverse), lengths, pack(lengths, x.shape[1], tuple(reverse)))
    inputs = [x, *(weight for cell in cells for weight in (cell.W_ax, cell.W_aa, cell.b_a)), *(state or ())]
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in inputs):
        output, *final = _ScanFunction.apply(run, *inputs)  # type: ignore[no-untyped-call]
    else:
        output, final, _ = _forward(run, inputs, keep=False)
    return output, tuple(tensor[:, d] for d in range(len(cells)) for tensor in final)


def new_states(like: Tensor, packing: Packing, h: int, number: int) -> list[Tensor]:
    """Return buffers of states `[b+N+1, D, h]`, with zeros before the first word and for padding."""
    b, (d, n) = len(packing.sorted_indices), packing.word_index.shape
    states = [like.new_empty(b + n + 1, d, h) for _ in range(number)]
    for state in states:
        state[:b], state[-1] = 0, 0
    return states


class _Run(NamedTuple):
    """The settings of a scan. Its inputs are x, each cell's W_ax, W_aa and b_a, and the initial states."""

    scan: CellScan
    cells: tuple[Cell, ...]
    reverse: tuple[bool, ...]
    lengths: Tensor
    packing: Packing

    def chunks(self) -> list[StepChunk]:
        cell = self.cells[0]
        return list(self.packing.chunks(CHUNK_SIZE // (len(self.cells) * cell.gates * cell.hidden_size)))

    def initial_states(self, inputs: Tensors) -> Tensors:
        return inputs[1 + 3 * len(self.cells) :]

    def weights(self, inputs: Tensors) -> tuple[Tensor, Tensor]:
        """Return W_ax with b_a as its last column `[D, gates*h, i + 1]`, and W_aa `[D, gates*h, h]`."""
        W_ax, W_aa, b_a = (torch.stack(tuple(inputs[k : 1 + 3 * len(self.cells) : 3])) for k in (1, 2, 3))
        return torch.cat([W_ax, b_a[..., None]], dim=-1), W_aa

    def gather(self, words: Tensor, chunk: StepChunk) -> Tensor:
        """Return the rows `[D, n, i + 1]` that a chunk reads, of words `[b*t, i + 1]`."""
        index = self.packing.word_index[:, chunk.rows]
        return words.index_select(0, index.flatten()).view(*index.shape, -1)


class _ScanFunction(torch.autograd.Function):
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
        needed = ctx.needs_input_grad[1:]
        inputs, kept = ctx.saved_tensors[: len(needed)], ctx.saved_tensors[len(needed) :]
        if torch.is_grad_enabled():  # create_graph=True: the gradients must be differentiable, too
            return None, *_loop_gradients(ctx.run, inputs, needed, d_outputs)
        return None, *_backward(ctx.run, inputs, kept, d_outputs, needs_x=needed[0])


def _forward(run: _Run, inputs: Tensors, *, keep: bool) -> tuple[Tensor, list[Tensor], tuple[Tensor, ...]]:
    """Return the output `[b, t, D*h]`, final states `[b, D, h]`, and the states and gates for `_backward`."""
    x, packing, scan = inputs[0], run.packing, run.scan
    W_ax, W_aa = run.weights(inputs)
    (b, t, _), (d, n), h = x.shape, packing.word_index.shape, W_aa.shape[-1]
    scan.double_tanh_gate_(W_ax, h)
    scan.double_tanh_gate_(W_aa, h)
    words = _append_ones(x)
    W_aa = W_aa.mT.contiguous()
    states = new_states(x, packing, h, run.cells[0].states)
    for k, initial in enumerate(run.initial_states(inputs)):
        states[k % len(states)][:b, k // len(states)] = initial.index_select(0, packing.sorted_indices)
    kept = [x.new_empty(n if keep else 0, d, group * h) for group in scan.gate_groups]
    for chunk in run.chunks():
        packed = run.gather(words, chunk)
        gates = [g[chunk.rows] if keep else g.new_empty(packed.shape[1], d, g.shape[2]) for g in kept]
        for gate, rows in zip(gates, scan.group_rows(h), strict=True):
            torch.bmm(packed, W_ax[:, rows].mT, out=gate.transpose(0, 1))
        scan.forward(gates, [state[chunk.states] for state in states], W_aa, chunk)
    output = states[0].view(-1, h).index_select(0, packing.output_index).view(b, t, d * h)
    return output, [state.index_select(0, packing.final_index) for state in states], (*states, *kept)


def _backward(
    run: _Run, inputs: Tensors, kept: Tensors, d_outputs: Sequence[Tensor | None], *, needs_x: bool
) -> list[Tensor | None]:
    """Return the gradients of all inputs, from those of the output and the final states."""
    x, packing = inputs[0], run.packing
    W_ax, W_aa = run.weights(inputs)
    (d, n), i = packing.word_index.shape, x.shape[-1]
    words = _append_ones(x)
    states, gates = kept[: run.cells[0].states], kept[run.cells[0].states :]
    d_states = _state_gradients(packing, states, d_outputs)
    d_W_ax, d_W_aa = torch.zeros_like(W_ax.mT), torch.zeros_like(W_aa.mT)  # transposed: a faster product
    d_packed = x.new_empty(d, n + 1, i) if needs_x else None
    for chunk in reversed(run.chunks()):
        rows, around = chunk.rows, chunk.states
        d_gates = x.new_empty(rows.stop - rows.start, *W_aa.shape[:2])
        gradients = Gradients(d_gates, [s[around] for s in d_states], d_W_aa)
        run.scan.backward(gradients, [g[rows] for g in gates], [s[around] for s in states], W_aa, chunk)
        d_W_ax.baddbmm_(run.gather(words, chunk).mT, d_gates.transpose(0, 1))
        if d_packed is not None:
            torch.bmm(d_gates.transpose(0, 1), W_ax[..., :-1], out=d_packed[:, rows])
    d_x = None if d_packed is None else _word_gradients(packing, d_packed).view_as(x)
    d_weights = [w for k in range(d) for w in (d_W_ax[k, :-1].T, d_W_aa[k].T, d_W_ax[k, -1])]
    b, number = len(packing.sorted_indices), len(run.initial_states(inputs))
    d_first = [d_states[k % len(states)][:b, k // len(states)] for k in range(number)]
    d_initial = [torch.empty_like(rows).index_copy_(0, packing.sorted_indices, rows) for rows in d_first]
    return [d_x, *d_weights, *d_initial]


def _append_ones(x: Tensor) -> Tensor:
    """Return x `[b, t, i]` as `[b*t, i + 1]` with a last column of ones, which multiplies the bias.

    One product then gives W_ax x<t> + b_a, and one gives the gradients of both, without another pass over all
    gates.
    """
    words = x.new_empty(x.shape[0] * x.shape[1], x.shape[2] + 1)
    words[:, :-1] = x.reshape(-1, x.shape[2])
    words[:, -1] = 1
    return words


def _word_gradients(packing: Packing, d_packed: Tensor) -> Tensor:
    """Return the gradients of words `[b*t, i]` from packed rows `[D, N+1, i]`, the last one for padding."""
    d_packed[:, -1] = 0
    d_x = d_packed[0].index_select(0, packing.packed_index[0])
    for d_rows, index in zip(d_packed[1:], packing.packed_index[1:], strict=True):
        d_x += d_rows.index_select(0, index)
    return d_x


def _state_gradients(packing: Packing, states: Tensors, d_outputs: Sequence[Tensor | None]) -> list[Tensor]:
    """Return buffers with the gradients that reach the states from the output and the final states."""
    b = len(packing.sorted_indices)
    d_output, *d_final = d_outputs
    d_states = [torch.empty_like(state[:-1]) for state in states]
    for k, d_state in enumerate(d_states):
        if k == 0 and d_output is not None:
            d_state[:b] = 0
            rows, h = d_state[b:], d_state.shape[-1]
            torch.index_select(d_output.reshape(-1, h), 0, packing.gradient_index, out=rows.view(-1, h))
        else:
            d_state.zero_()
    for d_state, d_last in zip(d_states, d_final, strict=True):
        if d_last is not None:
            d_state[packing.final_index] += d_last
    return d_states


class _Loops(nn.Module):
    """`run_loops` as a module, for `functional_call`."""

    def __init__(self, run: _Run) -> None:
        super().__init__()
        self.cells, self.run = nn.ModuleList(run.cells), run

    def forward(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        return run_loops(Recurrence(self.run.cells, self.run.reverse, x, self.run.lengths, state))


def _loop_gradients(
    run: _Run, inputs: Tensors, needed: Sequence[bool], d_outputs: Sequence[Tensor | None]
) -> list[Tensor | None]:
    """Return the gradients of all inputs, computed by the loop so that they can be differentiated again."""
    names = [f"cells.{d}.{name}" for d in range(len(run.cells)) for name in ("W_ax", "W_aa", "b_a")]
    weights = dict(zip(names, inputs[1:], strict=False))
    initial = tuple(run.initial_states(inputs)) or None
    output, final = functional_call(_Loops(run), weights, (inputs[0], initial))
    states = run.cells[0].states
    results = [output, *(torch.stack(final[k::states], dim=1) for k in range(states))]
    used = [(result, d) for result, d in zip(results, d_outputs, strict=True) if d is not None]
    ys, d_ys = zip(*used, strict=True)
    xs = [tensor for tensor, need in zip(inputs, needed, strict=True) if need]
    gradients = iter(torch.autograd.grad(ys, xs, d_ys, create_graph=True, allow_unused=True))
    return [next(gradients) if need else None for need in needed]

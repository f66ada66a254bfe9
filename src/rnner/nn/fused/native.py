"""Cells whose equations are exactly those of a library kernel, run by that kernel (oneDNN, cuDNN, ATen)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from rnner.nn.cells import Cell, GRUResetAfterCell, LSTMCell, State
from rnner.nn.loop import reverse_each

CLOSED = 1e4
"""So far from 0 that σ is exactly 0 or 1, in every float type."""

Kernel = Callable[..., Any]
"""`torch.lstm`, `torch.gru` or `torch.rnn_tanh`."""


def run_native(
    kernel: Kernel,
    cells: Sequence[Cell],
    directions: Sequence[bool],
    x: Tensor,
    lengths: Tensor,
    state: State | None = None,
) -> tuple[Tensor, State]:
    """Run cells over the same sentences with a library kernel.

    Args and results are those of `rnner.nn.fused.scan.run_scan`. The kernel also runs over the padding (the cost is
    that of full rows). A gradient cannot be differentiated again: that is refused, with the way out.
    """
    state = state or tuple(s for cell in cells for s in cell.initial_state(x))
    if tuple(directions) in ((False,), (False, True)) and bool((lengths == x.shape[1]).all()):
        weights = [weight for cell in cells for weight in _weights(cell)]
        return _call(kernel, x, state, weights, cells[0].states)
    outside = (torch.arange(x.shape[1], device=x.device) >= lengths[:, None])[..., None]
    x = x.masked_fill(outside, 0)
    outputs: list[Tensor] = []
    final: State = ()
    for cell, reverse in zip(cells, directions, strict=True):
        start = state[len(final) : len(final) + cell.states]
        read = reverse_each(x, lengths) if reverse else x
        output, end = _ragged(kernel, cell, read, outside, lengths, start)
        outputs.append(reverse_each(output, lengths) if reverse else output)
        final += end
    return torch.cat(outputs, dim=-1) if len(outputs) > 1 else outputs[0], final


def _ragged(
    kernel: Kernel, cell: Cell, x: Tensor, outside: Tensor, lengths: Tensor, start: State
) -> tuple[Tensor, State]:
    """One direction over padded sentences, in the order of reading; padding outside `[b, t, 1]`."""
    W_ax, *others = _weights(cell)
    if isinstance(cell, LSTMCell):
        # The kernel tells c<t> at the end only. So one more feature, 1 in the padding, closes Γ_u and opens
        # Γ_f there, and each sentence's own c<t> is kept to the end.
        hold = x.new_tensor([-CLOSED, CLOSED, 0, 0]).repeat_interleave(cell.hidden_size)
        W_ax = torch.cat([W_ax, hold[:, None]], dim=1)
        x = torch.cat([x, outside.to(x.dtype)], dim=-1)
    output, (_, *memory) = _call(kernel, x, start, [W_ax, *others], cell.states)
    last = (lengths - 1).clamp(min=0)[:, None, None].expand(-1, 1, output.shape[-1])
    a = torch.where(lengths[:, None] > 0, output.gather(1, last)[:, 0], start[0])
    return output.masked_fill(outside, 0), (a, *memory)


def _weights(cell: Cell) -> list[Tensor]:
    """W_ax, W_aa and the two biases that kernels want; only the reset-after GRU needs the second."""
    b_aa = torch.zeros_like(cell.b_a)
    if isinstance(cell, GRUResetAfterCell):
        b_aa = torch.cat([b_aa[: 2 * cell.hidden_size], cell.b_cc])
    return [cell.W_ax, cell.W_aa, cell.b_a, b_aa]


def _call(
    kernel: Kernel, x: Tensor, state: State, weights: list[Tensor], states: int
) -> tuple[Tensor, State]:
    """The kernel over rows of full length; `states` tensors of state for each direction."""
    weights = _side_by_side(weights) if x.is_cuda else weights
    start = tuple(torch.stack(state[k::states]) for k in range(states))
    output, *end = kernel(
        x,
        start if states > 1 else start[0],
        weights,
        True,  # has biases
        1,  # layers
        0.0,  # dropout
        torch.is_grad_enabled(),  # what a gradient needs is kept
        len(weights) == 8,  # two directions
        True,  # batch first
    )
    if output.requires_grad:
        output.register_hook(_refuse_twice)
    return output, tuple(tensor[d] for d in range(len(weights) // 4) for tensor in end)


def _side_by_side(weights: list[Tensor]) -> list[Tensor]:
    """The same in one buffer, matrices before biases: else cuDNN copies them so at each call, and warns."""
    order = sorted(range(len(weights)), key=lambda k: k % 4 > 1)
    flat = torch.cat([weights[k].reshape(-1) for k in order])
    parts = dict(zip(order, flat.split_with_sizes([weights[k].numel() for k in order]), strict=True))
    return [parts[k].view_as(weight) for k, weight in enumerate(weights)]


def _refuse_twice(gradient: Tensor) -> None:
    if torch.is_grad_enabled():
        raise RuntimeError(
            'a library kernel\'s gradient cannot be differentiated again; build the layer with path="loop"'
        )


def run_wordwise(
    cells: Sequence[Cell], directions: Sequence[bool], x: Tensor, lengths: Tensor, state: State | None = None
) -> tuple[Tensor, State]:
    """Run `NoRecurrenceCell`s; args and results are those of `rnner.nn.fused.scan.run_scan`."""
    outside = (torch.arange(x.shape[1], device=x.device) >= lengths[:, None])[..., None]
    x = x.masked_fill(outside, 0)
    outputs = [torch.tanh(cell.project(x)).masked_fill(outside, 0) for cell in cells]
    final = []
    for d, (output, reverse) in enumerate(zip(outputs, directions, strict=True)):
        last = torch.zeros_like(lengths) if reverse else (lengths - 1).clamp(min=0)
        end = output.gather(1, last[:, None, None].expand(-1, 1, output.shape[-1]))[:, 0]
        start = torch.zeros_like(end) if state is None else state[d]
        final.append(torch.where(lengths[:, None] > 0, end, start))
    return torch.cat(outputs, dim=-1), tuple(final)

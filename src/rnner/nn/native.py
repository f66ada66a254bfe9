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


def run_native(
    kernel: Callable[..., Any],
    cells: Sequence[Cell],
    directions: Sequence[bool],
    x: Tensor,
    lengths: Tensor,
    state: State | None = None,
) -> tuple[Tensor, State]:
    """Run cells over the same sentences with `torch.lstm`, `torch.gru` or `torch.rnn_tanh`.

    Args and results are those of `rnner.nn.scan.run_scan`. The kernel also runs over the padding (the cost is
    that of full rows). A gradient cannot be differentiated again: that is refused, with the way out.
    """
    outside = torch.arange(x.shape[1], device=x.device) >= lengths[:, None]
    x = x.masked_fill(outside[..., None], 0)
    outputs: list[Tensor] = []
    final: State = ()
    for d, (cell, reverse) in enumerate(zip(cells, directions, strict=True)):
        own = cell.initial_state(x) if state is None else state[d * cell.states : (d + 1) * cell.states]
        output, end = _one_direction(kernel, cell, reverse_each(x, lengths) if reverse else x, outside, own)
        output = output.masked_fill(outside[..., None], 0)
        outputs.append(reverse_each(output, lengths) if reverse else output)
        final += end
    return torch.cat(outputs, dim=-1) if len(outputs) > 1 else outputs[0], final


def _one_direction(
    kernel: Callable[..., Any], cell: Cell, x: Tensor, outside: Tensor, state: State
) -> tuple[Tensor, State]:
    """The output, anything in the padding, and the final state; x in the order of reading."""
    W_ax: Tensor = cell.W_ax
    b_aa = torch.zeros_like(cell.b_a)
    if isinstance(cell, GRUResetAfterCell):
        b_aa = torch.cat([b_aa[: 2 * cell.hidden_size], cell.b_cc])
    if isinstance(cell, LSTMCell):
        # The kernel gives c<t> at the end only. So one more feature, 1 in the padding, closes Γ_u and opens
        # Γ_f there, and each sentence's c<t> is kept to the end.
        hold = x.new_tensor([-CLOSED, CLOSED, 0, 0]).repeat_interleave(cell.hidden_size)
        W_ax = torch.cat([W_ax, hold[:, None]], dim=1)
        x = torch.cat([x, outside[..., None].to(x.dtype)], dim=-1)
    start = tuple(tensor[None].contiguous() for tensor in state)
    output, *end = kernel(
        x,
        start if len(start) > 1 else start[0],
        [W_ax, cell.W_aa, cell.b_a, b_aa],
        True,  # has biases
        1,  # layers
        0.0,  # dropout
        torch.is_grad_enabled(),  # what a gradient needs is kept
        False,  # bidirectional
        True,  # batch first
    )
    if output.requires_grad:
        output.register_hook(_refuse_twice)
    last = (~outside).sum(dim=1) - 1
    a = output.gather(1, last.clamp(min=0)[:, None, None].expand(-1, 1, output.shape[-1]))[:, 0]
    a = torch.where(last[:, None] < 0, state[0], a)
    return output, (a, *(tensor[0] for tensor in end[1:]))


def _refuse_twice(gradient: Tensor) -> None:
    if torch.is_grad_enabled():
        raise RuntimeError(
            'a library kernel\'s gradient cannot be differentiated again; build the layer with path="loop"'
        )

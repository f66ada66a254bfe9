"""Library kernels (oneDNN, cuDNN, ATen) for the cells whose equations they compute exactly."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from rnner.nn.cells import Cell, GRUResetAfterCell, LSTMCell, State
from rnner.nn.loop import Recurrence, run_loops
from rnner.nn.padding import final_output, padding_mask, reverse_sequences

Kernel = Callable[..., Any]
SATURATED = 1e4
"""A number whose σ is exactly 1 in every float type; the σ of its negative is exactly 0."""


def run_native(kernel: Kernel, recurrence: Recurrence) -> tuple[Tensor, State]:
    """Run a recurrence with a kernel: `torch.lstm`, `torch.gru` or `torch.rnn_tanh`.

    The kernel also computes the padding. See `Recurrence` for the results.

    Raises:
        RuntimeError: in the backward pass, for second derivatives.
    """
    cells, reverse, x, lengths, state = recurrence
    state = state or tuple(s for cell in cells for s in cell.initial_state(x))
    if tuple(reverse) in ((False,), (False, True)) and bool((lengths == x.shape[1]).all()):
        weights = [weight for cell in cells for weight in kernel_weights(cell)]
        return _call(kernel, x, state, weights, cells[0].states)
    outside = padding_mask(x, lengths)[..., None]
    recurrence = recurrence._replace(x=x.masked_fill(outside, 0))
    return run_loops(recurrence, partial(_run_ragged, kernel, outside))


def _run_ragged(
    kernel: Kernel, outside: Tensor, cell: Cell, x: Tensor, lengths: Tensor, initial: State, *, reverse: bool
) -> tuple[Tensor, State]:
    """Run one direction as `run_loop` does, given the padding mask `outside` `[b, t, 1]`."""
    if reverse:
        x = reverse_sequences(x, lengths)
    W_ax, *others = kernel_weights(cell)
    if isinstance(cell, LSTMCell):
        # The kernel returns only the last c<t>. So an additional feature, 1 in the padding, sets Γ_u to 0 and
        # Γ_f to 1 there, and each sentence keeps its own c<t> to the end.
        hold = x.new_tensor([-SATURATED, SATURATED, 0, 0]).repeat_interleave(cell.hidden_size)
        W_ax = torch.cat([W_ax, hold[:, None]], dim=1)
        x = torch.cat([x, outside.to(x.dtype)], dim=-1)
    output, (_, *memory) = _call(kernel, x, initial, [W_ax, *others], cell.states)
    final = (final_output(output, lengths, initial[0]), *memory)
    output = output.masked_fill(outside, 0)
    return reverse_sequences(output, lengths) if reverse else output, final


def kernel_weights(cell: Cell) -> list[Tensor]:
    """Return W_ax, W_aa and the two biases of the kernels; only the reset-after GRU uses the second."""
    b_aa = torch.zeros_like(cell.b_a)
    if isinstance(cell, GRUResetAfterCell):
        b_aa = torch.cat([b_aa[: 2 * cell.hidden_size], cell.b_cc])
    return [cell.W_ax, cell.W_aa, cell.b_a, b_aa]


def _call(
    kernel: Kernel, x: Tensor, state: State, weights: list[Tensor], states: int
) -> tuple[Tensor, State]:
    """Call the kernel on sentences of full length; a state has `states` tensors per direction."""
    weights = _flattened(weights) if x.is_cuda else weights
    initial = tuple(torch.stack(state[k::states]) for k in range(states))
    # has_biases, num_layers, dropout, train, bidirectional, batch_first
    options = (True, 1, 0.0, torch.is_grad_enabled(), len(weights) == 8, True)
    output, *end = kernel(x, initial if states > 1 else initial[0], weights, *options)
    if output.requires_grad:
        output.register_hook(_refuse_second_derivative)
    return output, tuple(tensor[d] for d in range(len(weights) // 4) for tensor in end)


def _flattened(weights: list[Tensor]) -> list[Tensor]:
    """Return the weights as views of one buffer, matrices first, to avoid a copy and a warning from cuDNN."""
    order = sorted(range(len(weights)), key=lambda k: k % 4 > 1)
    flat = torch.cat([weights[k].reshape(-1) for k in order])
    parts = dict(zip(order, flat.split_with_sizes([weights[k].numel() for k in order]), strict=True))
    return [parts[k].view_as(weight) for k, weight in enumerate(weights)]


def _refuse_second_derivative(gradient: Tensor) -> None:
    if torch.is_grad_enabled():
        raise RuntimeError(
            "library kernels do not support second derivatives; build the layer with "
            'path="loop", or path="fused" if its cell supports it'
        )

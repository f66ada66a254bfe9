"""The plain loop over `Cell.step`. It defines the result that every faster implementation must reproduce."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from rnner.nn.cells import Cell, State
from rnner.nn.padding import padding_mask, reverse_sequences


def run_loop(
    cell: Cell, x: Tensor, lengths: Tensor, state: State | None = None, *, reverse: bool = False
) -> tuple[Tensor, State]:
    """Run a cell over each sentence, step by step.

    Args:
        cell: any cell.
        x: `[b, t, i]`; padding is never read.
        lengths: `[b]` int64, from 0 to t. A sentence that has ended keeps its state.
        state: the initial state, `cell.states` tensors `[b, h]`; default: `cell.initial_state`.
        reverse: read each sentence backward, from its own last word.

    Returns:
        output: `[b, t, h]`, zero in the padding.
        state: the state after the last word read.

    Raises:
        ValueError: `step` does not return a tuple of `cell.states` tensors `[b, h]`.
    """
    outside = padding_mask(x, lengths)[..., None]
    x = x.masked_fill(outside, 0)  # first of all, so that a NaN in the padding cannot spread
    if reverse:
        x = reverse_sequences(x, lengths)
    if state is None:
        state = cell.initial_state(x)
    outputs = []
    for t, projected in enumerate(cell.project(x).unbind(dim=1)):
        new = cell.step(projected, state)
        _check_step(cell, new, state)
        state = tuple(torch.where(outside[:, t], before, now) for before, now in zip(state, new, strict=True))
        outputs.append(state[0])
    output = torch.stack(outputs, dim=1).masked_fill(outside, 0)
    return reverse_sequences(output, lengths) if reverse else output, state


class Recurrence(NamedTuple):
    """D cells of the same class and sizes, and the sentences that they read.

    An implementation is a function of a `Recurrence` that returns the output `[b, t, D*h]`, zero in the
    padding, and the final states in the order of `state`.
    """

    cells: Sequence[Cell]
    """D cells."""
    reverse: Sequence[bool]
    """For each cell, whether it reads backward."""
    x: Tensor
    """`[b, t, i]`; padding is never read."""
    lengths: Tensor
    """`[b]` int64, from 0 to t."""
    state: State | None
    """The initial state: the tensors `[b, h]` of the first cell, then those of the next. None for zeros."""


def run_loops(
    recurrence: Recurrence, run: Callable[..., tuple[Tensor, State]] = run_loop
) -> tuple[Tensor, State]:
    """Run the cells of a recurrence one by one, each with `run`, which takes the arguments of `run_loop`."""
    cells, reverse, x, lengths, state = recurrence
    outputs: list[Tensor] = []
    final: State = ()
    for cell, backward in zip(cells, reverse, strict=True):
        initial = state[len(final) : len(final) + cell.states] if state else cell.initial_state(x)
        output, end = run(cell, x, lengths, initial, reverse=backward)
        outputs.append(output)
        final += end
    return torch.cat(outputs, dim=-1) if len(outputs) > 1 else outputs[0], final


def _check_step(cell: Cell, new: object, old: State) -> None:
    """Raise a ValueError unless a step returned tensors like `old`; other shapes might broadcast silently."""
    if isinstance(new, tuple) and [getattr(s, "shape", None) for s in new] == [s.shape for s in old]:
        return
    got = type(new).__name__
    if isinstance(new, tuple):
        got = f"({', '.join(str(list(s.shape)) if isinstance(s, Tensor) else type(s).__name__ for s in new)})"
    raise ValueError(
        f"{type(cell).__name__}.step must return a tuple of {cell.states} tensors [b, h] (one per state), "
        f"here of shape {list(old[0].shape)}, not {got}"
    )

"""The plain loop over a cell's steps. It defines what every faster path must compute."""

from __future__ import annotations

import torch
from torch import Tensor

from rnner.nn.cells import Cell, State


def run_loop(
    cell: Cell, x: Tensor, lengths: Tensor, state: State | None = None, *, reverse: bool = False
) -> tuple[Tensor, State]:
    """Run a cell over each sentence, step by step.

    Args:
        cell: any cell.
        x: `[b, t, i]`; padding, on the right, is never read.
        lengths: `[b]` int64, from 0 to t. A sentence that is over keeps its state.
        state: `cell.states` tensors `[b, h]` to start from; the cell's own start if not given.
        reverse: read each sentence backward, from its own last word.

    Returns:
        output: `[b, t, h]`, zero in the padding.
        state: the state after the last word read.

    Raises:
        ValueError: a step that does not return a tuple of `cell.states` tensors `[b, h]`.
    """
    inside = torch.arange(x.shape[1], device=x.device) < lengths[:, None]
    x = x.masked_fill(~inside[..., None], 0)  # before anything else, so that a NaN there stays there
    if reverse:
        x = reverse_each(x, lengths)
    if state is None:
        state = cell.initial_state(x)
    outputs = []
    for t, projected in enumerate(cell.project(x).unbind(dim=1)):
        new = cell.step(projected, state)
        _check_step(cell, new, state)
        state = tuple(torch.where(inside[:, t, None], now, old) for now, old in zip(new, state, strict=True))
        outputs.append(state[0])
    output = torch.stack(outputs, dim=1).masked_fill(~inside[..., None], 0)
    return reverse_each(output, lengths) if reverse else output, state


def _check_step(cell: Cell, new: object, old: State) -> None:
    """See that a step returned what it should; tensors of another shape might pass by being broadcast."""
    if isinstance(new, tuple) and [getattr(s, "shape", None) for s in new] == [s.shape for s in old]:
        return
    got = type(new).__name__
    if isinstance(new, tuple):
        got = f"({', '.join(str(list(s.shape)) if isinstance(s, Tensor) else type(s).__name__ for s in new)})"
    shape = list(old[0].shape)
    raise ValueError(
        f"{type(cell).__name__}.step must return a tuple of {cell.states} tensors [b, h] (its `states`), "
        f"each {shape} here, not {got}"
    )


def reverse_each(x: Tensor, lengths: Tensor) -> Tensor:
    """Each sentence read backward from its own last word; padding stays on the right.

    Args:
        x: `[b, t, i]`.
        lengths: `[b]` int64.
    """
    t = torch.arange(x.shape[1], device=x.device)
    last = lengths[:, None] - 1
    order = torch.where(t <= last, last - t, t)
    return x.gather(1, order[..., None].expand_as(x))

"""`NoRecurrenceCell` over whole sentences: all words at once, because no step depends on the one before."""

from __future__ import annotations

import torch
from torch import Tensor

from rnner.nn.cells import Cell, State
from rnner.nn.padding import final_output, padding_mask


def run_without_recurrence(
    cell: Cell, x: Tensor, lengths: Tensor, state: State, *, reverse: bool
) -> tuple[Tensor, State]:
    """Run a `NoRecurrenceCell`; arguments and results are those of `rnner.nn.loop.run_loop`."""
    outside = padding_mask(x, lengths)[..., None]
    output = torch.tanh(cell.project(x.masked_fill(outside, 0))).masked_fill(outside, 0)
    return output, (final_output(output, lengths, state[0], reverse=reverse),)

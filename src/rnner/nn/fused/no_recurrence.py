"""`NoRecurrenceCell` over whole sentences: all words at once, because no step depends on the one before."""

from __future__ import annotations

import torch
from torch import Tensor

from rnner.nn.cells import State
from rnner.nn.loop import Recurrence
from rnner.nn.padding import final_output, padding_mask


def run_without_recurrence(recurrence: Recurrence) -> tuple[Tensor, State]:
    """Run `NoRecurrenceCell`s; see `Recurrence` for the results."""
    cells, reverse, x, lengths, state = recurrence
    state = state or tuple(s for cell in cells for s in cell.initial_state(x))
    outside = padding_mask(x, lengths)[..., None]
    x = x.masked_fill(outside, 0)
    outputs = [torch.tanh(cell.project(x)).masked_fill(outside, 0) for cell in cells]
    final = [
        final_output(output, lengths, initial, reverse=backward)
        for output, initial, backward in zip(outputs, state, reverse, strict=True)
    ]
    return torch.cat(outputs, dim=-1), tuple(final)

"""`NoRecurrenceCell` over whole sentences at once: without recurrence there is nothing to loop over."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rnner.nn.cells import Cell, State


def run_wordwise(
    cells: Sequence[Cell], directions: Sequence[bool], x: Tensor, lengths: Tensor, state: State | None = None
) -> tuple[Tensor, State]:
    """Run `NoRecurrenceCell`s; args and results are those of `rnner.nn.scan.run_scan`."""
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

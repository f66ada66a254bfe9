"""Padded batches of sentences: which positions are padding, and how to reverse each sentence.

Shapes in this package: `[b, t, i]` is b sentences of at most t words with i features each. `lengths` `[b]`
(int64) counts the words of each sentence. Padding is on the right.
"""

from __future__ import annotations

import torch
from torch import Tensor


def padding_mask(x: Tensor, lengths: Tensor) -> Tensor:
    """Return a mask `[b, t]` (bool) that is True where x `[b, t, ...]` is padding."""
    return torch.arange(x.shape[1], device=x.device) >= lengths[:, None]


def reverse_sequences(x: Tensor, lengths: Tensor) -> Tensor:
    """Return x `[b, t, i]` with each sentence reversed; padding stays on the right."""
    t = torch.arange(x.shape[1], device=x.device)
    last = lengths[:, None] - 1
    order = torch.where(t <= last, last - t, t)
    return x.gather(1, order[..., None].expand_as(x))


def final_output(output: Tensor, lengths: Tensor, initial: Tensor, *, reverse: bool = False) -> Tensor:
    """Return the output `[b, h]` at the last word read in each sentence, or `initial` for an empty one."""
    last = torch.zeros_like(lengths) if reverse else (lengths - 1).clamp(min=0)
    end = output.gather(1, last[:, None, None].expand(-1, 1, output.shape[-1]))[:, 0]
    return torch.where(lengths[:, None] > 0, end, initial)

"""Dropout for sequences and for words (Gal & Ghahramani 2016). Both do nothing in evaluation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_UNKNOWN = 1


def _probability(p: float) -> float:
    if not 0 <= p < 1:
        raise ValueError(f"the dropout probability must be at least 0 and below 1, got {p}")
    return p


class LockedDropout(nn.Module):
    """Variational dropout: a sentence drops the same features at every position.

    Maps x [b, t, d] to [b, t, d]. What is kept is divided by 1 - p, so that the expectation stays. ValueError
    for p outside [0, 1).
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = _probability(p)

    def forward(self, x: Tensor) -> Tensor:
        """As the class says."""
        if not self.training or self.p == 0:
            return x
        keep = 1 - self.p
        return x * x.new_empty(x.shape[0], 1, x.shape[2]).bernoulli_(keep).div_(keep)

    def extra_repr(self) -> str:
        """The probability, for `print(module)`."""
        return f"p={self.p}"


class WordDropout(nn.Module):
    """Replaces words by the unknown word (id 1), each with probability p, so that its vector gets trained.

    Maps words [n] int64 to [n]. ValueError for p outside [0, 1).
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = _probability(p)

    def forward(self, words: Tensor) -> Tensor:
        """As the class says."""
        if not self.training or self.p == 0:
            return words
        drop = torch.rand(words.shape, device=words.device) < self.p
        return words.masked_fill(drop, _UNKNOWN)

    def extra_repr(self) -> str:
        """The probability, for `print(module)`."""
        return f"p={self.p}"

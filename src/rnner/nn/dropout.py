"""Dropout for sequences, for words and for recurrent weights. Nothing is dropped in evaluation mode."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from rnner.nn.recurrent import RecurrentLayer

_UNKNOWN = 1


class _Dropout(nn.Module):
    """Base class with the probability p; raises ValueError for p outside [0, 1)."""

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"the dropout probability must be at least 0 and below 1, got {p}")
        self.p = p

    @property
    def active(self) -> bool:
        """Whether anything is dropped."""
        return self.training and self.p > 0

    def extra_repr(self) -> str:
        """Return the probability, for `print(module)`."""
        return f"p={self.p}"


class LockedDropout(_Dropout):
    """Variational dropout: drops the same features at every word of a sentence (Gal and Ghahramani 2016).

    Kept values are divided by 1 - p, which preserves the expectation.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map x `[b, t, d]` to `[b, t, d]`."""
        if not self.active:
            return x
        keep = 1 - self.p
        return x * x.new_empty(x.shape[0], 1, x.shape[2]).bernoulli_(keep).div_(keep)


class WordDropout(_Dropout):
    """Replaces words with the unknown word (id 1), each with probability p, to train the vector of id 1."""

    def forward(self, words: Tensor) -> Tensor:
        """Map word ids `[n]` to `[n]`."""
        if not self.active:
            return words
        drop = torch.rand(words.shape, device=words.device) < self.p
        return words.masked_fill(drop, _UNKNOWN)


class RecurrentDropout(_Dropout):
    """Runs a layer without some of its recurrent weights (DropConnect, Wan et al. 2013; Merity et al. 2018).

    Each weight in W_aa of the layer's cells is dropped with probability p, the same weights for all
    words of a batch, so that the memory cannot rely on single units. Kept weights are divided by 1 - p. Only
    the weights change, so every implementation of the layer works as usual.
    """

    def forward(self, layer: RecurrentLayer, x: Tensor, lengths: Tensor) -> Tensor:
        """Return the output `[b, t, o]` of the layer for x `[b, t, i]` and lengths `[b]`."""
        if not self.active:
            return layer(x, lengths)[0]
        weights = layer.named_parameters()
        dropped = {name: F.dropout(W, self.p) for name, W in weights if name.endswith("W_aa")}
        output: Tensor = functional_call(layer, dropped, (x, lengths))[0]
        return output

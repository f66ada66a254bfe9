"""Dropout for sequences, words and recurrent weights. Nothing is dropped in evaluation."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from rnner.nn.recurrent import RecurrentLayer

_UNKNOWN = 1


def _probability(p: float) -> float:
    if not 0 <= p < 1:
        raise ValueError(f"the dropout probability must be at least 0 and below 1, got {p}")
    return p


class LockedDropout(nn.Module):
    """Variational dropout: a sentence drops the same features at every position (Gal and Ghahramani 2016).

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


class RecurrentDropout(nn.Module):
    """Runs a layer without some of its recurrent weights (DropConnect, Wan et al. 2013; Merity et al. 2018).

    Each number in W_aa of its cells is dropped with probability p, the same ones at all words of a batch, so
    that what is remembered does not hang on single units; what is kept is divided by 1 - p. As it is the
    weights that change, every path of the layer runs as ever. ValueError for p outside [0, 1).
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = _probability(p)

    def forward(self, layer: RecurrentLayer, x: Tensor, lengths: Tensor) -> Tensor:
        """The output `[b, t, o]` of the layer for x `[b, t, i]`, lengths `[b]`."""
        if not self.training or self.p == 0:
            return layer(x, lengths)[0]
        weights = layer.named_parameters()
        dropped = {name: F.dropout(W, self.p) for name, W in weights if name.endswith("W_aa")}
        output: Tensor = functional_call(layer, dropped, (x, lengths))[0]
        return output

    def extra_repr(self) -> str:
        """The probability, for `print(module)`."""
        return f"p={self.p}"

"""Optimizer, learning-rate schedule and running average of the weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from rnner.config import TrainingConfig
from rnner.model.tagger import Tagger


def make_optimizer(tagger: Tagger, config: TrainingConfig) -> torch.optim.Optimizer:
    """Return the optimizer. Weight decay applies to matrices, not to embeddings or biases."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for module in tagger.modules():
        embedding = type(module).__name__.endswith("Embedding")
        for parameter in module.parameters(recurse=False):
            (others if embedding or parameter.dim() < 2 else matrices).append(parameter)
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum)
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)


def learning_rate(config: TrainingConfig, step: int, steps: int) -> float:
    """Return the learning rate of a step, counted from 0, in a run of `steps` steps."""
    warmup = int(config.warmup * steps)
    if step < warmup:
        return config.learning_rate * (step + 1) / (warmup + 1)
    if config.schedule == "constant":
        return config.learning_rate
    done = min(1.0, (step - warmup) / max(1, steps - warmup))
    if config.schedule == "cosine":
        return config.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
    return config.learning_rate * (1 - done)


class WeightAverage:
    """Exponential moving average of the weights (Polyak and Juditsky 1992).

    The decay after n steps is at most (1 + n) / (10 + n), so the poor initial weights are soon forgotten.
    """

    def __init__(self, parameters: list[nn.Parameter], decay: float) -> None:
        self.parameters, self.decay = parameters, decay
        self.values = [parameter.detach().clone() for parameter in parameters]

    def update(self, step: int) -> None:
        """Add the current weights, those after `step` (counted from 0), to the average."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.values, [p.detach() for p in self.parameters], 1 - decay)

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Replace the model's weights with their average inside the `with` block."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def _swap(self) -> None:
        for parameter, value in zip(self.parameters, self.values, strict=True):
            parameter.data, value.data = value.data, parameter.data

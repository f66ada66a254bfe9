"""The optimizer, the learning-rate schedule and the running average of the weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from rnner.config import TrainingConfig
from rnner.model.tagger import Tagger


def learning_rate(plan: TrainingConfig, step: int, steps: int) -> float:
    """The learning rate of a step, counted from 0, in a run of so many steps."""
    warm = int(plan.warmup * steps)
    if step < warm:
        return plan.learning_rate * (step + 1) / (warm + 1)
    if plan.schedule == "constant":
        return plan.learning_rate
    done = min(1.0, (step - warm) / max(1, steps - warm))
    if plan.schedule == "cosine":
        return plan.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
    return plan.learning_rate * (1 - done)


class Average:
    """The running average of the weights (Polyak & Juditsky 1992), with an exponential decay.

    The decay grows to its value as (1 + n) / (10 + n), so that the first, poor weights are soon gone.
    """

    def __init__(self, parameters: list[nn.Parameter], decay: float) -> None:
        self.parameters, self.decay = parameters, decay
        self.values = [parameter.detach().clone() for parameter in parameters]

    def update(self, step: int) -> None:
        """Take in the weights after a step, counted from 0."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.values, [p.detach() for p in self.parameters], 1 - decay)

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """The model holds the average within, and its own weights again afterwards."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def _swap(self) -> None:
        for parameter, value in zip(self.parameters, self.values, strict=True):
            parameter.data, value.data = value.data, parameter.data


def make_optimizer(tagger: Tagger, plan: TrainingConfig) -> torch.optim.Optimizer:
    """The optimiser of a plan; weight decay pulls at matrices only, not at embeddings or biases."""
    embeddings = {
        parameter
        for module in tagger.modules()
        if type(module).__name__.endswith("Embedding")
        for parameter in module.parameters(recurse=False)
    }
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for parameter in tagger.parameters():
        (matrices if parameter.dim() > 1 and parameter not in embeddings else others).append(parameter)
    groups = [
        {"params": matrices, "weight_decay": plan.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    if plan.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=plan.learning_rate, momentum=plan.momentum)
    return torch.optim.AdamW(groups, lr=plan.learning_rate, fused=True)

"""Checks that training with this config and this data can have written a checkpoint.

Checksums detect damage; these checks detect files that were made by hand or by another program.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from rnner.training.progress import Position
from rnner.training.trainer import Trainer

_MOST = 2**53  # maximum number of steps, tokens, seconds and so on
_SIGNED = ("best_f1", "best_loss", "epoch_loss")
_OPTIMIZER_STATE = {"AdamW": ("step", "exp_avg", "exp_avg_sq"), "SGD": ("momentum_buffer",)}


def check_state(trainer: Trainer, state: dict[str, Tensor], step: int) -> None:
    """Raise ValueError unless these tensors fit the trainer after this number of steps."""
    expected = {name: tensor for name, tensor in trainer.state_dict().items() if name[0] != "o"}
    kinds = _OPTIMIZER_STATE[type(trainer.optimizer).__name__]
    for name, weight in trainer.weights.items():
        names = {kind: f"optimizer.{kind}.{name}" for kind in kinds}
        if step and not state.keys().isdisjoint(names.values()):  # weights without any gradient have none
            expected |= {key: weight if kind != "step" else torch.zeros(()) for kind, key in names.items()}
    if different := sorted(state.keys() ^ expected.keys()):
        has = "has" if different[0] in state else "lacks"
        raise ValueError(f"it {has} the tensor {different[0]!r}")
    for name, tensor in state.items():
        _check_tensor(name, tensor, expected[name])
        if name.startswith("optimizer.step.") and not (1 <= float(tensor) <= step and float(tensor) % 1 == 0):
            raise ValueError(f"{name!r} is {float(tensor)}, but the run has {step} steps")


def _check_tensor(name: str, tensor: Tensor, expected: Tensor) -> None:
    if tensor.dtype != expected.dtype or tensor.shape != expected.shape:
        kinds = (f"{each.dtype} {list(each.shape)}" for each in (tensor, expected))
        raise ValueError("{!r} is {}, expected {}".format(name, *kinds))
    if name.startswith("optimizer.exp_avg_sq."):  # squares: they may overflow to infinity
        if not bool((tensor >= 0).all()):
            raise ValueError(f"{name!r} has numbers that are negative or NaN")
    elif not bool(torch.isfinite(tensor).all()):
        raise ValueError(f"{name!r} has numbers that are not finite")


def check_position(trainer: Trainer, values: Any) -> Position:
    """Return the position with these fields. Raises ValueError if the trainer cannot reach it."""
    start = asdict(Position())
    if not isinstance(values, dict) or values.keys() != start.keys():
        raise ValueError("it has no position")
    for name, number in values.items():
        in_range = name in _SIGNED or (type(number) in (int, float) and 0 <= number <= _MOST)
        if type(number) is not type(start[name]) or not in_range:
            raise ValueError(f"its position is impossible: {name} is {number!r}")
    position = Position(**values)
    if problem := _impossible(trainer, position):
        raise ValueError(f"its position is impossible: {problem}")
    return position


def _impossible(trainer: Trainer, position: Position) -> str | None:
    """Return what is wrong with a position whose fields have the right types."""
    config, sentences = trainer.config, len(trainer.lengths)
    epoch, step = position.epoch, position.epoch_step
    if epoch > config.epochs or (epoch == config.epochs and step):
        return f"epoch {epoch + bool(step)} of {config.epochs}"
    if step > (steps := len(trainer.epoch_batches(epoch))):
        return f"step {step} of {steps} in the epoch"
    # The number of steps per epoch varies only with `batch_tokens`.
    fewest, most = (steps, steps) if config.batch_tokens is None else (1, sentences)
    if not epoch * fewest <= position.step - step <= epoch * most:
        return f"step {position.step} in epoch {epoch + 1}"
    if (position.best_epoch == 0) != (epoch == 0) or position.best_epoch > epoch:
        return f"the best epoch is {position.best_epoch} of {epoch}"
    if not (position.best_f1 == -1 if epoch == 0 else 0 <= position.best_f1 <= 1):
        return f"the best F1 is {position.best_f1}"
    if epoch == 0 and position.best_loss != math.inf:
        return f"the best loss is {position.best_loss}"
    sums = (position.epoch_seconds, position.epoch_sentences, position.epoch_tokens)
    if any(bool(value) != bool(step) for value in sums) or position.epoch_sentences > sentences:
        return f"{sums[1]} sentences, {sums[2]} tokens and {sums[0]} seconds in {step} steps of the epoch"
    if bool(position.seconds) != bool(position.step) or bool(position.tokens) != bool(position.step):
        return f"{position.tokens} tokens and {position.seconds} seconds in {position.step} steps"
    if position.epoch_clipped > step:
        return f"{position.epoch_clipped} of {step} steps were clipped"
    if not math.isfinite(position.epoch_loss):
        return f"the loss of the epoch is {position.epoch_loss}"
    return None

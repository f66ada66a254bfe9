"""Progress of a training run: what `Trainer.fit` yields, and the counters that it needs to resume."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from rnner.model.epoch_log import LoggedEpoch
from rnner.scoring.metrics import Scores


@dataclass(frozen=True)
class Step:
    """Report of one training step. A checkpoint may be saved after it."""

    step: int  # within the epoch, from 1
    steps: int  # per epoch
    epoch: int  # from 1
    loss: float  # mean over the sentences of the batch
    learning_rate: float
    gradient_norm: float  # before clipping
    clipped: bool
    tokens: int
    seconds: float


class DevResult(NamedTuple):
    """Scores on dev, and the mean loss of its sentences (see `rnner.training.setup.make_trainer`).

    The best epoch has the highest F1 and, of those with the same F1, the lowest loss. If dev has no entities,
    F1 is always 0, so the loss decides.
    """

    scores: Scores
    loss: float


@dataclass(frozen=True)
class Epoch:
    """Report of one epoch, with the scores of the averaged weights on dev."""

    epoch: int  # from 1
    loss: float  # mean over sentences
    learning_rate: float  # of the last step
    gradient_norm: float  # mean over steps, before clipping
    clipped: float  # share of the steps that were clipped
    tokens_per_second: float  # of the training steps, without scoring
    dev: Scores
    dev_loss: float  # mean over sentences
    best: bool  # whether this is the best epoch so far, see `DevResult`
    last: bool  # training ends here

    def logged(self) -> LoggedEpoch:
        """Return the line of the log."""
        return LoggedEpoch(
            epoch=self.epoch,
            loss=self.loss,
            learning_rate=self.learning_rate,
            gradient_norm=self.gradient_norm,
            clipped=self.clipped,
            tokens_per_second=self.tokens_per_second,
            precision=self.dev.precision,
            recall=self.dev.recall,
            f1=self.dev.f1,
            dev_loss=self.dev_loss,
            best=self.best,
        )


@dataclass(frozen=True)
class Position:
    """Counters of a run. With the tensors of `Trainer.state_dict`, they allow an exact resume."""

    step: int = 0  # finished steps of all epochs
    epoch: int = 0  # finished epochs
    best_f1: float = -1.0  # on dev, of the best epoch
    best_loss: float = math.inf  # on dev, of the best epoch
    best_epoch: int = 0
    seconds: float = 0.0  # of training steps, before and after resuming
    scoring_seconds: float = 0.0  # of scoring dev
    tokens: int = 0
    epoch_step: int = 0  # finished steps of the current epoch; the fields below are sums over them
    epoch_loss: float = 0.0
    epoch_norm: float = 0.0
    epoch_clipped: int = 0
    epoch_tokens: int = 0
    epoch_seconds: float = 0.0
    epoch_sentences: int = 0

    def after_step(self, step: Step, *, sentences: int) -> Position:
        """Return the position after a step on a batch with this number of sentences."""
        return replace(
            self,
            step=self.step + 1,
            seconds=self.seconds + step.seconds,
            tokens=self.tokens + step.tokens,
            epoch_step=self.epoch_step + 1,
            epoch_loss=self.epoch_loss + step.loss * sentences,
            epoch_norm=self.epoch_norm + step.gradient_norm,
            epoch_clipped=self.epoch_clipped + step.clipped,
            epoch_tokens=self.epoch_tokens + step.tokens,
            epoch_seconds=self.epoch_seconds + step.seconds,
            epoch_sentences=self.epoch_sentences + sentences,
        )

    def after_epoch(self, dev: DevResult, scoring_seconds: float) -> Position:
        """Return the position after an epoch with this result on dev."""
        epoch, f1 = self.epoch + 1, dev.scores.f1
        better = (f1, -dev.loss) > (self.best_f1, -self.best_loss)
        return Position(
            step=self.step,
            epoch=epoch,
            best_f1=f1 if better else self.best_f1,
            best_loss=dev.loss if better else self.best_loss,
            best_epoch=epoch if better else self.best_epoch,
            seconds=self.seconds,
            scoring_seconds=self.scoring_seconds + scoring_seconds,
            tokens=self.tokens,
        )

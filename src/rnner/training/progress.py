"""Where a training run is, and what it reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from rnner.scoring.metrics import Scores


@dataclass(frozen=True)
class Position:
    """Where a run stands: what is needed, besides tensors, to go on exactly."""

    step: int = 0  # steps done in all
    epoch: int = 0  # epochs done
    best_f1: float = -1.0
    best_epoch: int = 0
    seconds: float = 0.0  # in training steps, of this run and of those it goes on from
    scoring_seconds: float = 0.0  # on dev
    tokens: int = 0
    epoch_step: int = 0  # the rest is of the epoch under way: steps done, and sums over them
    epoch_loss: float = 0.0
    epoch_norm: float = 0.0
    epoch_clipped: int = 0
    epoch_tokens: int = 0
    epoch_seconds: float = 0.0
    epoch_sentences: int = 0

    def to_dict(self) -> dict[str, int | float]:
        """The fields by name."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, int | float]) -> Position:
        """The reverse of `to_dict`; KeyError if a field is missing."""
        return cls(**{field.name: values[field.name] for field in fields(cls)})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Step:
    """One step is done. The trainer may be saved here."""

    step: int  # of this epoch, from 1
    steps: int  # an epoch has
    epoch: int  # from 1
    loss: float  # mean over the sentences of the batch
    learning_rate: float
    gradient_norm: float  # before clipping
    clipped: bool
    tokens: int
    seconds: float


@dataclass(frozen=True)
class Epoch:
    """One epoch is done and scored on dev; the averaged weights are the ones scored."""

    epoch: int
    loss: float  # mean over sentences
    tokens_per_second: float  # of training steps alone
    gradient_norm: float  # mean
    clipped: float  # share of the steps
    learning_rate: float
    dev: Scores
    best: bool  # better than all before
    last: bool  # no further one will come

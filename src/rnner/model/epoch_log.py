"""The log of a training run, `log.jsonl`: one JSON object per epoch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from rnner.errors import ModelError, UsageError, one_line
from rnner.model.file_names import LOG, SEEDS, VOCABULARY

_DEV = ("precision", "recall", "f1")


@dataclass(frozen=True)
class LoggedEpoch:
    """One line of the log; scores and shares are fractions."""

    epoch: int  # from 1
    loss: float  # mean over the training sentences
    learning_rate: float  # of the last step
    gradient_norm: float  # mean over steps, before clipping
    clipped: float  # share of the steps that were clipped
    tokens_per_second: float  # of the training steps, without scoring
    precision: float  # on dev, as recall and f1
    recall: float
    f1: float
    dev_loss: float  # mean over the sentences of dev
    best: bool  # whether it was the best epoch so far

    def to_json(self) -> str:
        """Return the line, without a line break."""
        line = asdict(self)
        dev = {name: line.pop(name) for name in _DEV}
        return json.dumps(line | {"dev": dev})

    @classmethod
    def from_json(cls, text: str) -> LoggedEpoch:
        """Parse a line. Raises ValueError if it is not one that `to_json` returns."""
        line = json.loads(text)
        if not isinstance(line, dict) or not isinstance(line.get("dev"), dict):
            raise ValueError("expected a JSON object with the key 'dev'")
        line |= line.pop("dev")
        for field in fields(cls):
            value = line.get(field.name)
            kinds = {"int": (int,), "float": (int, float), "bool": (bool,)}[str(field.type)]
            if type(value) not in kinds:
                raise ValueError(f"{field.name} is {json.dumps(value)}")
        if line["epoch"] < 1:
            raise ValueError(f"epoch is {line['epoch']}")
        return cls(**{field.name: line[field.name] for field in fields(cls)})


def read_log(path: Path) -> list[LoggedEpoch]:
    """Read a log. The epochs are in ascending order.

    Raises:
        ModelError: a line is damaged, or out of order; the message names it.
        OSError: the file cannot be read.
    """
    epochs: list[LoggedEpoch] = []
    # Split at "\n" only: a damaged line may contain other line separators.
    for number, line in enumerate(path.read_bytes().removesuffix(b"\n").split(b"\n"), start=1):
        if not line and number == 1:
            break
        try:
            epoch = LoggedEpoch.from_json(line.decode("utf-8"))
            if epochs and epoch.epoch <= epochs[-1].epoch:
                raise ValueError(f"epoch {epoch.epoch} comes after epoch {epochs[-1].epoch}")
        except (ValueError, RecursionError) as error:
            raise ModelError(
                f"{path}:{number}: is not an epoch of a training log ({one_line(error)})"
            ) from None
        epochs.append(epoch)
    return epochs


def log_text(epochs: Sequence[LoggedEpoch]) -> str:
    """Return the content of a log."""
    return "".join(epoch.to_json() + "\n" for epoch in epochs)


def best_epoch(epochs: Sequence[LoggedEpoch]) -> LoggedEpoch:
    """Return the best of one or more epochs: the last one that was the best so far.

    If the beginning of the log was lost with it, the epoch with the highest F1 takes its place.
    """
    marked = [epoch for epoch in epochs if epoch.best]
    return marked[-1] if marked else max(epochs, key=lambda epoch: epoch.f1)


def find_logs(folder: Path) -> list[Path]:
    """Return the logs of a run, one per seed if it has several; those of unfinished first epochs are missing.

    Raises:
        UsageError: the folder is not that of a run.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: is not a folder; expected one that `rnner train` wrote")
    if (folder / SEEDS).exists():
        seeds = [path for path in folder.glob("seed-*") if path.name.removeprefix("seed-").isdecimal()]
        folders = sorted(seeds, key=lambda path: int(path.name.removeprefix("seed-")))
    elif (folder / LOG).exists() or (folder / VOCABULARY).exists():
        folders = [folder]
    else:
        raise UsageError(f"{folder}: has no {LOG}; expected a folder that `rnner train` wrote")
    return [path / LOG for path in folders if (path / LOG).exists()]

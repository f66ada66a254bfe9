"""Experiment trackers for `rnner train --log`: TensorBoard, Weights & Biases, MLflow.

Nothing is imported or sent unless the user asks for a tracker. A tracker that fails is dropped with one
warning; training continues. `tracking.json` in the model folder holds the id of each tracker's run and its
last epoch, so that a resumed run continues there without doubled points.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from rnner.config import Config
from rnner.config.sections import flatten
from rnner.errors import UsageError, one_line
from rnner.model.epoch_log import LoggedEpoch, read_log
from rnner.model.file_names import LOG, TRACKING
from rnner.system.files import write_atomically
from rnner.training.progress import Epoch, Step

TRACKERS = ("tensorboard", "wandb", "mlflow")
"""The names of the trackers, of their packages, and of the extras of rnner that install them."""


@dataclass(frozen=True)
class TrackedRun:
    """A training run as trackers see it.

    Attributes:
        folder: the model folder.
        name: the folder's name; for one of several seeds, `NAME/seed-K`.
        group: the name that all seeds of a run share; None for a single seed.
        parameters: the keys of the config and their values; keys without a value are left out.
    """

    folder: Path
    name: str
    group: str | None
    parameters: dict[str, bool | int | float | str]

    @classmethod
    def of(cls, folder: Path, config: Config, *, seeds: Path | None = None) -> TrackedRun:
        """Return the run in a model folder; `seeds` is the folder of the run with several seeds."""
        whole = (seeds or folder).resolve().name
        name = whole if seeds is None else f"{whole}/{folder.name}"
        values = {key: value for key, value in flatten(config.model_dump()).items() if value is not None}
        return cls(folder, name, None if seeds is None else whole, values)


class Tracker(Protocol):
    """Writes one run to an experiment tracker.

    Each is a module of `rnner.integrations`, with a function `start(run, run_id, after)`: `run_id` is the id
    of the run to continue, or None for a new one, and `after` is the last epoch that it has.
    """

    run_id: str

    def epoch(self, epoch: LoggedEpoch) -> None:
        """Write the figures of an epoch."""
        ...

    def finish(self, metrics: dict[str, Any] | None) -> None:
        """End the run; `metrics` are those of `metrics.json`, or None if training was interrupted."""
        ...


def scalars(epoch: LoggedEpoch) -> dict[str, float]:
    """Return the figures of an epoch by name."""
    return {
        "train/loss": epoch.loss,
        "train/learning_rate": epoch.learning_rate,
        "train/gradient_norm": epoch.gradient_norm,
        "train/clipped_steps": epoch.clipped,
        "train/tokens_per_second": epoch.tokens_per_second,
        "dev/loss": epoch.dev_loss,
        "dev/precision": epoch.precision,
        "dev/recall": epoch.recall,
        "dev/f1": epoch.f1,
    }


def final_scores(metrics: dict[str, Any]) -> dict[str, float]:
    """Return the scores of the saved model by name: those of the best epoch, on dev and test."""
    return {
        f"best/{split}_{name}": metrics[split][name]
        for split in ("dev", "test")
        if split in metrics
        for name in ("precision", "recall", "f1")
    }


def check_trackers(names: Sequence[str]) -> None:
    """Raise UsageError if the package of a tracker is not installed."""
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise UsageError(
                f"--log {name}: the package {name} is not installed; install it with: pip install {name} "
                f"(or install rnner with its extra: '.[{name}]')"
            )


class Tracking:
    """The trackers of a run, for use in a `with` block around `run_training`.

    Args:
        names: some of `TRACKERS`.
        run: the run.
        warn: called once with a message if a tracker fails.
    """

    def __init__(self, names: Sequence[str], run: TrackedRun, warn: Callable[[str], None]) -> None:
        self._names, self._run, self._warn = list(dict.fromkeys(names)), run, warn
        self._trackers: dict[str, Tracker] = {}
        self._last: dict[str, int] = {}  # the last epoch that each tracker has
        self._started = False

    def __enter__(self) -> Tracking:
        return self

    def __exit__(self, *error: object) -> None:
        self._end(None)

    def update(self, event: Step | Epoch) -> None:
        """Start the trackers at the first event, which comes after an old run is removed; write epochs."""
        self._start(event.epoch - 1)
        if isinstance(event, Epoch):
            self._write([event.logged()])

    def finish(self, metrics: dict[str, Any]) -> None:
        """Write the scores of the saved model, and end the run."""
        self._start(metrics["train"]["epochs"])
        self._end(metrics)

    def _start(self, finished: int) -> None:
        """Start the trackers, and write the epochs up to `finished` that they do not have yet."""
        if self._started or not self._names:
            return
        self._started = True
        saved = _load(self._run.folder / TRACKING)
        for name in self._names:
            run_id, self._last[name] = saved.get(name, (None, 0))
            with self._guard(name):
                start = import_module(f"rnner.integrations.{name}").start
                self._trackers[name] = start(self._run, run_id, self._last[name])
        log = self._run.folder / LOG
        if finished and log.exists():
            self._write([epoch for epoch in read_log(log) if epoch.epoch <= finished])
        self._save()

    def _write(self, epochs: Sequence[LoggedEpoch]) -> None:
        """Write epochs to the trackers that do not have them."""
        for name, tracker in list(self._trackers.items()):
            with self._guard(name):
                for epoch in epochs:
                    if epoch.epoch > self._last[name]:
                        tracker.epoch(epoch)
                        self._last[name] = epoch.epoch
        self._save()

    def _end(self, metrics: dict[str, Any] | None) -> None:
        for name, tracker in list(self._trackers.items()):
            with self._guard(name):
                tracker.finish(metrics)
        self._trackers.clear()

    @contextmanager
    def _guard(self, name: str) -> Iterator[None]:
        """Drop a tracker that raises an error, with a warning."""
        try:
            yield
        except Exception as error:  # whatever a package raises, training continues
            self._trackers.pop(name, None)
            kind = type(error).__name__
            self._warn(f"--log {name}: {kind}: {one_line(error)}; training continues without it")

    def _save(self) -> None:
        state = {name: (tracker.run_id, self._last[name]) for name, tracker in self._trackers.items()}
        if state:
            path = self._run.folder / TRACKING
            write_atomically(path, json.dumps(_load(path) | state, indent=2) + "\n")


def _load(path: Path) -> dict[str, tuple[str, int]]:
    """Return the run id and the last epoch of each tracker; nothing if the file is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): (str(run_id), int(epoch)) for name, (run_id, epoch) in content.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}

"""Learning curve of a corpus: F1 on dev after training on growing shares of the training data.

A seed determines the order of the documents (of the sentences, if too few documents are marked), and each
share takes the first ones, so a larger share contains the smaller ones. Every share is an ordinary training
run in its own model folder, `seed-K/share-S`; finished runs are kept, and unfinished ones resumed.

The config is the same, but smaller shares have more epochs. With fewer steps they would be undertrained, and
the curve would look too steep at its start and too flat at its end.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from rnner.config import Config
from rnner.data.splits import Split
from rnner.errors import UsageError
from rnner.model.folder import load_metrics
from rnner.scoring.bootstrap import SamplingUnits
from rnner.scoring.power_law import MIN_SIZES, Prediction, extrapolate
from rnner.system.files import write_atomically
from rnner.training.output_folder import check_run, clear_output, lock_output
from rnner.training.run import run_training
from rnner.training.seeds import seed_configs
from rnner.training.setup import TrainingData, prepare_training
from rnner.workbench.partition import Indices

FACTORS = (2, 4)
"""How many times the training data the curve is extrapolated to."""
STATE = "learning-curve.json"
_MOST_EPOCHS = 4  # times those of the config, for the smallest shares
_ENOUGH = 0.005  # gain in F1 that makes annotating twice the data worth it


class Task(NamedTuple):
    """One training run: its seed, and the share of the training data."""

    seed: int
    share: float


class CurvePoint(NamedTuple):
    """Result of one training run: the size of its training data, and its scores on dev."""

    seed: int
    share: float
    sentences: int
    entities: int
    precision: float
    recall: float
    f1: float
    seconds: float


@dataclass(frozen=True)
class LearningCurve:
    """The points of all runs, and what the curve suggests for more data.

    Attributes:
        points: one per run.
        predictions: F1 at `FACTORS` times the data; empty if there are too few shares.
    """

    points: list[CurvePoint]
    predictions: list[Prediction]

    @classmethod
    def of(cls, points: Sequence[CurvePoint]) -> LearningCurve:
        """Return the curve through these points."""
        ordered = sorted(points, key=lambda point: (point.share, point.seed))
        curve = cls(ordered, [])
        sizes, scores = curve.sizes(), [[point.f1 for point in own] for own in curve.by_share()]
        if len(set(sizes)) < MIN_SIZES:
            return curve
        return cls(ordered, extrapolate(sizes, scores, [factor * sizes[-1] for factor in FACTORS]))

    def by_share(self) -> list[list[CurvePoint]]:
        """Return the points of each share, smallest first."""
        shares = sorted({point.share for point in self.points})
        return [[point for point in self.points if point.share == share] for share in shares]

    def sizes(self) -> list[float]:
        """Return the mean number of sentences of each share."""
        return [statistics.fmean(point.sentences for point in own) for own in self.by_share()]

    def verdict(self) -> str:
        """Return whether more data is worth annotating, in a sentence."""
        if not self.predictions:
            return f"The curve is not extrapolated: that needs {MIN_SIZES} shares."
        twice = self.predictions[0]
        if twice.gain_interval is None:
            return "One seed cannot say how sure the extrapolation is; use --seeds 3 or more."
        low, high = twice.gain_interval.low, twice.gain_interval.high
        span = (
            f"F1 changes by {100 * low:+.1f} to {100 * high:+.1f} points with twice the data (95% interval)"
        )
        if low > _ENOUGH:
            return f"More data of this kind is worth annotating: {span}."
        if high < 2 * _ENOUGH:
            return f"More data of this kind gains little: {span}."
        return f"The curve cannot tell whether more data helps: {span}; more seeds would narrow it."

    def to_dict(self) -> dict[str, Any]:
        """Return points and predictions, ready for JSON; scores are fractions."""
        return {
            "points": [point._asdict() for point in self.points],
            "predictions": [
                {"factor": factor, **asdict(prediction)}
                for factor, prediction in zip(FACTORS, self.predictions, strict=False)
            ],
            "verdict": self.verdict(),
        }


@dataclass(frozen=True)
class CurveRunner:
    """Trains on shares of the training data of a config.

    Attributes:
        configs: the config of each seed.
        data: the data of the config, read once for all runs.
        folder: contains the model folders.
        device: the device to train on.
        stop: see `run_training`.
    """

    configs: dict[int, Config]
    data: TrainingData
    folder: Path
    device: torch.device
    stop: Callable[[], bool] = lambda: False

    def run(self, task: Task) -> CurvePoint:
        """Train on a share, or return the result of an earlier run.

        Raises:
            InterruptedRun: `stop` returned True; the run is saved.
            UsageError: the folder contains another run.
            TrainingError: training diverged.
        """
        config, folder = with_more_epochs(self.configs[task.seed], task.share), task_folder(self.folder, task)
        corpus = self.data.corpus
        part = corpus.train.select(nested_share(corpus.train, task.share, seed=task.seed))
        folder.mkdir(parents=True, exist_ok=True)
        with lock_output(folder):
            metrics = check_run(folder, config, resume=True, overwrite=False)
            if metrics is None:
                data = replace(self.data, corpus=replace(corpus, train=part, test=None))
                setup = prepare_training(config, device=self.device, data=data)
                for _ in run_training(setup, folder, resume=True, stop=self.stop):
                    pass
                metrics = load_metrics(folder)
        assert metrics is not None
        scores = {name: metrics["dev"][name] for name in ("precision", "recall", "f1")}
        return CurvePoint(
            seed=task.seed,
            share=task.share,
            sentences=len(part),
            entities=sum(map(len, part.all_spans())),
            **scores,
            seconds=metrics["train"]["seconds"],
        )


def tasks(seeds: Sequence[int], shares: Sequence[float]) -> list[Task]:
    """Return the runs, largest share first, so that processes that run in parallel end together."""
    return [Task(seed, share) for share in sorted(shares, reverse=True) for seed in seeds]


def curve_configs(config: Config, seeds: int) -> dict[int, Config]:
    """Return the config of each seed. All have the same dev data, and no test data."""
    data = config.data.model_copy(update={"test": None})
    return seed_configs(config.model_copy(update={"data": data}), seeds)


def with_more_epochs(config: Config, share: float) -> Config:
    """Return the config for a share: as many steps as for all data, but at most four times the epochs."""
    epochs = round(config.training.epochs * min(1 / share, _MOST_EPOCHS))
    training = config.training.model_copy(update={"epochs": epochs})
    return config.model_copy(update={"training": training})


def task_folder(folder: Path, task: Task) -> Path:
    """Return the model folder of a run."""
    return folder / f"seed-{task.seed}" / f"share-{task.share:g}"


def nested_share(split: Split, share: float, *, seed: int) -> Indices:
    """Return the sentences `[n]` of a share, in the order of the corpus.

    A larger share contains a smaller one. Documents are taken whole, in an order drawn with the seed, until
    the sentences reach the share.
    """
    units = SamplingUnits.of_documents(split.documents)
    order = np.random.default_rng(seed).permutation(len(units))
    sizes = np.bincount(units.of_sentence, minlength=len(units))[order]
    count = int(np.searchsorted(sizes.cumsum(), share * len(split))) + 1
    return np.flatnonzero(np.isin(units.of_sentence, order[:count]))


def prepare_folder(folder: Path, data: TrainingData, config: Config, *, overwrite: bool) -> None:
    """Check that the runs in a folder, if there are any, have the same data and config; note both.

    Raises:
        UsageError: they differ, or the folder has other contents.
    """
    splits = {"train": data.corpus.train.digest, "dev": data.corpus.dev.digest}
    state = {"data": splits, "config": json.loads(config.model_dump_json(exclude={"training": {"seed"}}))}
    path = folder / STATE
    if folder.exists() and any(folder.iterdir()):
        if not path.is_file():
            raise UsageError(
                f"{folder}: contains files that are not from a learning curve; choose another --output"
            )
        if overwrite:
            _clear(folder)
        elif _load(path) != state:
            raise UsageError(
                f"{folder}: the runs there have other data or another config; use --overwrite to start "
                "again, or choose another --output"
            )
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(state, indent=2) + "\n")


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return None


def _clear(folder: Path) -> None:
    for run in _runs(folder):
        clear_output(run)
        for place in (run, run.parent):
            if not any(place.iterdir()):
                place.rmdir()


def _runs(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.glob("seed-*/share-*") if path.is_dir())

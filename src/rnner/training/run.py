"""A training run: from a config to a finished model folder, whatever interrupts it on the way."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rnner import __version__
from rnner.config import Config, differences, load_config
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.errors import ModelError, RnnerError, TrainingError, UsageError
from rnner.model.card import model_card
from rnner.model.file_names import CARD, CONFIG, LOG, METRICS, ONNX, SEEDS, VOCABULARY, WEIGHTS
from rnner.model.folder import load_metrics, load_model, save_description, save_metrics, save_weights
from rnner.scoring.evaluation import evaluate
from rnner.system.files import write_atomically
from rnner.system.process_memory import keep_freed_memory, peak_memory_mb
from rnner.training.checkpoint import has_checkpoint, load_checkpoint, remove_checkpoint, save_checkpoint
from rnner.training.progress import Epoch, Position, Step
from rnner.training.setup import TrainingSetup, trainer_of, with_word_size
from rnner.training.trainer import Trainer


class InterruptedRun(RnnerError):  # noqa: N818 - nothing went wrong
    """The user stopped a run; it was saved."""

    exit_code = 130


def check_output(folder: Path, *, resume: bool, overwrite: bool) -> None:
    """See that nothing would be lost in `folder`. Changes nothing: `train` replaces what `overwrite` allows.

    Raises:
        UsageError: a run is there already and neither flag is given, or something else is there.
    """
    if resume and overwrite:
        raise UsageError("--resume and --overwrite exclude each other: go on, or start anew?")
    parent = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not os.access(parent, os.W_OK):
        raise UsageError(f"{folder}: cannot be written; choose another --output")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder}: is a file; --output takes a folder")
    there = {path.name for path in folder.iterdir()}
    # A config.yaml alone may well be the user's own, and so may a README.md; these two are ours.
    ours = {VOCABULARY, SEEDS}
    if there - {f"{name}.partial" for name in ours} and not there & ours:
        raise UsageError(f"{folder}: holds other things than a run; choose another --output")
    if there and not (resume or overwrite):
        raise UsageError(f"{folder}: holds a run already; --resume goes on with it, --overwrite replaces it")


def clear_output(folder: Path) -> None:
    """Remove the files of a run and nothing else; broken off, it leaves what `check_output` knows."""
    (folder / METRICS).unlink(missing_ok=True)  # first: without it the run is not finished
    remove_checkpoint(folder)
    kept = (WEIGHTS, LOG, METRICS, CONFIG, VOCABULARY)
    for name in (ONNX, CARD, *kept):
        (folder / f"{name}.partial").unlink(missing_ok=True)
        (folder / name).unlink(missing_ok=True)
    if (folder / SEEDS).exists():
        for below in sorted(path for path in folder.glob("seed-*") if path.is_dir()):
            clear_output(below)
            if not any(below.iterdir()):
                below.rmdir()
    (folder / f"{SEEDS}.partial").unlink(missing_ok=True)
    (folder / SEEDS).unlink(missing_ok=True)


def finished(folder: Path) -> dict[str, Any] | None:
    """The figures of the run in a folder if it is finished, else None."""
    return load_metrics(folder) if folder.is_dir() else None


def check_same_config(folder: Path, config: Config) -> None:
    """See that a run goes on with the config it was begun with.

    Raises:
        UsageError: naming the keys that differ, or saying that the run is one of several seeds.
    """
    if (folder / SEEDS).exists():
        raise UsageError(f"{folder}: holds a run of several seeds; --resume goes on with it given --seeds N")
    if not (has_checkpoint(folder) or (folder / METRICS).exists()):
        return
    begun = load_config(folder / CONFIG)
    if config.embeddings.words.vectors is not None:
        config = with_word_size(config, begun.embeddings.words.size)
    unlike = differences(begun, config)
    if unlike:
        raise UsageError(
            f"{folder}: the run there has another config ({'; '.join(unlike)}: there / now); "
            "--overwrite starts anew, or choose another --output"
        )


def train(
    job: TrainingSetup, folder: Path, *, resume: bool = False, stop: Callable[[], bool] = lambda: False
) -> Iterator[Step | Epoch]:
    """Train a job into a folder, telling of each step and epoch; afterwards the folder is a model.

    The best model on dev is on disk after each epoch, and so is a checkpoint. At the end the best model
    is loaded from disk again, scored, and described in `metrics.json` and `README.md`.

    Args:
        job: from `prepare`.
        folder: checked by `check_output`. The run that is there, if any, is replaced, unless `resume`.
        resume: go on from the checkpoint in the folder, if there is one; else start afresh.
        stop: asked after each step; when it says True, the run is saved and `InterruptedRun` raised.

    Raises:
        TrainingError: training diverged; the last good checkpoint stays.
        ModelError: the checkpoint in the folder is of another run, or broken.
        UsageError: it is of a run with another config.
        OSError: the folder cannot be written.
    """
    keep_freed_memory()
    trainer = trainer_of(job)
    if resume and has_checkpoint(folder):
        check_same_config(folder, job.config)
        load_checkpoint(folder, trainer, job.fingerprint)
    else:
        clear_output(folder)
        save_description(folder, job.config, job.vocabulary)
        save_checkpoint(folder, trainer, job.fingerprint)
    log = _kept_log(folder, trainer.position)
    saved = time.monotonic()
    try:
        for event in trainer.fit():
            if isinstance(event, Epoch):
                _keep(folder, trainer, event, log)
            if (
                isinstance(event, Epoch)
                or time.monotonic() - saved > 60 * job.config.training.checkpoint_minutes
            ):
                save_checkpoint(folder, trainer, job.fingerprint)
                saved = time.monotonic()
            yield event
            if stop():
                save_checkpoint(folder, trainer, job.fingerprint)
                raise InterruptedRun(f"interrupted and saved in {folder}; --resume goes on from there")
    except TrainingError as error:
        raise TrainingError(f"{error}. The last good checkpoint is kept in {folder / 'checkpoint'}") from None
    _finish(job, folder, trainer.position)


def _keep(folder: Path, trainer: Trainer, epoch: Epoch, log: list[dict[str, Any]]) -> None:
    """After an epoch: the weights if they are the best so far, and a line in the log."""
    if epoch.best:
        with trainer.averaged():
            save_weights(folder, trainer.tagger)
    log.append(
        {
            "epoch": epoch.epoch,
            "loss": epoch.loss,
            "learning_rate": epoch.learning_rate,
            "gradient_norm": epoch.gradient_norm,
            "clipped": epoch.clipped,
            "tokens_per_second": epoch.tokens_per_second,
            "dev": {name: getattr(epoch.dev, name) for name in ("precision", "recall", "f1")},
            "best": epoch.best,
        }
    )
    write_atomically(folder / LOG, "".join(json.dumps(line) + "\n" for line in log))


def _kept_log(folder: Path, position: Position) -> list[dict[str, Any]]:
    """The log of the epochs that the checkpoint knows of."""
    path = folder / LOG
    if position.epoch == 0 or not path.exists():
        return []
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [line for line in lines if line["epoch"] <= position.epoch]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: is broken ({error}); remove it, and --resume goes on without it") from None


def _finish(job: TrainingSetup, folder: Path, position: Position) -> None:
    """Score the best model as it lies on disk, and write down what it is."""
    best = load_model(folder, device=job.device)
    decoder = TaggerDecoder(best.tagger, best.vocabulary)
    metrics: dict[str, Any] = {"dev": evaluate(decoder, job.corpus.dev).to_dict()}
    if job.corpus.test is not None:
        metrics["test"] = evaluate(decoder, job.corpus.test).to_dict()
    metrics |= {
        "train": {
            "epochs": position.epoch,
            "best_epoch": position.best_epoch,
            "steps": position.step,
            "seconds": position.seconds + position.scoring_seconds,
            "tokens_per_second": position.tokens / position.seconds,
            "peak_memory_mb": peak_memory_mb(job.device),
            "sentences": len(job.corpus.train),
            "tokens": int(job.corpus.train.lengths.sum()),
            "parameters": sum(p.numel() for p in best.tagger.parameters()),
        },
        "scheme": job.config.data.scheme,
        "seed": job.config.training.seed,
        "device": job.device.type,
        "threads": torch.get_num_threads(),
        "versions": {
            "rnner": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }
    write_atomically(folder / CARD, model_card(job.config, job.vocabulary, metrics))
    save_metrics(folder, metrics)
    remove_checkpoint(folder)

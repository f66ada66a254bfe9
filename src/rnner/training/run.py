"""A training run that writes a model folder, and can be interrupted and resumed at any step."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.errors import ModelError, RnnerError, TrainingError
from rnner.model.card import model_card
from rnner.model.curve import training_curve
from rnner.model.epoch_log import LoggedEpoch, log_text, read_log
from rnner.model.file_names import CARD, CURVE, LOG
from rnner.model.folder import load_model, save_config_and_vocabulary, save_metrics
from rnner.scoring.evaluation import evaluate_files
from rnner.system.files import write_atomically
from rnner.system.process_memory import keep_freed_memory, peak_memory_mb
from rnner.system.software import versions
from rnner.training.checkpoint import (
    has_checkpoint,
    load_checkpoint,
    remove_checkpoint,
    save_best,
    save_checkpoint,
)
from rnner.training.output_folder import check_same_config, clear_output
from rnner.training.progress import Epoch, Position, Step
from rnner.training.setup import TrainingSetup, make_trainer

_logger = logging.getLogger(__name__)


class InterruptedRun(RnnerError):  # noqa: N818 - not an error
    """The user stopped a run. Its state is saved."""

    exit_code = 130


def run_training(
    setup: TrainingSetup,
    folder: Path,
    *,
    resume: bool = False,
    stop: Callable[[], bool] = lambda: False,
    warn: Callable[[str], None] = _logger.warning,
    note: Callable[[str], None] = _logger.info,
) -> Iterator[Step | Epoch]:
    """Train, and yield each step and each epoch. At the end, `folder` is a model folder.

    After each epoch, the best weights so far and a checkpoint are saved. At the end, the best model is loaded
    from disk, scored, and described in `metrics.json` and `README.md`.

    Args:
        setup: the result of `prepare_training`.
        folder: locked and checked by `reserve_output`. An existing run is replaced unless `resume` is set.
        resume: resume from the checkpoint in the folder; without one, start from the beginning.
        stop: called after each step; if it returns True, the run is saved and `InterruptedRun` is raised.
        warn: called with a message if a checkpoint is damaged or from another environment.
        note: called with a message that says where a run is resumed.

    Raises:
        TrainingError: training diverged; the last good checkpoint is kept.
        ModelError: the checkpoints in the folder are damaged or belong to other data.
        UsageError: the checkpoint belongs to another config.
        OSError: the folder cannot be written.
    """
    keep_freed_memory()
    trainer = make_trainer(setup)
    if resume and has_checkpoint(folder):
        check_same_config(folder, setup.config)
        load_checkpoint(folder, trainer, setup.fingerprint, warn=warn)
        save_config_and_vocabulary(folder, setup.config, setup.vocabulary)  # in case they are damaged
        note(_place(trainer.position))
    else:
        clear_output(folder)
        save_config_and_vocabulary(folder, setup.config, setup.vocabulary)
        save_checkpoint(folder, trainer, setup.fingerprint)
    log = _load_log(folder, trainer.position)
    saved = time.monotonic()
    try:
        for event in trainer.fit():
            if isinstance(event, Epoch):
                log.append(event.logged())
                write_atomically(folder / LOG, log_text(log))
            minutes = (time.monotonic() - saved) / 60
            if isinstance(event, Epoch) or minutes > setup.config.training.checkpoint_minutes:
                save_checkpoint(folder, trainer, setup.fingerprint)
                saved = time.monotonic()
            if isinstance(event, Epoch) and event.best:
                save_best(folder, trainer)  # after the checkpoint, from which it can be restored
            yield event
            if stop():
                save_checkpoint(folder, trainer, setup.fingerprint)
                raise InterruptedRun(f"interrupted and saved in {folder}; use --resume to continue")
    except TrainingError as error:
        raise TrainingError(f"{error}. The last good checkpoint is kept in {folder / 'checkpoint'}") from None
    _save_results(setup, folder, trainer.position, log)


def _place(position: Position) -> str:
    """Return a message about the place where a run is resumed."""
    step = f", step {position.epoch_step + 1:,}" if position.epoch_step else ""
    return f"resuming at epoch {position.epoch + 1}{step}"


def _load_log(folder: Path, position: Position) -> list[LoggedEpoch]:
    """Return the log up to the epoch of the checkpoint."""
    path = folder / LOG
    if position.epoch == 0 or not path.exists():
        return []
    try:
        return [line for line in read_log(path) if line.epoch <= position.epoch]
    except ModelError as error:
        raise ModelError(f"{error}; remove the file to resume without it") from None


def _save_results(setup: TrainingSetup, folder: Path, position: Position, log: Sequence[LoggedEpoch]) -> None:
    """Score the saved best model, and write the metrics, the training curve and the model card."""
    best = load_model(folder, device=setup.device)
    decoder = TaggerDecoder(best.tagger, best.vocabulary)
    metrics: dict[str, Any] = {"dev": evaluate_files(decoder, setup.corpus.dev)}
    if setup.corpus.test is not None:
        metrics["test"] = evaluate_files(decoder, setup.corpus.test)
    metrics |= {
        "train": {
            "epochs": position.epoch,
            "best_epoch": position.best_epoch,
            "dev_loss": position.best_loss,
            "steps": position.step,
            "seconds": position.seconds + position.scoring_seconds,
            "tokens_per_second": position.tokens / position.seconds,
            "peak_memory_mb": peak_memory_mb(setup.device),
            "sentences": len(setup.corpus.train),
            "tokens": int(setup.corpus.train.lengths.sum()),
            "parameters": sum(p.numel() for p in best.tagger.parameters()),
        },
        "scheme": setup.config.data.scheme,
        "seed": setup.config.training.seed,
        "device": setup.device.type,
        "threads": torch.get_num_threads(),
        "versions": versions(),
    }
    if log:  # a damaged log may have been removed
        write_atomically(folder / CURVE, training_curve(log))
    write_atomically(folder / CARD, model_card(setup.config, setup.vocabulary, metrics, log))
    save_metrics(folder, metrics)
    remove_checkpoint(folder)

"""A training run that writes a model folder, and can be interrupted and resumed at any step.

Read `run_training` first. The other functions guard the output folder: the user's files are never
overwritten, and a run is never resumed with another config.
"""

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
from rnner.config import Config, differences, load_saved_config
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.errors import ModelError, RnnerError, TrainingError, UsageError
from rnner.model.card import model_card
from rnner.model.file_names import CARD, CONFIG, LOG, MANIFEST, METRICS, ONNX, SEEDS, VOCABULARY, WEIGHTS
from rnner.model.folder import (
    load_metrics,
    load_model,
    save_config_and_vocabulary,
    save_metrics,
    save_weights,
)
from rnner.scoring.evaluation import evaluate
from rnner.system.files import is_partial, remove_partial, write_atomically
from rnner.system.process_memory import keep_freed_memory, peak_memory_mb
from rnner.training.checkpoint import has_checkpoint, load_checkpoint, remove_checkpoint, save_checkpoint
from rnner.training.progress import Epoch, Position, Step
from rnner.training.setup import TrainingSetup, make_trainer, with_word_size
from rnner.training.trainer import Trainer


class InterruptedRun(RnnerError):  # noqa: N818 - not an error
    """The user stopped a run. Its state is saved."""

    exit_code = 130


def run_training(
    setup: TrainingSetup, folder: Path, *, resume: bool = False, stop: Callable[[], bool] = lambda: False
) -> Iterator[Step | Epoch]:
    """Train, and yield each step and each epoch. At the end, `folder` is a model folder.

    After each epoch, the best weights so far and a checkpoint are saved. At the end, the best model is loaded
    from disk, scored, and described in `metrics.json` and `README.md`.

    Args:
        setup: the result of `prepare_training`.
        folder: checked by `check_output`. An existing run is replaced unless `resume` is set.
        resume: resume from the checkpoint in the folder; without one, start from the beginning.
        stop: called after each step; if it returns True, the run is saved and `InterruptedRun` is raised.

    Raises:
        TrainingError: training diverged; the last good checkpoint is kept.
        ModelError: the checkpoint in the folder is corrupted or belongs to other data.
        UsageError: the checkpoint belongs to another config.
        OSError: the folder cannot be written.
    """
    keep_freed_memory()
    trainer = make_trainer(setup)
    if resume and has_checkpoint(folder):
        check_same_config(folder, setup.config)
        load_checkpoint(folder, trainer, setup.fingerprint)
    else:
        clear_output(folder)
        save_config_and_vocabulary(folder, setup.config, setup.vocabulary)
        save_checkpoint(folder, trainer, setup.fingerprint)
    log = _load_log(folder, trainer.position)
    saved = time.monotonic()
    try:
        for event in trainer.fit():
            if isinstance(event, Epoch):
                _save_epoch(folder, trainer, event, log)
            minutes = (time.monotonic() - saved) / 60
            if isinstance(event, Epoch) or minutes > setup.config.training.checkpoint_minutes:
                save_checkpoint(folder, trainer, setup.fingerprint)
                saved = time.monotonic()
            yield event
            if stop():
                save_checkpoint(folder, trainer, setup.fingerprint)
                raise InterruptedRun(f"interrupted and saved in {folder}; use --resume to continue")
    except TrainingError as error:
        raise TrainingError(f"{error}. The last good checkpoint is kept in {folder / 'checkpoint'}") from None
    _save_results(setup, folder, trainer.position)


def check_output(folder: Path, *, resume: bool, overwrite: bool) -> None:
    """Check that a run can be written to `folder` without losing anything. Changes nothing.

    Raises:
        UsageError: a run exists and neither flag is given, or the folder has other contents.
    """
    if resume and overwrite:
        raise UsageError("--resume and --overwrite cannot be combined; use one of them")
    parent = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not os.access(parent, os.W_OK):
        raise UsageError(f"{folder}: cannot be written; choose another --output")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder}: is a file; --output takes a folder")
    names = {path.name for path in folder.iterdir() if not is_partial(path)}
    # config.yaml and README.md may be the user's own files; only rnner writes the two below.
    ours = {VOCABULARY, SEEDS}
    if names and not names & ours:
        raise UsageError(f"{folder}: contains files that are not from a run; choose another --output")
    if names and not (resume or overwrite):
        raise UsageError(f"{folder}: contains a run; use --resume to continue or --overwrite to replace it")


def check_run(folder: Path, config: Config, *, resume: bool, overwrite: bool) -> dict[str, Any] | None:
    """Check that a run with this config can be written to `folder`. Changes nothing.

    Returns:
        The metrics of the run to resume, if it is finished; otherwise None.

    Raises:
        UsageError: as `check_output` and `check_same_config` do.
    """
    check_output(folder, resume=resume, overwrite=overwrite)
    if not resume:
        return None
    check_same_config(folder, config)
    return load_metrics(folder)


def clear_output(folder: Path) -> None:
    """Remove the files of a run, and no others. `check_output` accepts a folder that is partly cleared."""
    (folder / METRICS).unlink(missing_ok=True)  # first: a run without metrics is not finished
    remove_checkpoint(folder)
    for name in (MANIFEST, ONNX, CARD, WEIGHTS, LOG, METRICS, CONFIG, VOCABULARY):
        (folder / name).unlink(missing_ok=True)
    if (folder / SEEDS).exists():
        for seed_folder in sorted(path for path in folder.glob("seed-*") if path.is_dir()):
            clear_output(seed_folder)
            if not any(seed_folder.iterdir()):
                seed_folder.rmdir()
    (folder / SEEDS).unlink(missing_ok=True)
    if folder.is_dir():
        remove_partial(folder)


def check_same_config(folder: Path, config: Config) -> None:
    """Check that the run in a folder, if any, was started with this config.

    Raises:
        UsageError: the config differs (the message lists the keys), or it is a run with several seeds.
    """
    if (folder / SEEDS).exists():
        raise UsageError(f"{folder}: contains a run of several seeds; add --seeds N to resume it")
    if not (has_checkpoint(folder) or (folder / METRICS).exists()):
        return
    old = load_saved_config(folder / CONFIG)
    if config.embeddings.words.vectors is not None:
        config = with_word_size(config, old.embeddings.words.size)
    changed = differences(old, config)
    if changed:
        raise UsageError(
            f"{folder}: the run there has another config (old / new: {'; '.join(changed)}); "
            "use --overwrite to start again, or choose another --output"
        )


def _save_epoch(folder: Path, trainer: Trainer, epoch: Epoch, log: list[dict[str, Any]]) -> None:
    """Save the weights if they are the best so far, and add a line to the log."""
    if epoch.best:
        with trainer.averaged():
            save_weights(folder, trainer.tagger)
    line = {**vars(epoch), "dev": {name: getattr(epoch.dev, name) for name in ("precision", "recall", "f1")}}
    del line["last"]
    log.append(line)
    write_atomically(folder / LOG, "".join(json.dumps(line) + "\n" for line in log))


def _load_log(folder: Path, position: Position) -> list[dict[str, Any]]:
    """Return the log up to the epoch of the checkpoint."""
    path = folder / LOG
    if position.epoch == 0 or not path.exists():
        return []
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [line for line in lines if line["epoch"] <= position.epoch]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: is corrupted ({error}); remove it to resume without it") from None


def _save_results(setup: TrainingSetup, folder: Path, position: Position) -> None:
    """Score the saved best model, and write the metrics and the model card."""
    best = load_model(folder, device=setup.device)
    decoder = TaggerDecoder(best.tagger, best.vocabulary)
    metrics: dict[str, Any] = {"dev": evaluate(decoder, setup.corpus.dev).to_dict()}
    if setup.corpus.test is not None:
        metrics["test"] = evaluate(decoder, setup.corpus.test).to_dict()
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
        "versions": {
            "rnner": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }
    write_atomically(folder / CARD, model_card(setup.config, setup.vocabulary, metrics))
    save_metrics(folder, metrics)
    remove_checkpoint(folder)

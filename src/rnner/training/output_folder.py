"""The output folder of a run: only one process writes to it, and none of the user's files are overwritten."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnner.config import Config, differences, load_saved_config
from rnner.errors import UsageError
from rnner.model.file_names import (
    CARD,
    CHECKPOINT,
    CONFIG,
    CURVE,
    FOLDER_FILES,
    LOG,
    MANIFEST,
    METRICS,
    ONNX,
    SEEDS,
    TENSORBOARD,
    TRACKING,
    VOCABULARY,
    WEIGHTS,
)
from rnner.model.folder import load_metrics
from rnner.system.files import is_partial, remove_partial
from rnner.system.folder_lock import LOCK, folder_lock
from rnner.training.checkpoint import has_checkpoint, remove_checkpoint
from rnner.training.setup import with_word_size


@contextmanager
def reserve_output(
    folder: Path, config: Config, *, resume: bool, overwrite: bool
) -> Iterator[dict[str, Any] | None]:
    """Lock the output folder of a run within the block, and yield the result of `check_run`.

    Leftovers of a killed run are removed.

    Raises:
        UsageError: another run writes to the folder, or `check_run` raises it.
        OSError: the folder cannot be written.
    """
    with lock_output(folder):
        metrics = check_run(folder, config, resume=resume, overwrite=overwrite)
        remove_leftovers(folder)
        yield metrics


@contextmanager
def lock_output(folder: Path) -> Iterator[None]:
    """Lock an output folder within the block. Raises UsageError if another run writes to it."""
    _check_writable(folder)
    with folder_lock(folder):
        yield


def has_leftovers(folder: Path) -> bool:
    """Return whether a run in a folder is unfinished, or left temporary files because it was killed."""
    return not (folder / METRICS).exists() or any(
        path.name in (CHECKPOINT, LOCK) or is_partial(path) for path in folder.iterdir()
    )


def remove_leftovers(folder: Path) -> None:
    """Remove leftovers of a killed run from a locked folder, and the checkpoint if the run is finished."""
    if (folder / METRICS).exists():
        remove_checkpoint(folder)
    for place in (folder, folder / CHECKPOINT):
        if place.is_dir():
            remove_partial(place)


def check_output(folder: Path, *, resume: bool, overwrite: bool) -> None:
    """Check that a run can be written to `folder` without losing anything. Changes nothing.

    Raises:
        UsageError: a run exists and neither flag is given, or the folder has other contents.
    """
    if resume and overwrite:
        raise UsageError("--resume and --overwrite cannot be combined; use one of them")
    _check_writable(folder)
    if not folder.exists():
        return
    names = {path.name for path in folder.iterdir() if path.name != LOCK and not is_partial(path)}
    # config.yaml and README.md may be the user's own files; the following are written only by rnner.
    ours = bool(names & {VOCABULARY, SEEDS}) or has_checkpoint(folder)
    if names and not ours:
        raise UsageError(f"{folder}: contains files that are not from a run; choose another --output")
    if names and not (resume or overwrite):
        raise UsageError(f"{folder}: contains a run; use --resume to continue or --overwrite to replace it")


def _check_writable(folder: Path) -> None:
    parent = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not os.access(parent, os.W_OK):
        raise UsageError(f"{folder}: cannot be written; choose another --output")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file; --output takes a folder")


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
    metrics = load_metrics(folder)
    if metrics is not None and (missing := missing_files(folder)):
        what = f"the run there is finished, but its model has no {' and no '.join(missing)}"
        raise UsageError(f"{folder}: {what}; use --overwrite to train it again")
    return metrics


def missing_files(folder: Path) -> list[str]:
    """Return the names of the required model files that are not in a folder."""
    return [name for name in FOLDER_FILES if not (folder / name).is_file()]


def clear_output(folder: Path) -> None:
    """Remove the files of a run, and no others. If interrupted, `check_output` still accepts the folder."""
    (folder / METRICS).unlink(missing_ok=True)  # first: a run without metrics is not finished
    remove_checkpoint(folder)
    _remove_event_files(folder / TENSORBOARD)
    for name in (TRACKING, MANIFEST, ONNX, CARD, CURVE, WEIGHTS, LOG, METRICS, CONFIG, VOCABULARY):
        (folder / name).unlink(missing_ok=True)
    if (folder / SEEDS).exists():
        for seed_folder in sorted(path for path in folder.glob("seed-*") if path.is_dir()):
            clear_output(seed_folder)
            if not any(seed_folder.iterdir()):
                seed_folder.rmdir()
    (folder / SEEDS).unlink(missing_ok=True)
    if folder.is_dir():
        remove_partial(folder)


def _remove_event_files(folder: Path) -> None:
    """Remove TensorBoard's files, and their folder if nothing else is in it."""
    if folder.is_dir():
        for path in folder.glob("events.out.tfevents.*"):
            path.unlink()
        if not any(folder.iterdir()):
            folder.rmdir()


def check_same_config(folder: Path, config: Config) -> None:
    """Check that the run in a folder, if there is one, was started with this config.

    Raises:
        UsageError: the config differs (the message lists the keys) or is missing, or the run has several
            seeds.
    """
    if (folder / SEEDS).exists():
        raise UsageError(f"{folder}: contains a run of several seeds; add --seeds N to resume it")
    if not (has_checkpoint(folder) or (folder / METRICS).exists()):
        return
    if not (folder / CONFIG).is_file():
        raise UsageError(
            f"{folder}: has no {CONFIG}, so the run there cannot be resumed; use --overwrite to start again"
        )
    old = load_saved_config(folder / CONFIG)
    if config.embeddings.words.vectors is not None:
        config = with_word_size(config, old.embeddings.words.size)
    changed = differences(old, config)
    if changed:
        raise UsageError(
            f"{folder}: the run there has another config (old / new: {'; '.join(changed)}); "
            "use --overwrite to start again, or choose another --output"
        )

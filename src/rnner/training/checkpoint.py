"""Files that are whole or not there, and the checkpoint from which a run goes on exactly.

A checkpoint is one safetensors file: weights, their average and the optimiser's state as tensors; the
position and the fingerprint of config and data as JSON in its header. One file, replaced in one step,
so that a run killed at any moment leaves either the old one or the new one.
"""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from rnner.errors import ModelError
from rnner.system.files import write_tensors
from rnner.training.progress import Position
from rnner.training.trainer import Trainer

FOLDER = "checkpoint"
FILE = "state.safetensors"


def save_checkpoint(run: Path, trainer: Trainer, fingerprint: str) -> None:
    """Write the trainer's state into `run`/checkpoint, unless it is not finite: a good one stays."""
    if not trainer.finite():
        return
    folder = run / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {"position": json.dumps(trainer.position.to_dict()), "fingerprint": fingerprint}
    write_tensors(folder / FILE, trainer.tensors(), metadata)


def has_checkpoint(run: Path) -> bool:
    """Whether there is one to go on from."""
    return (run / FOLDER / FILE).is_file()


def load_checkpoint(run: Path, trainer: Trainer, fingerprint: str) -> None:
    """Bring the trainer to where the checkpoint in `run` was taken.

    Raises:
        ModelError: the file is broken, or was made with another config or other data.
    """
    path = run / FOLDER / FILE
    again = "start anew with --overwrite"
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        position = Position.from_dict(json.loads(metadata["position"]))
        if metadata["fingerprint"] != fingerprint:
            raise ModelError(f"{path}: comes from other data or another config than this run's: {again}")
        trainer.restore(tensors, position)
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise ModelError(f"{path}: is not a checkpoint of this run ({error}): {again}") from None


def remove_checkpoint(run: Path) -> None:
    """Remove what is only for resuming."""
    folder = run / FOLDER
    if folder.is_dir():
        for path in (folder / FILE, folder / (FILE + ".partial")):
            path.unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()

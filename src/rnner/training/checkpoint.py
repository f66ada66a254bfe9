"""Checkpoints: one safetensors file per run, from which training resumes exactly.

It holds the weights, their average and the optimizer's state as tensors; its header holds the position and a
fingerprint of config and data as JSON. The file is replaced atomically, so a killed run leaves either the
previous checkpoint or the new one.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from rnner.errors import ModelError
from rnner.model.file_names import CHECKPOINT
from rnner.system.files import remove_partial
from rnner.system.tensor_files import read_tensors, write_tensors
from rnner.training.progress import Position
from rnner.training.trainer import Trainer

FILE = "state.safetensors"


def save_checkpoint(run: Path, trainer: Trainer, fingerprint: str) -> None:
    """Write the trainer's state to `run`/checkpoint. Nothing is saved if a weight is not finite."""
    if not trainer.is_finite():
        return
    folder = run / CHECKPOINT
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {"position": json.dumps(asdict(trainer.position)), "fingerprint": fingerprint}
    write_tensors(folder / FILE, trainer.state_dict(), metadata)


def has_checkpoint(run: Path) -> bool:
    """Return whether the run can be resumed."""
    return (run / CHECKPOINT / FILE).is_file()


def load_checkpoint(run: Path, trainer: Trainer, fingerprint: str) -> None:
    """Restore the trainer's state from the checkpoint in `run`.

    Raises:
        ModelError: the file is corrupted or has another fingerprint.
    """
    path = run / CHECKPOINT / FILE
    hint = "start again with --overwrite"
    try:
        state, metadata = read_tensors(path)
        position = Position.from_dict(json.loads(metadata["position"]))
        if metadata["fingerprint"] != fingerprint:
            raise ModelError(f"{path}: was saved with other data or another config: {hint}")
        trainer.load_state_dict(state, position)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise ModelError(f"{path}: is not a checkpoint of this run ({error}): {hint}") from None


def remove_checkpoint(run: Path) -> None:
    """Remove the checkpoint, and its folder if nothing else is in it."""
    folder = run / CHECKPOINT
    if folder.is_dir():
        (folder / FILE).unlink(missing_ok=True)
        remove_partial(folder)
        if not any(folder.iterdir()):
            folder.rmdir()

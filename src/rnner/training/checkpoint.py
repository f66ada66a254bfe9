"""Checkpoints: safetensors files from which training resumes exactly.

A checkpoint holds the weights, their average and the optimizer's state as tensors. Its metadata holds the
position, a fingerprint of config and data, the checksum of the best weights so far, and the computing
environment (software versions, threads, processor). A run keeps its last two checkpoints. Files are replaced
atomically, so a killed run always leaves a complete checkpoint. If the newest one is damaged later, the one
before it is used.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor

from rnner.errors import ModelError, one_line
from rnner.model.file_names import CHECKPOINT, WEIGHTS
from rnner.model.folder import save_weights
from rnner.system.files import remove_partial
from rnner.system.software import computing_environment
from rnner.system.tensor_files import read_tensors, stored_checksum, write_tensors
from rnner.training.progress import Position
from rnner.training.resume_checks import check_position, check_state
from rnner.training.trainer import Trainer

FILE, PREVIOUS = "state.safetensors", "previous.safetensors"
_HINT = "start again with --overwrite"
_logger = logging.getLogger(__name__)


def save_checkpoint(run: Path, trainer: Trainer, fingerprint: str) -> None:
    """Write the trainer's state to `run`/checkpoint. If a weight is not finite, nothing is written."""
    if not trainer.is_finite():
        return
    folder = run / CHECKPOINT
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {
        "position": json.dumps(asdict(trainer.position)),
        "fingerprint": fingerprint,
        "best": (not _is_best(trainer.position) and stored_checksum(run / WEIGHTS)) or "",
        "environment": json.dumps(computing_environment(trainer.device)),
    }
    if (folder / FILE).exists():
        (folder / FILE).replace(folder / PREVIOUS)
    write_tensors(folder / FILE, trainer.state_dict(), metadata)


def has_checkpoint(run: Path) -> bool:
    """Return whether the run can be resumed."""
    return any((run / CHECKPOINT / name).is_file() for name in (FILE, PREVIOUS))


def load_checkpoint(
    run: Path, trainer: Trainer, fingerprint: str, *, warn: Callable[[str], None] = _logger.warning
) -> None:
    """Restore the trainer's state from the newest checkpoint in `run` that is not damaged.

    The best weights so far are in another file. If they are those of the checkpoint, that file is written
    again; otherwise it is verified.

    Args:
        run: the output folder.
        trainer: a new trainer; it is unchanged if an error is raised.
        fingerprint: the fingerprint of the config and data, which must be that of the checkpoint.
        warn: called with a message if the newest checkpoint is damaged or from another environment.

    Raises:
        ModelError: no checkpoint is intact, its fingerprint differs, or the best weights are damaged.
    """
    newest, previous = run / CHECKPOINT / FILE, run / CHECKPOINT / PREVIOUS
    try:
        checkpoint = _read(newest, trainer, fingerprint)
    except (OSError, ValueError) as error:
        if not previous.is_file():
            raise _refused(newest, error) from None
        if newest.exists():  # if not, the run was killed between the two steps of `save_checkpoint`
            warn(f"{newest}: is damaged ({one_line(error)}); resuming from the previous checkpoint")
        try:
            checkpoint = _read(previous, trainer, fingerprint)
        except (OSError, ValueError) as older:
            raise _refused(previous, older) from None
    in_checkpoint = _is_best(checkpoint.position)
    if not in_checkpoint and checkpoint.position.best_epoch:
        # If the newest checkpoint is lost, the file may hold the weights of an epoch after the previous
        # checkpoint. That epoch will be trained again, so the checksum may differ.
        _verify_best(run / WEIGHTS, checkpoint.best if checkpoint.path == newest else None)
    trainer.load_state_dict(checkpoint.state, checkpoint.position)
    if in_checkpoint:
        save_best(run, trainer)
    if checkpoint.path == previous:
        previous.replace(newest)
    _warn_about_environment(checkpoint, trainer, warn)


def remove_checkpoint(run: Path) -> None:
    """Remove the checkpoints, and their folder if nothing else is in it."""
    folder = run / CHECKPOINT
    if folder.is_dir():
        for name in (PREVIOUS, FILE):
            (folder / name).unlink(missing_ok=True)
        remove_partial(folder)
        if not any(folder.iterdir()):
            folder.rmdir()


def save_best(run: Path, trainer: Trainer) -> None:
    """Save the averaged weights as the best so far."""
    with trainer.averaged():
        save_weights(run, trainer.tagger)


@dataclass(frozen=True)
class _Checkpoint:
    path: Path
    state: dict[str, Tensor]
    position: Position
    best: str  # checksum of the best weights so far, unless the checkpoint has them
    environment: dict[str, str]


def _read(path: Path, trainer: Trainer, fingerprint: str) -> _Checkpoint:
    """Return a checkpoint. Raises ValueError if it is damaged or does not fit the trainer."""
    state, metadata = read_tensors(path)
    if missing := sorted({"fingerprint", "position", "best", "environment"} - metadata.keys()):
        raise ValueError(f"it has no {missing[0]}")
    if metadata["fingerprint"] != fingerprint:
        raise ModelError(f"{path}: was saved with other data or another config; {_HINT}")
    try:
        values, environment = json.loads(metadata["position"]), json.loads(metadata["environment"])
    except (ValueError, RecursionError):
        raise ValueError("its header is not JSON") from None
    if not isinstance(environment, dict):
        raise ValueError("it has no environment")
    position = check_position(trainer, values)
    check_state(trainer, state, position.step)
    return _Checkpoint(path, state, position, metadata["best"], environment)


def _refused(path: Path, error: Exception) -> ModelError:
    return ModelError(f"{path}: is not a checkpoint of this run ({one_line(error)}); {_HINT}")


def _is_best(position: Position) -> bool:
    """Return whether the averaged weights at a position are the best so far."""
    return 0 < position.best_epoch == position.epoch and position.epoch_step == 0


def _verify_best(path: Path, checksum: str | None) -> None:
    """Raise ModelError unless the best weights so far are intact and have this checksum, if given."""
    try:
        read_tensors(path)
        if checksum is not None and stored_checksum(path) != checksum:
            raise ValueError("the file is not from this run")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(f"{path}: the best weights so far are lost ({reason}); {_HINT}") from None


def _warn_about_environment(checkpoint: _Checkpoint, trainer: Trainer, warn: Callable[[str], None]) -> None:
    now = computing_environment(trainer.device)
    changed = [
        f"{name} {checkpoint.environment.get(name, 'unknown')} / {value}"
        for name, value in now.items()
        if checkpoint.environment.get(name) != value
    ]
    if changed:
        warn(
            f"the checkpoint was saved in another environment (then / now: {'; '.join(changed)}), so the "
            "result may differ in the last bits from that of an uninterrupted run"
        )

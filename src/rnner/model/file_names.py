"""The names of the files in a model folder, and the checks before any of them is opened."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path

from rnner.errors import ModelError

CONFIG = "config.yaml"
VOCABULARY = "vocabulary.json"
WEIGHTS = "model.safetensors"
METRICS = "metrics.json"
LOG = "log.jsonl"
CARD = "README.md"
CURVE = "training.svg"  # linked from the card
MANIFEST = "manifest.json"
CHECKPOINT = "checkpoint"  # a folder, until training ends
TRACKING = "tracking.json"  # only after `rnner train --log`
TENSORBOARD = "tensorboard"  # a folder, only after `rnner train --log tensorboard`
SEEDS = "seeds.json"  # only where one config was trained with several seeds
ONNX = "model.onnx"  # only after `rnner export`

FOLDER_FILES = {CONFIG: 1 << 20, VOCABULARY: 1 << 30, WEIGHTS: 1 << 32}
"""The files that every model folder has, and the maximum size of each in bytes."""
ONNX_FILES = {ONNX: 1 << 31}
OPTIONAL_FILES = {METRICS: 1 << 26, LOG: 1 << 28, CARD: 1 << 20, CURVE: 1 << 20, MANIFEST: 1 << 20}
MODEL_FILES = (*FOLDER_FILES, *ONNX_FILES, *OPTIONAL_FILES)
"""All files of a model that are copied or downloaded with it."""


_LIMITS = FOLDER_FILES | ONNX_FILES | OPTIONAL_FILES


def check_model_files(folder: Path, names: Iterable[str] = _LIMITS) -> None:
    """Raise a ModelError unless the model's files are regular files of an acceptable size.

    A symbolic link could reveal any file's content in an error message; opening a pipe could block forever.
    The folder itself may be a link. Missing files are ignored.
    """
    for path in (folder / name for name in names):
        try:
            state = path.lstat()
        except OSError:
            continue
        if stat.S_ISLNK(state.st_mode):
            raise ModelError(
                f"{path}: is a symbolic link; a model folder must contain the file itself, "
                f"so copy the folder with `cp -rL {folder} COPY`"
            )
        if not stat.S_ISREG(state.st_mode):
            raise ModelError(f"{path}: is not a regular file")
        if state.st_size > (limit := _LIMITS[path.name]):
            raise ModelError(f"{path}: exceeds the size limit for this file ({limit >> 20} MB)")

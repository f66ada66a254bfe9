"""Names of models: the bundled model, a folder or file, or a repository on the Hugging Face Hub.

From a repository only the files of a model are downloaded, into the cache folder of rnner, and none of them
is ever executed. The environment variables HF_ENDPOINT, HF_TOKEN and RNNER_CACHE set the Hub, the token and
the cache; with HF_HUB_OFFLINE=1 only the cache is used.
"""

from __future__ import annotations

import os
import re
from importlib import resources
from pathlib import Path

from rnner.errors import ModelError, UsageError, did_you_mean
from rnner.model.file_names import FOLDER_FILES, ONNX
from rnner.system.files import is_partial

BUNDLED = "en"
"""The name of the model that comes with the package."""
BUNDLED_LABELS = ("PER", "LOC", "ORG")

_NAME = re.compile(r"(?P<hub>hf:)?(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")


def find_model(name: Path | str | None) -> Path:
    """Return the folder of a model, or its file written by `rnner export`.

    Args:
        name: the first that applies: None or "en" is the bundled English model; an existing path is that
            path; "owner/name" or "owner/name@revision" is a model on the Hugging Face Hub, downloaded unless
            it is cached. "hf:owner/name" is always on the Hub; a `Path` never is.

    Raises:
        ModelError: the model is not found or cannot be downloaded; the message says what to do.
        UsageError: the bundled model is requested, but this installation has none.
    """
    if name is None or name == BUNDLED:
        return _bundled()
    match = _NAME.fullmatch(name) if isinstance(name, str) else None
    if match is None or match["hub"] is None:
        if os.path.exists(name):
            return _folder_or_file(Path(name))
        if match is None or _looks_like_a_path(match["repository"]):
            raise ModelError(f"{name}: {_not_found(Path(name), could_be_on_hub=match is not None)}")
    from rnner.model.hub import HubModel, download_model  # slow to import, because of ssl

    return download_model(HubModel(str(name), match["repository"], match["revision"]))


def _bundled() -> Path:
    path = Path(str(resources.files("rnner") / "resources" / BUNDLED))
    if not path.is_dir():
        raise UsageError("name a model with --model DIR, a folder written by `rnner train`")
    return _folder_or_file(path)


def _folder_or_file(path: Path) -> Path:
    """Return the path, or the ONNX file if the folder contains no other model files."""
    has_folder_files = any((path / name).exists() for name in FOLDER_FILES)
    return path / ONNX if (path / ONNX).is_file() and not has_folder_files else path


def _looks_like_a_path(name: str) -> bool:
    """Return whether `x/y` is a path, not a name on the Hub: x is a local folder, or `runs`, `.` or `..`."""
    first = name.partition("/")[0]
    return first in ("runs", ".", "..") or os.path.isdir(first)


def _not_found(path: Path, *, could_be_on_hub: bool) -> str:
    try:
        others = [other for other in path.parent.iterdir() if not is_partial(other)]
        near = [other.name for other in others if other.is_dir() or other.suffix == ".onnx"]
        guess = did_you_mean(path.name, near)
    except (OSError, ValueError):
        guess = ""
    if path.suffix == ".onnx":
        return f"file not found{guess}; `rnner export --model DIR --output {path.name}` writes one"
    hub = f"hf:{path}" if could_be_on_hub else "owner/name"
    return (
        f"model folder not found{guess}; `rnner train --config FILE` writes one; "
        f"for a model on the Hugging Face Hub, write {hub}"
    )

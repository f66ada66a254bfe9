"""What the name of a model stands for: the bundled one, a folder or file, or one on the Hugging Face Hub.

Of a repository on the Hub only the files that a model consists of are fetched, into the cache of
huggingface_hub; nothing in them is ever run. HF_ENDPOINT in the environment says where the Hub is, HF_TOKEN
who asks, HF_HOME where the cache is; with HF_HUB_OFFLINE=1 only the cache is read.
"""

from __future__ import annotations

import os
import re
from importlib import resources
from pathlib import Path

from rnner.errors import ModelError, UsageError, did_you_mean
from rnner.model.file_names import FOLDER_FILES, ONNX_FILES
from rnner.model.hub import HubName, fetch_model

BUNDLED = "en"
"""The name of the model that comes with the package."""
BUNDLED_LABELS = ("PER", "LOC", "ORG")


_NAME = re.compile(r"(?P<hub>hf:)?(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")


def find_model(name: Path | str | None) -> Path:
    """Where a model is: its folder, or its file of `rnner export`.

    Args:
        name: in this order: None or "en" is the bundled English model; what exists here is meant itself;
            "owner/name" or "owner/name@revision" is a model on the Hugging Face Hub, fetched unless it is in
            the cache already. "hf:owner/name" is on the Hub whatever exists here, and a `Path` always here.

    Raises:
        ModelError: there is no such model, or it cannot be fetched; the message says what to do.
        UsageError: None was named, and this package came without the bundled model.
    """
    if name is None or name == BUNDLED:
        return _bundled()
    match = _NAME.fullmatch(name) if isinstance(name, str) else None
    if match is None or match["hub"] is None:
        if os.path.exists(name):
            return _model_in(Path(name))
        if match is None or _is_meant_as_path(match["repository"]):
            raise ModelError(f"{name}: {_nothing_here(Path(name), known=match)}")
    return fetch_model(HubName(str(name), match["repository"], match["revision"]))


def _bundled() -> Path:
    path = Path(str(resources.files("rnner") / "resources" / BUNDLED))
    if not path.is_dir():
        raise UsageError("--model DIR is needed: the folder of a model that `rnner train` has written")
    return _model_in(path)


def _model_in(path: Path) -> Path:
    """The folder itself; the exported file in it if that is all there is."""
    (exported,) = (path / name for name in ONNX_FILES)
    whole = any((path / name).exists() for name in FOLDER_FILES)
    return exported if exported.is_file() and not whole else path


def _is_meant_as_path(name: str) -> bool:
    """Whether `x/y` is a path rather than a name on the Hub: x is a folder here, or where runs are kept."""
    first = name.partition("/")[0]
    return first in ("runs", ".", "..") or os.path.isdir(first)


def _nothing_here(path: Path, known: re.Match[str] | None) -> str:
    """What to say of a path that leads nowhere; `known` if it could be a name on the Hub too."""
    try:
        near = [other.name for other in path.parent.iterdir() if other.is_dir() or other.suffix == ".onnx"]
        meant = did_you_mean(path.name, near)
    except (OSError, ValueError):
        meant = ""
    if path.suffix == ".onnx":
        return f"there is no such file{meant}; `rnner export DIR {path.name}` writes one"
    hub = f"hf:{path}" if known else "owner/name"
    made = "`rnner train --config FILE` makes one"
    return f"there is no such model folder{meant}; {made}; one on the Hugging Face Hub is written {hub}"


# --- on the Hub --------------------------------------------------------------------------------------------

"""What the name of a model stands for: the bundled one, a folder or file, or one on the Hugging Face Hub.

Of a repository on the Hub only the files that a model consists of are fetched, into the cache of
huggingface_hub; nothing in them is ever run. HF_ENDPOINT in the environment says where the Hub is, HF_TOKEN
who asks, HF_HOME where the cache is; with HF_HUB_OFFLINE=1 only the cache is read.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Collection, Mapping
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from rnner.errors import ModelError, UsageError, did_you_mean

BUNDLED = "en"
"""The name of the model that comes with the package."""
BUNDLED_LABELS = ("PER", "LOC", "ORG")

# The files of a model and how many bytes they may have: as a folder, as an exported file, and beside them.
_FOLDER = {"config.yaml": 1 << 20, "vocabulary.json": 1 << 30, "model.safetensors": 1 << 32}
_EXPORTED = {"model.onnx": 1 << 31}
_BESIDE = {"metrics.json": 1 << 26, "README.md": 1 << 20}
FILES = (*_FOLDER, *_EXPORTED, *_BESIDE)
"""All files that a model may consist of."""

_NAME = re.compile(r"(?P<hub>hf:)?(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PATIENCE = 10  # seconds until the Hub has to answer

_logger = logging.getLogger(__name__)


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
    return _on_hub(_Name(str(name), match["repository"], match["revision"]))


def _bundled() -> Path:
    path = Path(str(resources.files("rnner") / "resources" / BUNDLED))
    if not path.is_dir():
        raise UsageError("--model DIR is needed: the folder of a model that `rnner train` has written")
    return _model_in(path)


def _model_in(path: Path) -> Path:
    """The folder itself; the exported file in it if that is all there is."""
    (exported,) = (path / name for name in _EXPORTED)
    whole = any((path / name).exists() for name in _FOLDER)
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


class _Name(NamedTuple):
    """What was typed, and what it means."""

    typed: str
    repository: str
    revision: str | None

    def error(self, message: str) -> ModelError:
        return ModelError(f"{self.typed}: {message}")


def _on_hub(name: _Name) -> Path:
    """The model in the cache, fetched unless the cache has the revision's present state."""
    from huggingface_hub import constants

    here = _cached(name)
    if constants.HF_HUB_OFFLINE:
        if here is None:
            raise name.error("it is not in the cache, or not all of it; unset HF_HUB_OFFLINE to fetch it")
        return here
    if here is not None and _COMMIT.fullmatch(name.revision or ""):  # such a state never changes
        return here
    _silence()
    state = _asked(name, here is not None)
    if here is not None and (state is None or state.commit in here.parts):
        return here
    assert state is not None
    return _fetched(name, state.wanted)


def _silence() -> None:
    """What the library has to say is told here, as one error; its progress is for terminals."""
    from huggingface_hub.utils.tqdm import disable_progress_bars

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    if sys.stderr is None or not sys.stderr.isatty():
        disable_progress_bars()


def _cached(name: _Name) -> Path | None:
    """The model in the cache; None unless all that it needs is there."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    for files in (_FOLDER, _EXPORTED):
        try:
            found = [try_to_load_from_cache(name.repository, file, revision=name.revision) for file in files]
        except HFValidationError as error:
            raise name.error(f"is no name of a model: {_reason(error)}") from None
        paths = [Path(path) for path in found if isinstance(path, str)]
        if len(paths) == len(files):
            return paths[0].parent if len(paths) > 1 else paths[0]
    return None


class _State(NamedTuple):
    """What the Hub has at present: the commit, and those of its files that are wanted."""

    commit: str
    wanted: list[str]


def _asked(name: _Name, have: bool) -> _State | None:
    """What the Hub has; None if it cannot be reached and the cache must do, which is logged."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    api = HfApi()
    try:
        info = api.model_info(name.repository, revision=name.revision, timeout=_PATIENCE, files_metadata=True)
    except RevisionNotFoundError:
        raise name.error(f"{api.endpoint} has the model, but no revision {name.revision} of it") from None
    except RepositoryNotFoundError:
        advice = "if it is private or has conditions, log in first (hf auth login) or set HF_TOKEN"
        nowhere = f"there is no such folder here, and {api.endpoint} has no such model"
        raise name.error(f"{nowhere} that you may see; {advice}") from None
    except Exception as error:  # the network has kinds of its own
        what = "answers with an error" if isinstance(error, HfHubHTTPError) else "gives no answer"
        told = f"{api.endpoint} {what}: {_reason(error)}"
        if not have:
            raise name.error(f"there is no such folder here, and {told}") from None
        _logger.warning("%s: %s; using what was fetched before", name.typed, told)
        return None
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or []}
    return _State(info.sha or "", _wanted(name, sizes))


def _wanted(name: _Name, sizes: Mapping[str, int]) -> list[str]:
    """Which files of a repository to fetch; raises ModelError if it is no model, or far too large."""
    if sizes.keys() >= _FOLDER.keys():
        wanted = {**_FOLDER, **_EXPORTED, **_BESIDE}
    elif sizes.keys() >= _EXPORTED.keys():
        wanted = {**_EXPORTED, **_BESIDE}
    else:
        raise name.error(f"is on the Hub, but no model of rnner: {_lacks(sizes)}")
    for file, most in wanted.items():
        if sizes.get(file, 0) > most:
            raise name.error(f"its {file} is larger than any such file of ours ({most >> 20} MB)")
    return [file for file in wanted if file in sizes]


def _lacks(files: Collection[str]) -> str:
    missing = ", ".join(file for file in _FOLDER if file not in files)
    return f"it lacks {missing}, and has no {', '.join(_EXPORTED)} either"


def _fetched(name: _Name, files: list[str]) -> Path:
    from huggingface_hub import snapshot_download

    try:
        snapshot_download(name.repository, revision=name.revision, allow_patterns=files)
    except Exception as error:  # of the network, the disk, the Hub
        raise name.error(f"cannot be fetched: {_reason(error)}; what has come is kept, try again") from None
    here = _cached(name)
    if here is None:
        raise name.error("only a part of it has come; try again")
    return here


def _reason(error: BaseException) -> str:
    """What an error says, or what it came from, in one short line."""
    told = " ".join(str(error.__cause__ or error).split())
    return told[:200] or type(error).__name__

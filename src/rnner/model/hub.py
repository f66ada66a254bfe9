"""Models on the Hugging Face Hub: found, checked and fetched into the cache."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from rnner.errors import ModelError
from rnner.model.file_names import FOLDER_FILES, ONNX_FILES, OPTIONAL_FILES

_COMMIT = re.compile(r"[0-9a-f]{40}")


_PATIENCE = 10  # seconds until the Hub has to answer


_logger = logging.getLogger(__name__)


class HubName(NamedTuple):
    """What was typed, and what it means."""

    typed: str
    repository: str
    revision: str | None

    def error(self, message: str) -> ModelError:
        return ModelError(f"{self.typed}: {message}")


def fetch_model(name: HubName) -> Path:
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


def _cached(name: HubName) -> Path | None:
    """The model in the cache; None unless all that it needs is there."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    for files in (FOLDER_FILES, ONNX_FILES):
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


def _asked(name: HubName, have: bool) -> _State | None:
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


def _wanted(name: HubName, sizes: Mapping[str, int]) -> list[str]:
    """Which files of a repository to fetch; raises ModelError if it is no model, or far too large."""
    if sizes.keys() >= FOLDER_FILES.keys():
        wanted = {**FOLDER_FILES, **ONNX_FILES, **OPTIONAL_FILES}
    elif sizes.keys() >= ONNX_FILES.keys():
        wanted = {**ONNX_FILES, **OPTIONAL_FILES}
    else:
        raise name.error(f"is on the Hub, but no model of rnner: {_lacks(sizes)}")
    for file, most in wanted.items():
        if sizes.get(file, 0) > most:
            raise name.error(f"its {file} is larger than any such file of ours ({most >> 20} MB)")
    return [file for file in wanted if file in sizes]


def _lacks(files: Collection[str]) -> str:
    missing = ", ".join(file for file in FOLDER_FILES if file not in files)
    return f"it lacks {missing}, and has no {', '.join(ONNX_FILES)} either"


def _fetched(name: HubName, files: list[str]) -> Path:
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

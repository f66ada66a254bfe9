"""Models on the Hugging Face Hub: checked, then downloaded into the cache."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from rnner.errors import ModelError
from rnner.model.file_names import FOLDER_FILES, ONNX_FILES, OPTIONAL_FILES

_COMMIT = re.compile(r"[0-9a-f]{40}")
_TIMEOUT = 10  # seconds to wait for an answer from the Hub
_logger = logging.getLogger(__name__)


class HubModel(NamedTuple):
    """The name of a model as typed, and its parts."""

    typed: str
    repository: str
    revision: str | None

    def error(self, message: str) -> ModelError:
        """Return an error about this model."""
        return ModelError(f"{self.typed}: {message}")


def download_model(name: HubModel) -> Path:
    """Return the folder of a model in the cache; download it unless the revision's latest commit is cached.

    Raises:
        ModelError: the model is not found or cannot be downloaded; the message says what to do.
    """
    from huggingface_hub import constants
    from huggingface_hub.utils.tqdm import disable_progress_bars

    cached = _cached(name)
    if constants.HF_HUB_OFFLINE:
        if cached is None:
            raise name.error("is missing or incomplete in the cache; unset HF_HUB_OFFLINE to download it")
        return cached
    if cached is not None and _COMMIT.fullmatch(name.revision or ""):  # a commit never changes
        return cached
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    if sys.stderr is None or not sys.stderr.isatty():
        disable_progress_bars()
    commit, files = _ask_hub(name, cached)
    if cached is not None and commit in cached.parts:
        return cached
    return _download(name, files)


def _cached(name: HubModel) -> Path | None:
    """Return the cached model, or None if a required file is missing."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    for files in (FOLDER_FILES, ONNX_FILES):
        try:
            found = [try_to_load_from_cache(name.repository, file, revision=name.revision) for file in files]
        except HFValidationError as error:
            raise name.error(f"is not a valid model name: {_short(error)}") from None
        paths = [Path(path) for path in found if isinstance(path, str)]
        if len(paths) == len(files):
            return paths[0].parent if len(paths) > 1 else paths[0]
    return None


def _ask_hub(name: HubModel, cached: Path | None) -> tuple[str, list[str]]:
    """Return the latest commit of the repository, and which of its files to download.

    If the Hub cannot be reached but the model is cached, warn and return the name of the cached model.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    api = HfApi()
    try:
        info = api.model_info(name.repository, revision=name.revision, timeout=_TIMEOUT, files_metadata=True)
    except RevisionNotFoundError:
        raise name.error(f"{api.endpoint} has this model, but not the revision {name.revision}") from None
    except RepositoryNotFoundError:
        raise name.error(
            f"folder not found, and {api.endpoint} has no model of that name that you can access; "
            "if it is private or gated, log in (hf auth login) or set HF_TOKEN"
        ) from None
    except Exception as error:  # network errors have many classes
        problem = "returned an error" if isinstance(error, HfHubHTTPError) else "does not respond"
        message = f"{api.endpoint} {problem}: {_short(error)}"
        if cached is None:
            raise name.error(f"folder not found, and {message}") from None
        _logger.warning("%s: %s; using the downloaded copy", name.typed, message)
        return cached.name, []
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or []}
    return info.sha or "", _files_to_download(name, sizes)


def _files_to_download(name: HubModel, sizes: Mapping[str, int]) -> list[str]:
    """Return the files of the model; raise a ModelError if this is not a model or a file is far too large."""
    limits = ONNX_FILES | OPTIONAL_FILES
    if sizes.keys() >= FOLDER_FILES.keys():
        limits = FOLDER_FILES | limits
    elif not sizes.keys() >= ONNX_FILES.keys():
        missing = ", ".join(file for file in FOLDER_FILES if file not in sizes)
        raise name.error(
            f"is on the Hub but is not an rnner model: it lacks {missing} and has no {', '.join(ONNX_FILES)}"
        )
    for file, limit in limits.items():
        if sizes.get(file, 0) > limit:
            raise name.error(f"its {file} exceeds the size limit for this file ({limit >> 20} MB)")
    return [file for file in limits if file in sizes]


def _download(name: HubModel, files: list[str]) -> Path:
    from huggingface_hub import snapshot_download

    try:
        snapshot_download(name.repository, revision=name.revision, allow_patterns=files)
    except Exception as error:  # from the network, the disk or the Hub
        raise name.error(f"download failed: {_short(error)}; try again (finished files are kept)") from None
    cached = _cached(name)
    if cached is None:
        raise name.error("the download is incomplete; try again")
    return cached


def _short(error: BaseException) -> str:
    """Return the message of an error, or of its cause, as one short line."""
    message = " ".join(str(error.__cause__ or error).split())
    return message[:200] or type(error).__name__

"""Models on the Hugging Face Hub: checked, then downloaded into the cache."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from rnner.errors import ModelError
from rnner.model.file_names import FOLDER_FILES, ONNX_FILES, OPTIONAL_FILES
from rnner.system.hub_repository import HubFile, Listing, Repository, endpoint, is_commit, is_offline
from rnner.system.web import WebError

_WORTH_A_NOTE = 10_000_000  # bytes
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
    _check_name(name)
    repository = Repository("models", name.repository, name.revision)
    cached = _usable(repository.cached())
    if is_offline():
        if cached is None:
            raise name.error("is missing or incomplete in the cache; unset HF_HUB_OFFLINE to download it")
        return cached
    if cached is not None and is_commit(name.revision):  # a commit never changes
        return cached
    listing = _ask_hub(name, repository, cached)
    if listing is None:
        assert cached is not None
        return cached
    return _download(name, repository, listing)


def _check_name(name: HubModel) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(name.repository)
    except HFValidationError as error:
        raise name.error(f"is not a valid model name: {error}") from None


def _usable(folder: Path | None) -> Path | None:
    """Return the path of the model in a folder (the folder or an ONNX file); None if a file is missing."""
    if folder is None:
        return None
    if all((folder / file).is_file() for file in FOLDER_FILES):
        return folder
    (exported,) = (folder / file for file in ONNX_FILES)
    return exported if exported.is_file() else None


def _ask_hub(name: HubModel, repository: Repository, cached: Path | None) -> Listing | None:
    """Return the listing of the Hub. If there is no answer but the model is cached, warn and return None."""
    try:
        return repository.list_files()
    except WebError as error:
        if error.reason == "RevisionNotFound":
            raise name.error(f"{endpoint()} has this model, but not the revision {name.revision}") from None
        if error.reason in ("RepoNotFound", "GatedRepo") or error.status in (401, 404):
            raise name.error(
                f"folder not found, and {endpoint()} has no model of that name that you can access; "
                "if it is private or gated, log in (hf auth login) or set HF_TOKEN"
            ) from None
        problem = "does not respond" if error.status is None and error.temporary else "returned an error"
        message = f"{endpoint()} {problem}: {error}"
        if cached is None:
            raise name.error(f"folder not found, and {message}") from None
        _logger.warning("%s: %s; using the downloaded copy", name.typed, message)
        return None


def _download(name: HubModel, repository: Repository, listing: Listing) -> Path:
    """Return the model of a commit; download it if it is not in the cache."""
    cached = _usable(repository.folder(listing.commit))
    try:
        if cached is None:
            files = _files_to_download(name, listing.files)
            size = sum(file.size or 0 for file in files.values())
            if size > _WORTH_A_NOTE:
                _logger.warning("%s: downloading %s MB from %s", name.typed, f"{size / 1e6:,.0f}", endpoint())
            with repository.new_folder(listing.commit) as folder:
                for file, description in files.items():
                    repository.download(listing.commit, file, description, folder / file)
            cached = _usable(repository.folder(listing.commit))
        repository.remember(listing.commit)
    except WebError as error:
        raise name.error(f"download failed: {error}; try again") from None
    except OSError as error:
        folder = repository.folder(listing.commit).parent
        raise name.error(
            f"download failed: the cache {folder} cannot be written ({error.strerror or error}); "
            "set RNNER_CACHE to a writable folder with free space"
        ) from None
    assert cached is not None
    return cached


def _files_to_download(name: HubModel, files: Mapping[str, HubFile]) -> dict[str, HubFile]:
    """Return the files of the model; raise a ModelError unless it is a model and all sizes are acceptable."""
    limits = ONNX_FILES | OPTIONAL_FILES
    if files.keys() >= FOLDER_FILES.keys():
        limits = FOLDER_FILES | limits
    elif not files.keys() >= ONNX_FILES.keys():
        missing = ", ".join(file for file in FOLDER_FILES if file not in files)
        raise name.error(
            f"is on the Hub but is not an rnner model: it lacks {missing} and has no {', '.join(ONNX_FILES)}"
        )
    wanted = {file: files[file] for file in limits if file in files}
    for file, (size, _) in wanted.items():
        if size is None:
            raise name.error(f"{endpoint()} does not state the size of its {file}")
        if size > limits[file]:
            raise name.error(f"its {file} exceeds the size limit for this file ({limits[file] >> 20} MB)")
    return wanted

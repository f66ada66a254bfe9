"""The manifest of a model folder: the SHA-256 of each file, to detect damaged or swapped files.

The manifest is written when training ends. An entry is removed before its file is replaced and added again
afterwards, so whatever a killed process leaves behind passes the check. Models of older versions have no
manifest, nor do unfinished runs.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rnner.errors import ModelError
from rnner.model.file_names import CONFIG, MANIFEST, MODEL_FILES, check_model_files
from rnner.system.files import write_atomically

_KEY = "sha256"
_DIGEST = re.compile("[0-9a-f]{64}")
_BLOCK = 1 << 17
_logger = logging.getLogger(__name__)


def write_manifest(folder: Path, pending: Mapping[str, bytes] | None = None) -> None:
    """Write the manifest of a model folder.

    Args:
        folder: the model folder.
        pending: the content of files that will be written after the manifest.
    """
    present = (name for name in MODEL_FILES if name != MANIFEST and (folder / name).is_file())
    digests = {name: file_digest(folder / name) for name in present}
    digests |= {name: hashlib.sha256(content).hexdigest() for name, content in (pending or {}).items()}
    _write(folder, digests)


def read_manifest(folder: Path) -> dict[str, str] | None:
    """Return the SHA-256 of each file; None if the folder has no manifest.

    Raises:
        ModelError: the manifest is damaged.
    """
    check_model_files(folder, [MANIFEST])
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        digests = content[_KEY]
        if not all(_DIGEST.fullmatch(digest) for digest in digests.values()):
            raise ValueError("a digest is not 64 hex digits")
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise ModelError(
            f"{path}: is corrupted ({type(error).__name__}); copy the model folder again"
        ) from None
    return dict(digests)


def check_digests(folder: Path, digests: Mapping[str, str], names: Collection[str]) -> None:
    """Check files of a model folder against its manifest.

    An edited config.yaml is loaded with a warning, since `threshold` may be changed there.

    Args:
        folder: the model folder.
        digests: the result of `read_manifest`; files that are not in it are not checked.
        names: the files to check.

    Raises:
        ModelError: a file has changed since the model was written.
    """
    changed = [name for name in names if name in digests and file_digest(folder / name) != digests[name]]
    for name in changed:
        if name != CONFIG:
            raise ModelError(
                f"{folder / name}: is damaged, or belongs to another model: its SHA-256 is not the one in "
                f"{MANIFEST}; copy the model folder again"
            )
        _logger.warning("%s: has been edited since the model was written", folder / name)


def file_states(folder: Path, digests: Mapping[str, str]) -> dict[str, str]:
    """Return `ok`, `changed`, `missing` or `not listed` for each file in the manifest or the folder."""
    # Names in the manifest are never used as paths.
    present = {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}
    present.pop(MANIFEST, None)

    def state(name: str) -> str:
        if name not in present:
            return "missing"
        if name not in digests:
            return "not listed"
        return "ok" if file_digest(present[name]) == digests[name] else "changed"

    return {name: state(name) for name in (*digests, *(present.keys() - digests.keys()))}


@contextmanager
def replacing(folder: Path, name: str) -> Iterator[None]:
    """Update the manifest, if there is one, around the replacement of a file within the block."""
    digests = read_manifest(folder)
    if digests is None:
        yield
        return
    if digests.pop(name, None) is not None:
        _write(folder, digests)
    yield
    _write(folder, {**digests, name: file_digest(folder / name)})


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest, block = hashlib.sha256(), memoryview(bytearray(_BLOCK))
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(block):
            digest.update(block[:size])
    return digest.hexdigest()


def _write(folder: Path, digests: Mapping[str, str]) -> None:
    write_atomically(folder / MANIFEST, json.dumps({_KEY: digests}, indent=2) + "\n")

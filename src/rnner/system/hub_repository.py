"""Repositories on the Hugging Face Hub: their contents, and copies of their files in the cache of rnner.

This module never turns an answer of the Hub into a path: folders are named after the endpoint, the repository
and a commit of 40 hexadecimal digits, and the caller names the files. The environment variables HF_ENDPOINT
and HF_TOKEN set the Hub and the token; with HF_HUB_OFFLINE=1 no requests are made.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from rnner.system.files import atomic_replace, cache_folder, is_partial, write_atomically
from rnner.system.web import WebError, fetch

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LISTING = 4 << 20  # bytes: some 20,000 files
_PATIENCE = 30  # seconds for any answer
_SLOWEST = 20_000  # bytes per second
_WAITS = (1, 3)  # seconds before the second and the third attempt
_DAY = 24 * 60 * 60


class HubFile(NamedTuple):
    """The size of a file in bytes and, for large files, its SHA-256, as stated by the Hub."""

    size: int | None
    sha256: str | None


class Listing(NamedTuple):
    """The commit of a revision, and its files by name."""

    commit: str
    files: dict[str, HubFile]


class Repository(NamedTuple):
    """A repository at a revision.

    Attributes:
        kind: "models" or "datasets".
        name: `owner/name`.
        revision: a branch, a tag or a commit; None for the branch `main`.
    """

    kind: str
    name: str
    revision: str | None = None

    def list_files(self) -> Listing:
        """Return the commit of the revision and its files, as listed by the Hub.

        Raises:
            WebError: the Hub does not answer, or its listing is not valid.
        """
        revision = "" if self.revision is None else f"/revision/{quote(self.revision, safe='')}"
        url = f"{endpoint()}/api/{self.kind}/{quote(self.name)}{revision}?blobs=true"
        content = b"".join(map(bytes, fetch(url, limit=_LISTING, seconds=_PATIENCE, token=_token())))
        try:
            listing = _parse(json.loads(content))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise WebError("the list of files is not valid") from None
        if is_commit(self.revision) and listing.commit != self.revision:
            raise WebError("the list of files belongs to another commit")
        return listing

    def cached(self) -> Path | None:
        """Return the folder of the commit last reported for the revision, or None if there was none."""
        if is_commit(self.revision):
            return self.folder(str(self.revision))
        try:
            commit = self._reference().read_bytes()[:41].decode()
        except (OSError, ValueError):
            return None
        return self.folder(commit) if is_commit(commit) else None

    def folder(self, commit: str) -> Path:
        """Return the cache folder of a commit. It exists only if the commit has been downloaded."""
        return self._cache() / commit

    def remember(self, commit: str) -> None:
        """Record the commit of the revision, for use when the Hub cannot be reached."""
        if not is_commit(self.revision):
            write_atomically(self._reference(), commit)

    @contextmanager
    def new_folder(self, commit: str) -> Iterator[Path]:
        """Yield a folder to fill. When the block ends, it becomes the folder of the commit in one step.

        If another process finishes first, its folder is kept. A folder that lacks files is replaced.
        """
        target = self.folder(commit)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_old(target.parent)
        filled = False
        try:
            with atomic_replace(target) as partial:
                partial.mkdir()
                yield partial
                filled = True
                names = [path.relative_to(partial) for path in partial.rglob("*")]
                if target.exists() and not all((target / name).exists() for name in names):
                    shutil.rmtree(target)
        except OSError:  # a folder can replace only an empty folder
            if not (filled and target.exists()):
                raise

    def download(self, commit: str, name: str, file: HubFile, path: Path) -> None:
        """Download a file of a commit to a path, in up to three attempts.

        Raises:
            WebError: the file cannot be downloaded, or its size or SHA-256 differs from `file`.
            OSError: the path cannot be written.
        """
        prefix = "" if self.kind == "models" else f"{self.kind}/"
        url = f"{endpoint()}/{prefix}{quote(self.name)}/resolve/{commit}/{quote(name)}"
        for wait in (*_WAITS, None):
            try:
                _download(url, path, file)
                return
            except WebError as error:
                if not error.temporary or wait is None:
                    raise WebError(f"{name}: {error}") from None
            time.sleep(wait)

    def _cache(self) -> Path:
        parts = (quote(part, safe="") for part in (endpoint(), self.name))
        return cache_folder().joinpath(self.kind, *parts)

    def _reference(self) -> Path:
        return self._cache() / f"revision-{quote(self.revision or 'main', safe='')}"


def endpoint() -> str:
    """Return the address of the Hub."""
    from huggingface_hub import constants

    return constants.ENDPOINT.rstrip("/")


def is_offline() -> bool:
    """Return whether HF_HUB_OFFLINE forbids requests."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def is_commit(text: str | None) -> bool:
    """Return whether a text is a full commit hash."""
    return _COMMIT.fullmatch(text or "") is not None


def _remove_old(folder: Path) -> None:
    """Remove temporary folders that killed processes left behind more than a day ago."""
    for path in filter(is_partial, folder.iterdir()):
        with suppress(OSError):  # another process may have removed it
            if time.time() - path.stat().st_mtime > _DAY:
                shutil.rmtree(path)


def _token() -> str | None:
    from huggingface_hub import constants, get_token

    return None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()


def _parse(answer: Any) -> Listing:
    """Return the listing in an answer; raise ValueError, TypeError, KeyError or AttributeError if invalid."""
    if not is_commit(answer["sha"]):
        raise ValueError("not a commit")
    files = {}
    for entry in answer["siblings"]:
        size, digest = entry.get("size"), (entry.get("lfs") or {}).get("sha256")
        if digest is not None and not _SHA256.fullmatch(digest):
            raise ValueError("not a SHA-256")
        known = type(size) is int and size >= 0
        files[str(entry["rfilename"])] = HubFile(size if known else None, digest)
    return Listing(answer["sha"], files)


def _download(url: str, path: Path, file: HubFile) -> None:
    if file.size is None:
        raise WebError("the Hub does not state its size")
    digest, received = hashlib.sha256(), 0
    seconds = _PATIENCE + file.size / _SLOWEST
    with path.open("wb") as out:
        for block in fetch(url, limit=file.size, seconds=seconds, token=_token()):
            out.write(block)
            digest.update(block)
            received += len(block)
    if received != file.size:
        raise WebError(f"ends after {received:,} of {file.size:,} bytes", temporary=True)
    if file.sha256 not in (None, digest.hexdigest()):
        raise WebError("differs from the SHA-256 that the Hub states")

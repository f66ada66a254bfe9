"""Atomic writes (readers see the old file or the new one, never a partial file), and the cache folder."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX, _SUFFIX = ".rnner-", ".partial"


@contextmanager
def atomic_replace(path: Path) -> Iterator[Path]:
    """Yield a path to write to; when the block ends, the result replaces `path` in one step.

    The new file or folder is written in a temporary folder next to `path`, which has a random name and which
    only its owner can enter. At the end, the contents are on disk (fsync), and a file has the mode and, where
    the system permits it, the owner and group of the file that it replaces. No group gains access that could
    not read the old file. If the block raises, `path` stays as it was, and the temporary folder is removed.

    A symbolic link is kept; the file that it points to is replaced. A device or pipe is written directly. To
    write several files, all or none, enter one `atomic_replace` per file in an `ExitStack`.

    Args:
        path: the file (or new folder) to create or replace. Its parent must exist.

    Raises:
        OSError: the folder cannot be written, or the file is read-only.

    Example:
        >>> target = Path(tempfile.mkdtemp()) / "scores.json"
        >>> with atomic_replace(target) as partial:
        ...     _ = partial.write_text("{}")
        >>> target.read_text()
        '{}'
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not (target.is_file() or target.is_dir()):
        yield target
        return
    if target.is_file() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    try:
        folder = Path(tempfile.mkdtemp(_SUFFIX, _PREFIX, target.parent))
    except OSError as error:  # its message would name the temporary folder
        raise OSError(error.errno, error.strerror, str(path)) from None
    try:
        partial = folder / target.name
        yield partial
        _sync(partial)  # before the mode is copied, which may forbid reading
        if target.is_file():
            _copy_owner_and_mode(target, partial)
        partial.replace(target)
        sync_folder(target.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write `data` (text as UTF-8) to the file `path`, atomically."""
    with atomic_replace(path) as partial:
        partial.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


def is_partial(path: Path) -> bool:
    """Return whether this is a temporary folder of `atomic_replace`; a killed process leaves it behind."""
    return path.name.startswith(_PREFIX) and path.name.endswith(_SUFFIX)


def files_below(folder: Path, pattern: str) -> list[Path]:
    """Return the files below a folder that match a pattern, sorted, except those of unfinished writes."""
    found = folder.rglob(pattern)
    return sorted(file for file in found if not any(map(is_partial, file.relative_to(folder).parents)))


def remove_partial(folder: Path) -> None:
    """Remove temporary folders left by killed processes, in a folder that no other process writes to."""
    for path in folder.iterdir():
        if is_partial(path):
            shutil.rmtree(path)


def cache_folder() -> Path:
    """Return the cache folder: RNNER_CACHE, else XDG_CACHE_HOME/rnner, else ~/.cache/rnner."""
    if folder := os.environ.get("RNNER_CACHE"):
        return Path(folder).expanduser()
    shared = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification says to ignore relative paths.
    return (Path(shared) if os.path.isabs(shared) else Path("~/.cache").expanduser()) / "rnner"


def _copy_owner_and_mode(old: Path, new: Path) -> None:
    state, mode = old.stat(), old.stat().st_mode & 0o7777
    if os.name == "posix":
        with suppress(PermissionError):  # only root may give files away
            os.chown(new, state.st_uid, -1)
        try:
            os.chown(new, -1, state.st_gid)
        except PermissionError:  # not in the old group: give the new group only the rights that others have
            mode = mode & ~0o070 | (mode & 0o007) << 3
        if new.stat().st_uid != state.st_uid:
            mode &= 0o0777  # clear setuid, setgid and sticky: the program would run as another user
    new.chmod(mode)


def _sync(path: Path) -> None:
    """Wait until a file, or a folder with all its files, is on disk."""
    if not path.is_dir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
        return
    for child in path.iterdir():
        _sync(child)
    sync_folder(path)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk."""
    if os.name != "posix":  # Windows cannot open folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

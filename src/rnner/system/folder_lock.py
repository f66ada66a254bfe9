"""A lock that lets one process at a time write to a folder, and tells the others which process that is.

The lock belongs to an open file, so the operating system releases it when the process ends, even if it is
killed. The contents of the file describe the process and are used only in messages.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from rnner.errors import UsageError
from rnner.system.file_lock import try_lock

LOCK = ".rnner.lock"
"""Name of the lock file. It exists while a process holds the lock; a killed process leaves it behind."""

_MOST = 1 << 10  # bytes of the file to read
_held: set[int] = set()  # file descriptors


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder within the block. A folder that this creates is removed if it stays empty.

    Raises:
        UsageError: another process holds the lock, or another block in this process.
        OSError: the folder cannot be written.
    """
    created = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _locked_file(folder)
        _held.add(descriptor)
        try:
            _write_holder(descriptor)
            yield
        finally:
            _release(folder / LOCK, descriptor)
    finally:
        with suppress(OSError):  # not empty
            for path in created:
                path.rmdir()


def _locked_file(folder: Path) -> int:
    """Return the descriptor of the lock file, opened and locked."""
    path = folder / LOCK
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        try:
            if not try_lock(descriptor):
                raise UsageError(
                    f"{folder}: {_holder(descriptor)}; wait until it ends, or choose another folder"
                )
            if path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor)):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # the process that held it has just removed it


def _release(path: Path, descriptor: int) -> None:
    if descriptor not in _held:  # in a process that was forked within the block
        return
    with suppress(OSError):  # Windows cannot remove an open file; a file that is left behind does no harm
        path.unlink()
    _held.discard(descriptor)
    os.close(descriptor)


def _write_holder(descriptor: int) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    holder = json.dumps({"process": os.getpid(), "host": socket.gethostname(), "since": now})
    with suppress(OSError):  # the lock works without it
        os.ftruncate(descriptor, 0)
        with open(descriptor, "wb", closefd=False) as file:
            file.write(holder.encode())


def _holder(descriptor: int) -> str:
    """Return a sentence about the process that holds the lock."""
    try:
        holder = json.loads(os.read(descriptor, _MOST))
        process, host, since = int(holder["process"]), str(holder["host"]), str(holder["since"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):  # it has not written it yet
        return "another process writes to this folder"
    return f"process {process} on {host} has been writing to this folder since {since}"


def _close_inherited() -> None:
    """Close the lock files in a forked process, which would keep them locked after its parent has ended."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_inherited)

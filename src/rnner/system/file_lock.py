"""Locks of open files. The operating system releases them when the process ends, even if it is killed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rnner.errors import UsageError

_PAUSE = 0.01  # seconds between two attempts


@contextmanager
def locked(descriptor: int, name: str, *, seconds: float = 10.0) -> Iterator[None]:
    """Hold the lock of an open file within the block; wait for other processes and threads that hold it.

    Args:
        descriptor: the open file. Another descriptor of the same file, even in this process, is locked out.
        name: the file, for the message.
        seconds: how long to wait at most.

    Raises:
        UsageError: the lock is still held after this time.
    """
    deadline = time.monotonic() + seconds
    while not try_lock(descriptor):
        if time.monotonic() > deadline:
            raise UsageError(f"{name}: another process has locked this file for {seconds:.0f} s; end it")
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        unlock(descriptor)


if sys.platform == "win32":
    import msvcrt

    _PLACE = 1 << 30  # a byte after the end of the file, because a locked byte cannot be read

    def _lock_byte(descriptor: int, mode: int) -> bool:
        os.lseek(descriptor, _PLACE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, mode, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

    def try_lock(descriptor: int) -> bool:
        """Lock the file unless it is locked; return whether it now is."""
        return _lock_byte(descriptor, msvcrt.LK_NBLCK)

    def unlock(descriptor: int) -> None:
        """Release the lock."""
        _lock_byte(descriptor, msvcrt.LK_UNLCK)
else:
    import fcntl

    def try_lock(descriptor: int) -> bool:
        """Lock the file unless it is locked. On a file system without locks, this always succeeds."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def unlock(descriptor: int) -> None:
        """Release the lock."""
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)

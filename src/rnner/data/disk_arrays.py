"""Arrays that may be larger than memory: what is small stays in memory, the rest lies on disk and is mapped.

Such files have no name: they vanish with the process, however it ends. What is mapped counts as the system's
file cache, so it is given back when memory runs short.
"""

from __future__ import annotations

import math
import mmap
import os
import tempfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnner.errors import DataError

_SMALL = 1 << 22  # bytes of an array that stays in memory: the numbers of a million words


def cache_folder() -> Path:
    """What can be made anew is kept in RNNER_CACHE, else XDG_CACHE_HOME/rnner, else ~/.cache/rnner."""
    if own := os.environ.get("RNNER_CACHE"):
        return Path(own).expanduser()
    shared = os.environ.get("XDG_CACHE_HOME", "")
    # The specification of that variable has relative paths ignored.
    return (Path(shared) if os.path.isabs(shared) else Path("~/.cache").expanduser()) / "rnner"


class GrowingArray:
    """A flat array that is appended to; on disk once it is larger than 4 MB.

    Its methods raise DataError if there is no room on disk.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self._parts: list[NDArray[Any]] = []
        self._held = 0  # bytes in the parts
        self._length = 0
        self._file: IO[bytes] | None = None

    def __len__(self) -> int:
        return self._length

    def extend(self, values: NDArray[Any]) -> None:
        """Append values (copied, in the dtype of this array)."""
        self._parts.append(np.array(values, dtype=self.dtype).ravel())
        self._held += self._parts[-1].nbytes
        self._length += self._parts[-1].size
        if self._held > _SMALL:
            self._write()

    def array(self) -> NDArray[Any]:
        """All values, read-only if they are on disk; nothing may be appended afterwards."""
        if self._file is None:
            return np.concatenate([np.empty(0, self.dtype), *self._parts])
        self._write()
        with self._file:
            return _mapped(self._file, self.dtype, mmap.ACCESS_READ)

    def _write(self) -> None:
        if self._file is None:
            self._file = _nameless()
        try:
            for part in self._parts:
                self._file.write(part.data)
            self._file.flush()
        except OSError as error:
            raise _no_room(error) from None
        self._parts, self._held = [], 0


def zeros(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """An array to be written to, on disk if it is larger than 4 MB; raises DataError if there is no room."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size <= _SMALL:
        return np.zeros(shape, dtype)
    with _nameless() as file:
        try:
            _reserve(file, size)
        except OSError as error:
            raise _no_room(error) from None
        return _mapped(file, np.dtype(dtype), mmap.ACCESS_WRITE).reshape(shape)


def _reserve(file: IO[bytes], size: int) -> None:
    """Give a file its size; where the system can, with all the room it will need."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)  # else a full disk would kill who writes to the map
    else:
        file.truncate(size)


def _mapped(file: IO[bytes], dtype: np.dtype[Any], access: int) -> NDArray[Any]:
    return np.frombuffer(mmap.mmap(file.fileno(), 0, access=access), dtype=dtype)


def _nameless() -> IO[bytes]:
    """A file that nobody else sees: beside the cache, where a corpus has room, else among temporary files."""
    folder = cache_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder)
    except OSError:
        try:
            return tempfile.TemporaryFile()
        except OSError as error:
            raise _no_room(error) from None


def _no_room(error: OSError) -> DataError:
    return DataError(
        f"a corpus of this size needs room on disk: {error.strerror or error}; "
        "set RNNER_CACHE to a folder that has some"
    )

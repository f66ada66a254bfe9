"""Arrays that may be larger than memory: small ones are kept in memory, large ones are mapped from disk.

The files have no name, so they are removed when the process ends. Mapped pages are part of the system's file
cache, which shrinks when memory runs short.
"""

from __future__ import annotations

import math
import mmap
import os
import tempfile
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnner.errors import DataError
from rnner.system.files import cache_folder

_MAX_IN_MEMORY = 1 << 22  # bytes per array: the word numbers of a million words


class GrowingArray:
    """A flat array to which values can be appended. It is on disk once it is larger than 4 MB.

    Its methods raise DataError if the disk is full.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self._parts: list[NDArray[Any]] = []
        self._pending_bytes = 0  # in the parts
        self._length = 0
        self._file: IO[bytes] | None = None

    def __len__(self) -> int:
        return self._length

    def extend(self, values: NDArray[Any]) -> None:
        """Append a copy of values, converted to the dtype of this array."""
        self._parts.append(np.array(values, dtype=self.dtype).ravel())
        self._pending_bytes += self._parts[-1].nbytes
        self._length += self._parts[-1].size
        if self._pending_bytes > _MAX_IN_MEMORY:
            self._write()

    def array(self) -> NDArray[Any]:
        """Return all values, read-only if they are on disk. Nothing may be appended afterwards."""
        if self._file is None:
            return np.concatenate([np.empty(0, self.dtype), *self._parts])
        self._write()
        with self._file:
            return _mapped(self._file, self.dtype, mmap.ACCESS_READ)

    def _write(self) -> None:
        if self._file is None:
            self._file = _unnamed_file()
        try:
            for part in self._parts:
                self._file.write(part.data)
            self._file.flush()
        except OSError as error:
            raise _disk_full(error) from None
        self._parts, self._pending_bytes = [], 0


def zeros(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return a writable array of zeros, on disk if it is larger than 4 MB.

    Raises:
        DataError: the disk is full.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size <= _MAX_IN_MEMORY:
        return np.zeros(shape, dtype)
    with _unnamed_file() as file:
        try:
            if hasattr(
                os, "posix_fallocate"
            ):  # otherwise, writing to the map on a full disk would kill the process
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)
        except OSError as error:
            raise _disk_full(error) from None
        return _mapped(file, np.dtype(dtype), mmap.ACCESS_WRITE).reshape(shape)


def _mapped(file: IO[bytes], dtype: np.dtype[Any], access: int) -> NDArray[Any]:
    return np.frombuffer(mmap.mmap(file.fileno(), 0, access=access), dtype=dtype)


def _unnamed_file() -> IO[bytes]:
    """Open a temporary file in the cache folder, which is meant for large files, or in the default folder."""
    folder = cache_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder)
    except OSError:
        try:
            return tempfile.TemporaryFile()
        except OSError as error:
            raise _disk_full(error) from None


def _disk_full(error: OSError) -> DataError:
    return DataError(
        f"a corpus of this size needs temporary disk space: {error.strerror or error}; "
        "set RNNER_CACHE to a folder with free space"
    )

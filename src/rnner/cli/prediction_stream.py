"""The bytes that `rnner predict` reads: a file or stdin, decompressed, with lookahead."""

from __future__ import annotations

import gzip
import io
import os
import select
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from rnner.cli.console import warn
from rnner.data.lines import name_of, read_pieces
from rnner.errors import DataError

HEAD = 1 << 16  # bytes from which the kind of input is detected
_GZIP_MAGIC = b"\x1f\x8b"


class InputStream:
    """A binary stream with lookahead; gzip is decompressed.

    Attributes:
        name: its name, for messages.
        is_gzip: whether it is compressed.
        ended: whether `peek` returns everything that is left.

    Reading raises DataError if compressed content is damaged.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self.name = name_of(stream)
        self.ended = False
        self._source, self._head = stream, b""
        peek = getattr(stream, "peek", None)
        self.is_gzip = peek is not None and peek(2)[:2] == _GZIP_MAGIC
        self._stream = gzip.GzipFile(fileobj=stream, mode="rb") if self.is_gzip else stream

    def read1(self, size: int = -1) -> bytes:
        """Return available bytes: those already peeked at, or at most `size` new ones; b"" at the end."""
        head, self._head = self._head, b""
        return head or self._read_some(size)

    read = read1

    def peek(self, size: int = 0) -> bytes:
        """Return bytes without advancing, at least one unless the stream is at its end."""
        if not self._head:
            self._head = self._read_some(HEAD)
        return self._head

    def look_further(self) -> bool:
        """Read ahead, so that `peek` returns more, up to `HEAD` bytes. Return whether there was more."""
        more = b""
        if len(self._head) < HEAD and not self.ended:
            more = self._read_some(HEAD - len(self._head))
            self.ended = not more
        self._head += more
        return bool(more)

    def as_file(self) -> IO[bytes]:
        """Return this stream, typed as a binary file."""
        return cast("IO[bytes]", self)

    def is_ready(self) -> bool:
        """Return whether a read would not block; False if that cannot be known."""
        try:
            handle = self._source.fileno()
        except (OSError, ValueError):  # in memory
            return True
        try:
            return stat.S_ISREG(os.fstat(handle).st_mode) or bool(select.select([handle], [], [], 0)[0])
        except (OSError, ValueError):  # a pipe on Windows
            return False

    def _read_some(self, size: int) -> bytes:
        try:
            return cast("bytes", getattr(self._stream, "read1", self._stream.read)(size))
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            if str(error).startswith("Not a gzipped file"):  # trailing bytes after a complete gzip member
                warn(f"{self.name}: bytes after the end of the compressed data are ignored")
                self._stream = io.BytesIO()
                return b""
            raise DataError(f"is a corrupted or truncated gzip file ({error})", self.name) from None


@contextmanager
def open_input(source: Path | IO[bytes]) -> Iterator[InputStream]:
    """Open a file, or wrap an open stream.

    Raises:
        DataError: the file does not exist or cannot be read.
    """
    if not isinstance(source, Path):
        yield InputStream(source)
        return
    try:
        stream = source.open("rb")
    except (OSError, ValueError):
        for _ in read_pieces(source):  # raises the DataError that explains it
            pass
        raise
    with stream:
        yield InputStream(stream)

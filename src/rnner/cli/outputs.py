"""Where `rnner predict` writes: stdout or a file, packed if its name says so."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from rnner.errors import UsageError

_LEVEL = 6  # gzip's own; Python's takes three times as long for a hundredth less


@contextmanager
def opened_sink(output: Path | None, source: Path | None) -> Iterator[TextIO]:
    """Where results go; a file is replaced only when all of it is there, and is gzip if it ends in .gz.

    Raises:
        UsageError: the output is a folder, or the source, or cannot be written.
    """
    if output is None:
        yield sys.stdout
        return
    output = output.resolve()  # a link stays one
    if output.is_dir():
        raise UsageError(f"{output}: is a folder; --output takes a file")
    if source is not None and source.exists() and output == source.resolve():
        raise UsageError(f"{output}: is the file that is read; choose another --output")
    partial = output
    if output.is_file() or not output.exists():  # else it is a pipe or a device
        partial = output.with_name(output.name + ".partial")
    try:
        with _file(partial, packed=output.suffix == ".gz") as file:
            yield file
        if partial != output:
            partial.replace(output)
    finally:
        if partial != output:
            partial.unlink(missing_ok=True)


@contextmanager
def _file(path: Path, *, packed: bool) -> Iterator[TextIO]:
    with ExitStack() as stack:
        try:
            raw = stack.enter_context(path.open("wb"))
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror}") from None
        if packed:  # the same bytes for the same content: no time, no name
            stream = stack.enter_context(gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0))
            yield stack.enter_context(io.TextIOWrapper(stream, encoding="utf-8", newline="\n"))
        else:
            yield stack.enter_context(io.TextIOWrapper(raw, encoding="utf-8", newline="\n"))

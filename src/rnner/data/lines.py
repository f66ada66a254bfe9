"""Reading lines of text files, which must be UTF-8. Errors give the line and column."""

from __future__ import annotations

import codecs
import difflib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from rnner.data.other_files import kind_of
from rnner.errors import DataError
from rnner.system.files import is_partial

_BLOCK = 1 << 20  # bytes (characters of a text stream) read at a time

TextSource = str | os.PathLike[str] | IO[Any]


def name_of(source: TextSource) -> str:
    """Return the name of a source for messages: its path, or the name of a stream (`<stdin>`)."""
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    return str(getattr(source, "name", "<stream>"))


def read_lines(source: TextSource, *, lenient: bool = False) -> Iterator[str]:
    r"""Yield the lines of a file, or of a stream at its start, without line ends.

    Lines end at `\n` or `\r\n` only: U+2028, U+0085, form feeds etc. may be part of a token. A byte order
    mark is skipped.

    Args:
        source: a path or stream.
        lenient: accept invalid bytes and NUL characters, to report them later. Bytes that are not UTF-8
            become lone surrogates (Python's `surrogateescape`).

    Raises:
        DataError: the file does not exist, is a folder, is binary, or is not UTF-8 (with path:line:column).
    """
    for lines in read_line_blocks(source, lenient=lenient):
        yield from lines


def read_line_blocks(source: TextSource, *, lenient: bool = False) -> Iterator[list[str]]:
    """Yield the lines of `read_lines` in lists: blocks of a file, or what a pipe has available.

    Lines from a pipe are yielded as soon as they arrive, one by one if necessary.
    """
    first = True
    for text in read_blocks(source, lenient=lenient):
        text, first = text.removeprefix("\ufeff") if first else text, False
        if not text.endswith("\n"):
            text = text.removesuffix("\r")  # left over in a truncated CRLF file
        yield text.replace("\r\n", "\n").removesuffix("\n").split("\n")


def read_blocks(source: TextSource, *, lenient: bool = False) -> Iterator[str]:
    """Yield the unchanged text of a file or stream in blocks of whole lines; see `read_lines`."""
    name = name_of(source)
    if isinstance(source, (str, os.PathLike)):
        with _open(Path(source)) as stream:
            yield from _blocks(stream, name, lenient)
    else:
        yield from _blocks(getattr(source, "buffer", source), name, lenient)


def line_error(line: str, name: str, number: int) -> DataError | None:
    """Return the error in a line that was read with `lenient` (invalid UTF-8 or a NUL), or None."""
    if "\0" in line:
        return _nul_character(name, number, line.index("\0") + 1)
    try:
        line.encode()
    except UnicodeEncodeError as error:
        return _not_utf8(ord(line[error.start]) & 0xFF, name, number, error.start + 1)
    return None


class LineEnds(NamedTuple):
    """The byte order mark of a file (or ""), its most frequent line end, and whether it has others."""

    mark: str
    newline: str
    mixed: bool


def line_ends(path: Path) -> LineEnds:
    """Detect the line ends of a text file; raise DataError if it cannot be opened."""
    lines = windows = 0
    with _open(path) as file:
        marked = file.read(3) == codecs.BOM_UTF8
        file.seek(0)
        for line in file:
            lines += line.endswith(b"\n")
            windows += line.endswith(b"\r\n")
    newline = "\r\n" if 2 * windows > lines else "\n"
    return LineEnds("\ufeff" if marked else "", newline, mixed=0 < windows < lines)


def no_such_file(path: Path) -> str:
    """Return the message for a path that does not exist, with the closest existing name."""
    try:
        names = sorted(entry.name for entry in path.parent.iterdir() if not is_partial(entry))
    except OSError:
        return f"file not found; the folder {path.parent} does not exist either"
    close = difflib.get_close_matches(path.name, names, n=1)
    return "file not found" + (f"; did you mean {path.parent / close[0]}?" if close else "")


def _open(path: Path) -> IO[bytes]:
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise DataError(no_such_file(path), path) from None
    except IsADirectoryError:
        raise DataError("this is a folder; give a file", path) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"the file cannot be read: {reason}", path) from None


def _blocks(stream: IO[Any], name: str, lenient: bool) -> Iterator[str]:
    _check_head(stream, name, lenient)
    before = 0  # number of lines before the block
    for block in _whole_lines(stream):
        if isinstance(block, str):
            text = block
        else:
            text = block.decode(errors="surrogateescape") if lenient else _decode(block, name, before)
        if "\0" in text and not lenient:
            start = text.index("\0")
            line, column = text.count("\n", 0, start), start - text.rfind("\n", 0, start)
            raise _nul_character(name, before + line + 1, column)
        yield text
        before += text.count("\n")


def _whole_lines(stream: IO[Any]) -> Iterator[Any]:
    """Yield the contents of a stream, bytes or text, in blocks of whole lines."""
    read = getattr(
        stream, "read1", stream.read
    )  # reads what a pipe has available, without waiting for a full block
    unfinished: list[Any] = []  # parts of a line whose end has not been read yet
    while block := read(_BLOCK):
        end = block.rfind("\n" if isinstance(block, str) else b"\n") + 1
        if end:
            yield block[:0].join([*unfinished, block[:end]])
            unfinished = []
        if end < len(block):
            unfinished.append(block[end:])
    if unfinished:
        yield unfinished[0][:0].join(unfinished)


def _check_head(stream: IO[Any], name: str, lenient: bool) -> None:
    """Raise DataError for PDF, Word, gzip, UTF-16 and other files that are not text, from the first bytes."""
    if not hasattr(stream, "peek"):
        return
    head: bytes = stream.peek(8192)[:8192]
    if kind := kind_of(head, name):
        raise DataError(f"this is {kind}", name)
    # In UTF-16, every second byte of Latin text is 0.
    zeros = sorted((head[0::2].count(0), head[1::2].count(0)))
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or (zeros[0] == 0 and zeros[1] > len(head) // 4):
        raise DataError("this looks like UTF-16, not UTF-8; convert it: " + _convert("UTF-16", name), name)
    if head.count(0) > (len(head) // 20 if lenient else 0):
        raise DataError("this is a binary file, not text", name)


def _decode(block: bytes, name: str, before: int) -> str:
    try:
        return block.decode()
    except UnicodeDecodeError as error:
        begin = block.rfind(b"\n", 0, error.start) + 1
        line, column = before + block.count(b"\n", 0, begin) + 1, len(block[begin : error.start].decode()) + 1
        raise _not_utf8(block[error.start], name, line, column) from None


def _not_utf8(byte: int, name: str, line: int, column: int) -> DataError:
    message = f"not UTF-8 (byte 0x{byte:02x}); if it is Latin-1 or Windows-1252, convert it: "
    return DataError(message + _convert("WINDOWS-1252", name), name, line, column)


def _nul_character(name: str, line: int, column: int) -> DataError:
    return DataError("a NUL character; is this a text file?", name, line, column)


def _convert(encoding: str, name: str) -> str:
    return f"iconv -f {encoding} -t UTF-8 {name} > NEW"

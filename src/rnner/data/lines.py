"""The lines of a text file, strictly UTF-8: whatever is wrong with it is told with its line."""

from __future__ import annotations

import codecs
import difflib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from rnner.errors import DataError

_BLOCK = 1 << 20  # bytes (of a stream: characters) decoded at a time

TextSource = str | os.PathLike[str] | IO[Any]


def name_of(source: TextSource) -> str:
    """What errors call a source: its path, or the name of a stream (`<stdin>`)."""
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    return str(getattr(source, "name", "<stream>"))


def read_lines(source: TextSource, *, lenient: bool = False) -> Iterator[str]:
    r"""Yields the lines of a file, or of a stream that stands at its beginning, without their ends.

    Lines end at `\n` or `\r\n` and nowhere else: U+2028, U+0085, form feeds and the like may be part of a
    token. A byte order mark is skipped. Raises DataError for a file that is not there, not a file, binary, or
    not UTF-8; the bad byte is told as path:line:column.

    `lenient` goes on where a text has stray bytes, for who wants to tell of all: what is not UTF-8 comes as
    lone surrogates (Python's `surrogateescape`), NUL as it is.
    """
    for lines in read_line_blocks(source, lenient=lenient):
        yield from lines


def read_line_blocks(source: TextSource, *, lenient: bool = False) -> Iterator[list[str]]:
    """The lines that `read_lines` yields, those together that were there when they were asked for.

    Of a file they fill a block. What comes through a pipe is yielded as soon as it has come, line by line if
    need be: nobody waits for the rest.
    """
    first = True
    for text in read_blocks(source, lenient=lenient):
        text, first = text.removeprefix("\ufeff") if first else text, False
        if not text.endswith("\n"):
            text = text.removesuffix("\r")  # of a CRLF file that was cut off
        yield text.replace("\r\n", "\n").removesuffix("\n").split("\n")


def read_blocks(source: TextSource, *, lenient: bool = False) -> Iterator[str]:
    """The text of a file or stream as it stands, in blocks that end where a line does; see `read_lines`."""
    name = name_of(source)
    if isinstance(source, (str, os.PathLike)):
        with _open(Path(source)) as stream:
            yield from _blocks(stream, name, lenient)
    else:
        yield from _blocks(getattr(source, "buffer", source), name, lenient)


class Ends(NamedTuple):
    """How the lines of a file end, and how it begins.

    `mark` is its byte order mark or nothing; `newline` what ends most lines; `mixed` whether others end
    otherwise.
    """

    mark: str
    newline: str
    mixed: bool


def line_ends(path: Path) -> Ends:
    """How the lines of a text file end; raises DataError for one that cannot be opened."""
    lines = windows = 0
    with _open(path) as file:
        marked = file.read(3) == codecs.BOM_UTF8
        file.seek(0)
        for line in file:
            lines += line.endswith(b"\n")
            windows += line.endswith(b"\r\n")
    return Ends("\ufeff" if marked else "", "\r\n" if 2 * windows > lines else "\n", 0 < windows < lines)


def no_such_file(path: Path) -> str:
    """The message for a path that does not exist, with the closest name beside it."""
    try:
        names = sorted(entry.name for entry in path.parent.iterdir())
    except OSError:
        return f"there is no such file, nor a folder {path.parent}"
    close = difflib.get_close_matches(path.name, names, n=1)
    return "there is no such file" + (f"; did you mean {path.parent / close[0]}?" if close else "")


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
    before = 0  # lines before the block
    for block in _whole_lines(stream):
        if isinstance(block, str):
            text = block
        else:
            text = block.decode(errors="surrogateescape") if lenient else _decode(block, name, before)
        if "\0" in text and not lenient:
            start = text.index("\0")
            line, column = text.count("\n", 0, start), start - text.rfind("\n", 0, start)
            raise DataError("a NUL character: is this a text file?", name, before + line + 1, column)
        yield text
        before += text.count("\n")


def _whole_lines(stream: IO[Any]) -> Iterator[Any]:
    """What a stream holds, bytes or characters, in blocks that end where a line does."""
    read = getattr(stream, "read1", stream.read)  # of a pipe: what has come, not a block of it
    begun: list[Any] = []  # a line that has not ended yet, in parts
    while block := read(_BLOCK):
        end = block.rfind("\n" if isinstance(block, str) else b"\n") + 1
        if end:
            yield block[:0].join([*begun, block[:end]])
            begun = []
        if end < len(block):
            begun.append(block[end:])
    if begun:
        yield begun[0][:0].join(begun)


def _check_head(stream: IO[Any], name: str, lenient: bool) -> None:
    """Names the usual files that are not UTF-8 text before any line of them is read."""
    if not hasattr(stream, "peek"):
        return
    head: bytes = stream.peek(8192)[:8192]
    if head.startswith(b"\x1f\x8b"):
        raise DataError("this is a gzip file: unpack it first (gunzip)", name)
    zeros = sorted(
        (head[0::2].count(0), head[1::2].count(0))
    )  # one byte of two, where UTF-16 has Latin letters
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or (zeros[0] == 0 and zeros[1] > len(head) // 4):
        raise DataError("this looks like UTF-16, not UTF-8: " + _convert("UTF-16", name), name)
    if head.count(0) > (len(head) // 20 if lenient else 0):
        raise DataError("this is a binary file, not text", name)


def _decode(block: bytes, name: str, before: int) -> str:
    try:
        return block.decode()
    except UnicodeDecodeError as error:
        begin = block.rfind(b"\n", 0, error.start) + 1
        line, column = before + block.count(b"\n", 0, begin) + 1, len(block[begin : error.start].decode()) + 1
        message = f"not UTF-8 (byte 0x{block[error.start]:02x}); if it is Latin-1 or Windows-1252: "
        raise DataError(message + _convert("WINDOWS-1252", name), name, line, column) from None


def _convert(encoding: str, name: str) -> str:
    return f"iconv -f {encoding} -t UTF-8 {name} > NEW"

"""Reading UTF-8 text files as lines or in pieces. Errors give the line and column.

Memory use does not depend on the size of a file: a line, sentence or other record longer than
`longest_record()` is an error as soon as that much of it has been read.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from rnner.data.other_files import kind_of
from rnner.errors import DataError, UsageError, closest
from rnner.system.files import is_partial

_BLOCK = 1 << 20  # bytes (characters of a text stream) read at a time
_LIMIT, _LONGEST_RECORD = "RNNER_MAX_RECORD_MB", 16  # its default

TextSource = str | os.PathLike[str] | IO[Any]


def name_of(source: TextSource) -> str:
    """Return the name of a source for messages: its path, or the name of a stream (`<stdin>`)."""
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    return str(getattr(source, "name", "<stream>"))


def longest_record() -> int:
    """Return the maximum size of a record, in bytes or characters: RNNER_MAX_RECORD_MB, by default 16 MB.

    Raises UsageError if RNNER_MAX_RECORD_MB is not a whole number of megabytes, at least 1.
    """
    given = os.environ.get(_LIMIT, str(_LONGEST_RECORD))
    if not re.fullmatch("[1-9][0-9]{0,6}", given):
        raise UsageError(f"{_LIMIT}={given}: expected a whole number of megabytes, at least 1")
    return int(given) << 20


def record_too_long(record: str, name: str | os.PathLike[str], line: int, cause: str = "") -> DataError:
    """Return the error about a record that is longer than `longest_record()`.

    Args:
        record: the kind of record, such as "line" or "sentence".
        name: the file.
        line: the line where the record begins.
        cause: the probable cause, such as "a line break is missing".
    """
    most = longest_record() >> 20
    reason = f"; probably {cause}" if cause else ""
    message = f"this {record} is longer than {most} MB{reason}; to read it, set {_LIMIT}={4 * most}"
    return DataError(message, os.fspath(name), line)


def read_lines(source: TextSource, *, lenient: bool = False) -> Iterator[str]:
    r"""Yield the lines of a file, or of a stream at its start, without line ends.

    Lines end at `\n` or `\r\n` only: U+2028, U+0085, form feeds etc. may be part of a token. A byte order
    mark is skipped.

    Args:
        source: a path or stream.
        lenient: accept invalid bytes and NUL characters, to report them later. Bytes that are not UTF-8
            become lone surrogates (Python's `surrogateescape`).

    Raises:
        DataError: the file does not exist, is a folder, is binary, or is not UTF-8 (with path:line:column),
            or a line is too long.
    """
    for lines in read_line_blocks(source, lenient=lenient):
        yield from lines


def read_lines_of_sentences(source: TextSource, *, lenient: bool = False) -> Iterator[str]:
    """Yield lines as `read_lines` does; raise DataError if blank lines are more than a record apart."""
    size, first, number = 0, 1, 1  # of the lines since the last blank one
    for lines in read_line_blocks(source, lenient=lenient):
        if size > longest_record():
            raise record_too_long(
                "sentence", name_of(source), first, "blank lines between sentences are missing"
            )
        yield from lines
        number += len(lines)
        after = next((i for i, line in enumerate(reversed(lines)) if not line.strip(" \t")), None)
        if after is None:
            size += sum(map(len, lines)) + len(lines)
        else:
            size, first = 0, number - after


def first_lines(lines: Iterator[str], most: int) -> list[str]:
    """Return up to `most` lines as a sample; stop once they reach the size of the longest record."""
    sample: list[str] = []
    size, limit = 0, longest_record()
    while len(sample) < most and size < limit and (line := next(lines, None)) is not None:
        sample.append(line)
        size += len(line)
    return sample


def read_pieces(source: TextSource, *, lenient: bool = False) -> Iterator[str]:
    """Yield the text of a file or stream in pieces of about 1 MB, which may end within a line.

    A byte order mark is skipped. Raises DataError as `read_lines` does, but not for long lines.
    """
    first = True
    for text in _read(source, _pieces, lenient=lenient):
        yield text.removeprefix("\ufeff") if first else text
        first = False


def read_text(path: Path) -> str:
    """Return the text of a file, whose size is limited like that of a record.

    Raises DataError as `read_lines` does, also for a text that is too long.
    """
    pieces, size = [], 0
    for piece in read_pieces(path):
        pieces.append(piece)
        size += len(piece)
        if size > longest_record():
            raise record_too_long("text", path, 1)
    return "".join(pieces)


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
    return _read(source, _whole_lines, lenient=lenient)


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
        names = [entry.name for entry in path.parent.iterdir() if not is_partial(entry)]
    except OSError:
        return f"file not found; the folder {path.parent} does not exist either"
    name = closest(path.name, names)
    return "file not found" + (f"; did you mean {path.parent / name}?" if name is not None else "")


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


class _LongLineError(Exception):
    """The line at which a block begins is too long."""


def _read(source: TextSource, split: Callable[[IO[Any]], Iterator[Any]], *, lenient: bool) -> Iterator[str]:
    """Yield the unchanged text of a file or stream, split by `_whole_lines` or `_pieces`."""
    name = name_of(source)
    if isinstance(source, (str, os.PathLike)):
        with _open(Path(source)) as stream:
            yield from _texts(stream, name, split, lenient)
    else:
        yield from _texts(getattr(source, "buffer", source), name, split, lenient)


def _texts(
    stream: IO[Any], name: str, split: Callable[[IO[Any]], Iterator[Any]], lenient: bool
) -> Iterator[str]:
    _check_head(stream, name, lenient)
    before = 0  # number of lines before the block
    within = 0  # number of characters before it in its line
    try:
        for block in split(stream):
            if isinstance(block, str):
                text = block
            elif lenient:
                text = block.decode(errors="surrogateescape")
            else:
                text = _decode(block, name, before, within)
            if "\0" in text and not lenient:
                start = text.index("\0")
                line, column = text.count("\n", 0, start), start - text.rfind("\n", 0, start)
                raise _nul_character(name, before + line + 1, column + (0 if line else within))
            yield text
            before += text.count("\n")
            within = len(text) - text.rfind("\n") - 1 + (0 if "\n" in text else within)
    except _LongLineError:
        raise record_too_long("line", name, before + 1, "line breaks are missing") from None


def _whole_lines(stream: IO[Any]) -> Iterator[Any]:
    """Yield the contents of a stream, bytes or text, in blocks of whole lines."""
    limit = longest_record()
    unfinished: list[Any] = []  # parts of a line whose end has not been read yet
    size = 0  # of them
    for block in _available(stream):
        newline = "\n" if isinstance(block, str) else b"\n"
        end = block.rfind(newline) + 1
        if unfinished and size + (block.find(newline) if end else len(block)) > limit:
            raise _LongLineError
        if end:
            yield block[:0].join([*unfinished, block[:end]])
            unfinished, size = [], 0
        if end < len(block):
            unfinished.append(block[end:])
            size += len(block) - end
    if unfinished:
        yield unfinished[0][:0].join(unfinished)


def _pieces(stream: IO[Any]) -> Iterator[Any]:
    """Yield the contents of a stream, bytes or text, as they are read. No UTF-8 character is split."""
    rest = b""
    for block in _available(stream):
        if isinstance(block, str):
            yield block
            continue
        data = rest + block
        end = len(data) - _unfinished_character(data)
        rest = data[end:]
        if end:
            yield data[:end]
    if rest:
        yield rest


def _available(stream: IO[Any]) -> Iterator[Any]:
    """Yield what a stream has: the bytes available in a pipe, without waiting for a full block."""
    read = getattr(stream, "read1", stream.read)
    while block := read(_BLOCK):
        yield block


def _unfinished_character(data: bytes) -> int:
    """Return the number of bytes at the end that are the beginning of an incomplete UTF-8 character."""
    for count in range(1, min(3, len(data)) + 1):
        byte = data[-count]
        if byte >= 0xC0:
            return count if byte >= (0xC0, 0xC0, 0xE0, 0xF0)[count] else 0
        if byte < 0x80:
            break
    return 0


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


def _decode(block: bytes, name: str, before: int, within: int) -> str:
    try:
        return block.decode()
    except UnicodeDecodeError as error:
        begin = block.rfind(b"\n", 0, error.start) + 1
        column = len(block[begin : error.start].decode()) + 1 + (0 if begin else within)
        line = before + block.count(b"\n", 0, begin) + 1
        raise _not_utf8(block[error.start], name, line, column) from None


def _not_utf8(byte: int, name: str, line: int, column: int) -> DataError:
    message = f"not UTF-8 (byte 0x{byte:02x}); if it is Latin-1 or Windows-1252, convert it: "
    return DataError(message + _convert("WINDOWS-1252", name), name, line, column)


def _nul_character(name: str, line: int, column: int) -> DataError:
    return DataError("a NUL character; is this a text file?", name, line, column)


def _convert(encoding: str, name: str) -> str:
    return f"iconv -f {encoding} -t UTF-8 {name} > NEW"

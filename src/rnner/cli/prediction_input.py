"""What `rnner predict` reads: texts, lines, JSON records, column files; chunk by chunk, as it comes."""

from __future__ import annotations

import gzip
import json
import os
import re
import select
import stat
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from rnner.data.formats.columns import ColumnSentence
from rnner.data.lines import name_of, read_blocks, read_line_blocks
from rnner.data.token_table import UNMARKED
from rnner.errors import DataError

T = TypeVar("T")

CHUNK = 75_000  # about how many characters are tagged at a time: over ten thousand words
LONGEST_TEXT = 500_000
"""Characters of a text that is read as one document; a longer one is cut between its paragraphs."""

_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Chunk:
    """Some documents that are tagged together.

    Attributes:
        contents: each a text, or a sentence as a list of words.
        kept: for each what else its record had, to be written with it; None if nothing has any.
        numbers: of the sentences of a column file, the document that each belongs to.
        waits: whether there may be nothing more to read before somebody has seen the answer.
    """

    contents: Sequence[str | list[str]]
    kept: Sequence[Mapping[str, Any]] | None = None
    numbers: Sequence[int] | None = None
    waits: bool = True


# --- where it comes from -----------------------------------------------------------------------------------


@contextmanager
def opened(source: Path | IO[bytes]) -> Iterator[IO[bytes]]:
    """A file or stream, unpacked if it is gzip by what it holds.

    Raises:
        DataError: there is no such file, or it cannot be read.
    """
    if not isinstance(source, Path):
        yield _unpacked(source)
        return
    try:
        stream = source.open("rb")
    except (OSError, ValueError):
        for _ in read_blocks(source):  # tells what is wrong
            pass
        raise
    with stream:
        yield _unpacked(stream)


def _unpacked(stream: IO[bytes]) -> IO[bytes]:
    peek = getattr(stream, "peek", None)
    return cast(IO[bytes], _Unpacked(stream)) if peek is not None and peek(2)[:2] == _GZIP else stream


class _Unpacked(gzip.GzipFile):
    """A gzip stream that tells what is wrong with it, and by the name of the file."""

    def __init__(self, packed: IO[bytes]) -> None:
        super().__init__(fileobj=packed, mode="rb")
        self.name = name_of(packed)

    def read1(self, size: int = -1) -> bytes:
        """Some bytes, at most `size`; none at the end."""
        return self._told(lambda: super(_Unpacked, self).read1(size))

    def peek(self, n: int) -> bytes:
        """The bytes that come next."""
        return self._told(lambda: super(_Unpacked, self).peek(n))

    def _told(self, read: Callable[[], bytes]) -> bytes:
        try:
            return read()
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"is a broken or cut off gzip file ({error})", self.name) from None


def _waiting(stream: IO[bytes]) -> bool:
    """Whether more (or the end) can be read at once; False where that cannot be known."""
    try:
        handle = stream.fileno()
    except (OSError, ValueError):  # in memory
        return True
    try:
        return stat.S_ISREG(os.fstat(handle).st_mode) or bool(select.select([handle], [], [], 0)[0])
    except (OSError, ValueError):  # a pipe of Windows
        return False


# --- chunks ------------------------------------------------------------------------------------------------


def chunks_of_texts(texts: Iterable[str]) -> Iterator[Chunk]:
    """Texts that are there already."""
    for part, _ in _chunked([texts], len, lambda: True):
        yield Chunk(part)


def chunks_of_text(stream: IO[bytes], cut: Callable[[], None]) -> Iterator[Chunk]:
    """All of a text as one document, or as several with their offsets if it is longer than `LONGEST_TEXT`.

    `cut` is called before the first of several. Raises DataError as `rnner.data.lines.read_lines` does.
    """
    parts = _parts(read_blocks(stream))
    first = next(parts)
    second = next(parts, None)
    if second is None:
        yield Chunk([first])
        return
    cut()
    offset = 0
    for part in chain([first, second], parts):
        yield Chunk([part], [{"offset": offset}])
        offset += len(part)


def chunks_of_lines(stream: IO[bytes]) -> Iterator[Chunk]:
    """A text a line. Raises DataError as `rnner.data.lines.read_lines` does."""
    for texts, waits in _chunked(read_line_blocks(stream), len, lambda: _waiting(stream)):
        yield Chunk(texts, waits=waits)


def chunks_of_records(stream: IO[bytes]) -> Iterator[Chunk]:
    """The texts or tokens of JSON records, one a line.

    Raises:
        DataError: a line is no such record, or cannot be read; with the line.
    """
    for records, waits in _chunked(_records(stream), _size, lambda: _waiting(stream)):
        yield Chunk([_content(record) for record in records], records, waits=waits)


def chunks_of_sentences(sentences: Iterable[ColumnSentence]) -> Iterator[tuple[Chunk, list[ColumnSentence]]]:
    """Sentences of a column file, also as they were read; no chunk cuts a document."""

    def size(sentence: ColumnSentence) -> int:
        return sum(map(len, sentence.words)) + len(sentence.words)

    def joined(before: ColumnSentence, after: ColumnSentence) -> bool:
        return before.document == after.document != UNMARKED

    for part, _ in _chunked([sentences], size, lambda: True, joined):
        words, numbers = [sentence.words for sentence in part], [sentence.document for sentence in part]
        yield Chunk(words, numbers=numbers), part


def _chunked(
    blocks: Iterable[Iterable[T]],
    size: Callable[[T], int],
    more: Callable[[], bool],
    joined: Callable[[T, T], bool] = lambda before, after: False,
) -> Iterator[tuple[list[T], bool]]:
    """Items in chunks of about so many characters, and whether somebody may wait for the answers.

    Args:
        blocks: items that came together.
        size: characters of an item.
        more: whether another block is there at once; where it is not, what there is makes a chunk.
        joined: whether an item must be in the chunk of the one before it.
    """
    chunk: list[T] = []
    room = CHUNK
    for block in blocks:
        for item in block:
            if chunk and room <= 0 and not joined(chunk[-1], item):
                yield chunk, False
                chunk, room = [], CHUNK
            chunk.append(item)
            room -= size(item) + 1
        if chunk and not more():
            yield chunk, True
            chunk, room = [], CHUNK
    if chunk:
        yield chunk, True


def _parts(blocks: Iterable[str]) -> Iterator[str]:
    """A text in parts, which are the text again; what it is cut into does not depend on the blocks."""
    text, first = "", True
    for block in blocks:
        text, first = text + (block.removeprefix("\ufeff") if first else block), False
        while len(text) > LONGEST_TEXT:
            border = _border(text[:LONGEST_TEXT])
            yield text[:border]
            text = text[border:]
    yield text


def _border(text: str) -> int:
    """Where to cut: behind the last blank line, else the last line, else the last space; never at 0."""
    blank = deque(_BLANK_LINES.finditer(text), maxlen=1)
    line = text.rfind("\n") + 1
    return blank[0].end() if blank else line or text.rfind(" ") + 1 or len(text)


# --- records -----------------------------------------------------------------------------------------------


def _records(stream: IO[bytes]) -> Iterator[list[dict[str, Any]]]:
    name, before = name_of(stream), 0
    for lines in read_line_blocks(stream):
        numbered = enumerate(lines, before + 1)
        yield [_record(line, name, number) for number, line in numbered if not line.isspace() and line]
        before += len(lines)


def _record(line: str, name: str, number: int) -> dict[str, Any]:
    def wrong(why: str) -> DataError:
        return DataError(why, name, number)

    try:
        record = json.loads(line, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise wrong(f"no JSON: {error.msg} at character {error.colno}") from None
    except (ValueError, RecursionError) as error:
        raise wrong(f"no JSON that can be read: {error}") from None
    if not isinstance(record, dict) or len(record.keys() & {"text", "tokens"}) != 1:
        found = f"the keys {', '.join(record)[:60] or 'none'}" if isinstance(record, dict) else line[:60]
        raise wrong(
            f'a record is {{"text": "..."}} or {{"tokens": ["...", ...]}}, either of them; found: {found}'
        )
    content = _content(record)
    words = [content] if "text" in record else content
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise wrong(f'"text" must be a string and "tokens" a list of strings, not {json.dumps(content)[:60]}')
    if not all(words) and content:
        raise wrong('one of the "tokens" is empty')
    try:
        "".join(words).encode()
    except UnicodeEncodeError as error:
        raise wrong(f"half a surrogate pair, \\u{ord(error.object[error.start]):x}") from None
    return record


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _content(record: Mapping[str, Any]) -> Any:
    return record["text"] if "text" in record else record["tokens"]


def _size(record: Mapping[str, Any]) -> int:
    content = _content(record)
    return len(content) if isinstance(content, str) else sum(map(len, content)) + len(content)

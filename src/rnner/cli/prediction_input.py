"""The input of `rnner predict`: texts, lines, JSON records or column files, read in chunks as they arrive."""

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
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from rnner.cli.console import notice
from rnner.data.formats.columns import ColumnSentence, ConllReader
from rnner.data.lines import name_of, read_blocks, read_line_blocks
from rnner.data.token_table import NO_DOCUMENT
from rnner.errors import DataError

T = TypeVar("T")

CHUNK = 75_000  # characters tagged at a time, approximately: over ten thousand words
LONGEST_TEXT = 500_000
"""Maximum number of characters of a document; a longer text is split between paragraphs."""

_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Chunk:
    """Documents that are tagged together.

    Attributes:
        contents: for each document, its text, or one sentence as a list of words.
        extra: for each document, the other keys of its JSON record; None if there are no records.
        document_ids: for each sentence of a column file, the document that it belongs to.
        flush: whether to write all results before reading on, because a reader may be waiting for them.
    """

    contents: Sequence[str | list[str]]
    extra: Sequence[Mapping[str, Any]] | None = None
    document_ids: Sequence[int] | None = None
    flush: bool = True


# --- streams -----------------------------------------------------------------------------------------------


@contextmanager
def open_input(source: Path | IO[bytes]) -> Iterator[IO[bytes]]:
    """Open a file or take a stream; gzip is detected by its content and decompressed.

    Raises:
        DataError: the file does not exist or cannot be read, or its compressed content is damaged; this may
            be raised inside the block.
    """
    with ExitStack() as stack:
        if isinstance(source, Path):
            try:
                stream: IO[bytes] = stack.enter_context(source.open("rb"))
            except (OSError, ValueError):
                for _ in read_blocks(source):  # raises the DataError that explains it
                    pass
                raise
        else:
            stream = source
        peek = getattr(stream, "peek", None)
        if peek is None or peek(2)[:2] != _GZIP_MAGIC:
            yield stream
            return
        try:
            yield cast(IO[bytes], gzip.GzipFile(fileobj=stream, mode="rb"))
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"is a corrupted or truncated gzip file ({error})", name_of(stream)) from None


def _is_ready(stream: IO[bytes]) -> bool:
    """Return whether a read would not block; False if that cannot be known."""
    try:
        handle = stream.fileno()
    except (OSError, ValueError):  # in memory
        return True
    try:
        return stat.S_ISREG(os.fstat(handle).st_mode) or bool(select.select([handle], [], [], 0)[0])
    except (OSError, ValueError):  # a pipe on Windows
        return False


# --- chunks ------------------------------------------------------------------------------------------------


def argument_chunks(texts: Iterable[str]) -> Iterator[Chunk]:
    """Yield texts that are in memory, each as one document."""
    for part, _ in _grouped([texts], _size):
        yield Chunk(part)


def read_chunks(kind: str, stream: IO[bytes], column: int | None = None) -> Iterator[Chunk]:
    """Yield the documents of a stream whose kind is text, lines, jsonl or conll."""
    if kind == "conll":
        return (chunk for chunk, _ in sentence_chunks(column_reader(stream, column)))
    return {"text": text_chunks, "lines": line_chunks, "jsonl": record_chunks}[kind](stream)


def text_chunks(stream: IO[bytes]) -> Iterator[Chunk]:
    """Yield a text as one document, or as several with their offsets if it is longer than `LONGEST_TEXT`.

    Raises:
        DataError: as `rnner.data.lines.read_lines` does.
    """
    parts = _split_text(read_blocks(stream))
    first = next(parts)
    second = next(parts, None)
    if second is None:
        yield Chunk([first])
        return
    notice(
        f"{name_of(stream)}: longer than {LONGEST_TEXT:,} characters, so it is split at blank lines into "
        "several documents, each with its offset"
    )
    offset = 0
    for part in chain([first, second], parts):
        yield Chunk([part], [{"offset": offset}])
        offset += len(part)


def line_chunks(stream: IO[bytes]) -> Iterator[Chunk]:
    """Yield one document per line.

    Raises:
        DataError: as `rnner.data.lines.read_lines` does.
    """
    for texts, flush in _grouped(read_line_blocks(stream), _size, lambda: _is_ready(stream)):
        yield Chunk(texts, flush=flush)


def record_chunks(stream: IO[bytes]) -> Iterator[Chunk]:
    """Yield one document per JSON record, one record per line.

    Raises:
        DataError: a line is not such a record, or cannot be read.
    """
    blocks, size = _records(stream), lambda item: _size(item[0])
    for items, flush in _grouped(blocks, size, lambda: _is_ready(stream)):
        yield Chunk([content for content, _ in items], [record for _, record in items], flush=flush)


def column_reader(stream: IO[bytes], column: int | None) -> ConllReader:
    """Return a reader of the words of a column file; the column is detected if `column` is None."""
    return ConllReader(stream, columns=None if column is None else {"token": column}, tagged=False)


def sentence_chunks(sentences: Iterable[ColumnSentence]) -> Iterator[tuple[Chunk, list[ColumnSentence]]]:
    """Yield chunks of a column file with the sentences that they are from; documents are never split."""

    def size(sentence: ColumnSentence) -> int:
        return _size(sentence.words)

    def same_document(before: ColumnSentence, after: ColumnSentence) -> bool:
        return before.document == after.document != NO_DOCUMENT

    for part, _ in _grouped([sentences], size, same_document=same_document):
        yield Chunk([s.words for s in part], document_ids=[s.document for s in part]), part


def _grouped(
    blocks: Iterable[Iterable[T]],
    size: Callable[[T], int],
    is_ready: Callable[[], bool] = lambda: True,
    same_document: Callable[[T, T], bool] = lambda before, after: False,
) -> Iterator[tuple[list[T], bool]]:
    """Yield groups of about `CHUNK` characters, and whether a reader may be waiting for their results.

    Args:
        blocks: items that arrived together.
        size: returns the number of characters of an item.
        is_ready: whether the next block can be read without waiting; if not, the group ends.
        same_document: whether an item must be in the group of the item before it.
    """
    group: list[T] = []
    room = CHUNK
    for block in blocks:
        for item in block:
            if group and room <= 0 and not same_document(group[-1], item):
                yield group, False
                group, room = [], CHUNK
            group.append(item)
            room -= size(item) + 1
        if group and not is_ready():
            yield group, True
            group, room = [], CHUNK
    if group:
        yield group, True


def _size(content: str | list[str]) -> int:
    return len(content) if isinstance(content, str) else sum(map(len, content)) + len(content)


def _split_text(blocks: Iterable[str]) -> Iterator[str]:
    """Yield parts whose concatenation is the text; the split points do not depend on the blocks."""
    text, first = "", True
    for block in blocks:
        text, first = text + (block.removeprefix("\ufeff") if first else block), False
        while len(text) > LONGEST_TEXT:
            end = _split_point(text[:LONGEST_TEXT])
            yield text[:end]
            text = text[end:]
    yield text


def _split_point(text: str) -> int:
    """Return the end of the last blank line, else of the last line, else of the last word; never 0."""
    blank = deque(_BLANK_LINES.finditer(text), maxlen=1)
    line = text.rfind("\n") + 1
    return blank[0].end() if blank else line or text.rfind(" ") + 1 or len(text)


# --- records -----------------------------------------------------------------------------------------------


def _records(stream: IO[bytes]) -> Iterator[list[tuple[str | list[str], dict[str, Any]]]]:
    """Yield, for each block, the texts or lists of words with their records."""
    name, before = name_of(stream), 0
    for lines in read_line_blocks(stream):
        numbered = enumerate(lines, before + 1)
        yield [_parse_record(line, name, number) for number, line in numbered if line and not line.isspace()]
        before += len(lines)


def _parse_record(line: str, name: str, number: int) -> tuple[str | list[str], dict[str, Any]]:
    def error(message: str) -> DataError:
        return DataError(message, name, number)

    try:
        record = json.loads(line, parse_constant=_refuse_constant)
    except json.JSONDecodeError as problem:
        raise error(f"not valid JSON: {problem.msg} at character {problem.colno}") from None
    except (ValueError, RecursionError) as problem:
        raise error(f"not valid JSON: {problem}") from None
    if not isinstance(record, dict) or len(record.keys() & {"text", "tokens"}) != 1:
        found = f"the keys {', '.join(record)[:60] or 'none'}" if isinstance(record, dict) else line[:60]
        raise error(f'expected {{"text": "..."}} or {{"tokens": ["...", ...]}}, but not both; found {found}')
    content = record["text"] if "text" in record else record["tokens"]
    words = [content] if "text" in record else content
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise error(f'"text" must be a string and "tokens" a list of strings, not {json.dumps(content)[:60]}')
    if not all(words) and content:
        raise error('one of the "tokens" is empty')
    try:
        "".join(words).encode()
    except UnicodeEncodeError as problem:
        raise error(f"a lone surrogate, \\u{ord(problem.object[problem.start]):x}") from None
    return content, record


def _refuse_constant(constant: str) -> Any:
    raise ValueError(f"{constant} is not allowed")

"""Word vectors from text files (GloVe, word2vec, fastText).

A line is a word and its d numbers, separated by single spaces. word2vec and fastText files start with a
header line "count dimension"; GloVe files do not.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, takewhile
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

from rnner.errors import DataError

Matrix = npt.NDArray[np.float32]

_BLOCK = 4 << 20  # bytes read at a time
_TO_TEXT = (
    "convert it to text, for example with gensim: "
    "KeyedVectors.load_word2vec_format(FILE, binary=True).save_word2vec_format(NEW_FILE)"
)
_NOT_UTF8 = (
    "this word is not UTF-8; convert the file (iconv -f latin1 -t utf-8 OLD > NEW), "
    "or drop such bytes (iconv -c -f utf-8 -t utf-8 OLD > NEW)"
)


@dataclass(frozen=True, repr=False)
class Vectors:
    """Words and their vectors, in the order of the file.

    Attributes:
        words: n distinct words.
        matrix: [n, d] float32, finite.
        duplicates: number of rows that were dropped because their word had occurred before.
        path: the file; None if the vectors are not from a file.
    """

    words: list[str]
    matrix: Matrix
    duplicates: int = 0
    path: Path | None = None

    @property
    def dimension(self) -> int:
        """The dimension d of the vectors."""
        return int(self.matrix.shape[1])

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each word, in the order of the file."""
        return {word: row for row, word in enumerate(self.words)}

    def __repr__(self) -> str:
        return f"Vectors({len(self.words):,} words, {self.dimension} dimensions, from {self.path})"


def read_vectors(
    path: Path | str, *, limit: int | None = None, progress: Callable[[int, int], None] | None = None
) -> Vectors:
    """Read word vectors from a text file, which may be compressed with gzip.

    Without a header line, the first row determines the dimension. A word may contain spaces: the last d
    fields are the numbers. If a word occurs twice, its first row is kept. Trailing spaces, CRLF and blank
    lines are accepted.

    Args:
        path: the file.
        limit: maximum number of rows to read, without the header. Files are usually sorted by frequency.
        progress: called after each block with the bytes that are read and their total, as on disk.

    Raises:
        DataError: the file is missing, empty, binary or not UTF-8, or a row has the wrong number of values or
            a value that is not a finite number.
    """
    path = Path(path)
    words: list[str] = []
    parts: list[Matrix] = []
    for block_words, block in _parse(path, limit, progress):
        words += block_words
        parts.append(block)
    if not words:
        raise DataError("the file has no word vectors", path)
    matrix = np.concatenate(parts)
    first: dict[str, int] = {}
    for row, word in enumerate(words):
        first.setdefault(word, row)
    if len(first) == len(words):
        return Vectors(words, matrix, path=path)
    return Vectors(list(first), matrix[list(first.values())], duplicates=len(words) - len(first), path=path)


def _parse(
    path: Path, limit: int | None, progress: Callable[[int, int], None] | None
) -> Iterator[tuple[list[str], Matrix]]:
    """Yield words and rows by block. Blocks of regular lines take the fast path."""
    dimension, read = 0, 0
    for number, block in _blocks(path, progress):
        if dimension == 0:
            header, dimension = _header(block, path)
            if header:
                number, block = number + 1, block.partition(b"\n")[2]
        if limit is not None:
            if read >= limit:
                return
            block = b"".join(islice(io.BytesIO(block), limit - read))
        words, rows = _parse_regular(block, dimension) or _parse_lines(block, dimension, path, number)
        read += len(words)
        yield words, rows


def _header(block: bytes, path: Path) -> tuple[bool, int]:
    """Return whether the first line is a header, and the dimension from it or from the first row.

    Two integers are a header, unless the second line shows that they are a word ("1995") and its only number.
    """
    first, _, rest = block.partition(b"\n")
    fields = _fields(first)
    if len(fields) == 2 and all(field.isdigit() and len(field) < 19 for field in fields) and int(fields[1]):
        dimension = int(fields[1])
        if dimension == 1 or _count_numbers(_fields(rest.partition(b"\n")[0])) != 1:
            return True, dimension
    dimension = _count_numbers(fields)
    if dimension == 0:
        raise DataError("expected a word and its numbers, separated by single spaces", path, 1)
    return False, dimension


def _parse_regular(block: bytes, dimension: int) -> tuple[list[str], Matrix] | None:
    """Parse whole lines into words and rows [n, d] with a CSV reader; return None if a line is irregular."""
    if block.startswith(codecs.BOM_UTF8) or block.count(b"\r") != block.count(b"\r\n"):
        return None  # the CSV reader would drop the byte order mark, and end a line at a lone CR
    types = {"word": pa.string()} | {str(i): pa.float32() for i in range(dimension)}
    if block[: block.find(b"\n")].endswith((b" ", b" \r")):
        types["end"] = pa.string()
    try:
        table = csv.read_csv(
            io.BytesIO(block),
            csv.ReadOptions(use_threads=False, column_names=list(types), block_size=len(block) + 1),
            csv.ParseOptions(delimiter=" ", quote_char=False, double_quote=False),
            csv.ConvertOptions(column_types=types, null_values=[]),
        )
    except pa.ArrowInvalid:
        return None
    words: list[str] = table.column("word").to_pylist()
    matrix: Matrix = np.stack([table.column(str(i)).to_numpy() for i in range(dimension)], axis=1)
    if not np.isfinite(matrix).all() or ("end" in types and any(table.column("end").to_pylist())):
        return None
    return words, matrix


def _parse_lines(block: bytes, dimension: int, path: Path, number: int) -> tuple[list[str], Matrix]:
    """Parse lines from line `number` on into words and rows [n, d]; raise DataError for invalid lines."""
    words: list[str] = []
    rows: list[Matrix] = []
    for line_number, line in enumerate(block.split(b"\n"), start=number):
        fields = _fields(line)
        if fields == [b""]:
            continue
        if len(fields) != dimension + 1 and (values := _count_numbers(fields)) != dimension:
            message = (
                f"this row has {values} values, expected {dimension} as in line 1; is the file truncated?"
            )
            raise DataError(message, path, line_number)
        rows.append(_numbers(fields[-dimension:], path, line_number))
        try:
            words.append(b" ".join(fields[:-dimension]).decode())
        except UnicodeDecodeError:
            raise DataError(_NOT_UTF8, path, line_number) from None
    return words, np.array(rows, dtype=np.float32).reshape(-1, dimension)


def _fields(line: bytes) -> list[bytes]:
    return line.rstrip(b" \r").split(b" ")


def _count_numbers(fields: list[bytes]) -> int:
    """Count the numbers at the end of a row; its first field always belongs to the word."""
    return sum(1 for _ in takewhile(_is_number, reversed(fields[1:])))


def _is_number(field: bytes) -> bool:
    try:
        pa.scalar(field).cast(pa.string()).cast(pa.float32())
    except pa.ArrowInvalid:
        return False
    return True


def _numbers(fields: list[bytes], path: Path, line: int) -> Matrix:
    """Parse fields as float32 [d], with exactly the same results as `_parse_regular`."""
    try:
        row: Matrix = pa.array(fields).cast(pa.string()).cast(pa.float32()).to_numpy()
    except pa.ArrowInvalid:
        bad = next(field for field in fields if not _is_number(field))
        raise DataError(f"{bad.decode(errors='backslashreplace')!r} is not a number", path, line) from None
    if not np.isfinite(row).all():
        bad = fields[int(np.argmin(np.isfinite(row)))]
        raise DataError(f"{bad.decode()!r} is not a finite number (float32)", path, line)
    return row


def _blocks(path: Path, progress: Callable[[int, int], None] | None) -> Iterator[tuple[int, bytes]]:
    """Yield the file in blocks of whole lines, each with the number of its first line."""
    number, rest = 1, b""
    try:
        with _open(path) as file:
            stored = getattr(file, "fileobj", file)  # of a gzip file: the compressed bytes
            while data := file.read(_BLOCK):
                if progress is not None:
                    progress(stored.tell(), path.stat().st_size)
                if number == 1 and not rest:
                    data = data.removeprefix(codecs.BOM_UTF8)
                    if b"\0" in data:
                        raise DataError(f"this is a binary file; {_TO_TEXT}", path)
                lines, newline, rest = (rest + data).rpartition(b"\n")
                if not newline and len(rest) > _BLOCK:
                    raise DataError(
                        "this line is over 4 MB; is this a text file of word vectors?", path, number
                    )
                if newline:
                    yield number, lines + newline
                    number += lines.count(b"\n") + 1
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"the file cannot be decompressed ({error}); download it again", path) from None
    except FileNotFoundError:
        raise DataError("file not found", path) from None
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror or error})", path) from None
    if rest:
        yield number, rest + b"\n"


def _open(path: Path) -> BinaryIO:
    """Open the file; decompress it if its first bytes are those of gzip, whatever its name."""
    with path.open("rb") as file:
        magic = file.read(4)
    if magic.startswith(b"PK\x03\x04"):
        raise DataError("this is a zip archive; unpack it and use the text file in it", path)
    return cast(BinaryIO, gzip.open(path) if magic.startswith(b"\x1f\x8b") else path.open("rb"))

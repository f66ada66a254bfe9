"""Word vectors from text files (GloVe, word2vec, fastText), and how much of a corpus they cover.

A line is a word and its d numbers, separated by single spaces. word2vec and fastText put a line "count
dimension" before the first; GloVe does not.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, takewhile
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

from rnner.data.word_index import spelling_in
from rnner.errors import DataError

Matrix = npt.NDArray[np.float32]

_BLOCK = 4 << 20  # bytes read at a time
_TO_TEXT = (
    "convert it to text, for example with gensim: "
    "KeyedVectors.load_word2vec_format(FILE, binary=True).save_word2vec_format(NEW_FILE)"
)
_NOT_UTF8 = (
    "this word is not UTF-8: convert the file (iconv -f latin1 -t utf-8 OLD > NEW), "
    "or leave such bytes out (iconv -c -f utf-8 -t utf-8 OLD > NEW)"
)


@dataclass(frozen=True, repr=False)
class Vectors:
    """Words and their vectors, in the order of the file.

    Attributes:
        words: n distinct words.
        matrix: [n, d] float32, finite.
        duplicates: how many further rows of a word that was there already were left out.
        path: the file they came from, if any.
    """

    words: list[str]
    matrix: Matrix
    duplicates: int = 0
    path: Path | None = None

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return int(self.matrix.shape[1])

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each word, in the order of the file."""
        return {word: row for row, word in enumerate(self.words)}

    def __repr__(self) -> str:
        return f"Vectors({len(self.words):,} words, {self.dimension} dimensions, from {self.path})"


def read_vectors(path: Path | str, *, limit: int | None = None) -> Vectors:
    """Read word vectors from a text file, which may be compressed with gzip.

    Without a header line "count dimension", the first row decides on the dimension. A word may hold spaces:
    the last d fields are the numbers. Where a word comes twice, its first row counts. Spaces at the end of a
    line, CRLF and blank lines do no harm.

    Args:
        path: the file.
        limit: read this many rows at most (files are sorted by frequency), not counting the header.

    Raises:
        DataError: the file is missing, empty, binary or not UTF-8, or a row has another number of values than
            the first or one that is not a finite number; with the line where there is one.
    """
    path = Path(path)
    words: list[str] = []
    parts: list[Matrix] = []
    for block_words, block in _parse(path, limit):
        words += block_words
        parts.append(block)
    if not words:
        raise DataError("there are no word vectors in this file", path)
    return _first_of_each(words, np.concatenate(parts), path)


def _first_of_each(words: list[str], matrix: Matrix, path: Path) -> Vectors:
    first: dict[str, int] = {}
    for row, word in enumerate(words):
        first.setdefault(word, row)
    if len(first) == len(words):
        return Vectors(words, matrix, path=path)
    return Vectors(list(first), matrix[list(first.values())], duplicates=len(words) - len(first), path=path)


def _parse(path: Path, limit: int | None) -> Iterator[tuple[list[str], Matrix]]:
    """Words and rows of the file, block by block: fast where all lines of a block are plain."""
    dimension, read = 0, 0
    for number, block in _blocks(path):
        if dimension == 0:
            header, dimension = _look(block, path)
            if header:
                number, block = number + 1, block.partition(b"\n")[2]
        if limit is not None:
            if read >= limit:
                return
            block = b"".join(islice(io.BytesIO(block), limit - read))
        words, rows = _parse_plain(block, dimension) or _parse_lines(block, dimension, path, number)
        read += len(words)
        yield words, rows


def _look(block: bytes, path: Path) -> tuple[bool, int]:
    """Whether the first line of the file is a header, and the dimension, from it or from the first row.

    Two whole numbers are a header, unless the second line shows them to be a word "1995" and its one number.
    """
    first, _, rest = block.partition(b"\n")
    fields = _fields(first)
    if len(fields) == 2 and fields[0].isdigit() and fields[1].isdigit() and int(fields[1]) > 0:
        dimension = int(fields[1])
        if dimension == 1 or _values(_fields(rest.partition(b"\n")[0])) != 1:
            return True, dimension
    dimension = _values(fields)
    if dimension == 0:
        raise DataError("a line must be a word and its numbers, separated by single spaces", path, 1)
    return False, dimension


def _parse_plain(block: bytes, dimension: int) -> tuple[list[str], Matrix] | None:
    """Words and rows [n, d] of whole lines, or None if there is anything out of the ordinary in them."""
    if block.startswith(codecs.BOM_UTF8) or block.count(b"\r") != block.count(b"\r\n"):
        return None  # would be dropped, and taken for the end of a line
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
    """Words and rows [n, d] of any lines, `number` the first's; a DataError for what cannot be read."""
    words: list[str] = []
    rows: list[Matrix] = []
    for line_number, line in enumerate(block.split(b"\n"), start=number):
        fields = _fields(line)
        if fields == [b""]:
            continue
        if len(fields) != dimension + 1 and (values := _values(fields)) != dimension:
            told = f"this row has {values} values, but line 1 tells of {dimension}"
            raise DataError(f"{told}: is the file cut off, or of two kinds?", path, line_number)
        rows.append(_numbers(fields[-dimension:], path, line_number))
        try:
            words.append(b" ".join(fields[:-dimension]).decode())
        except UnicodeDecodeError:
            raise DataError(_NOT_UTF8, path, line_number) from None
    return words, np.array(rows, dtype=np.float32).reshape(-1, dimension)


def _fields(line: bytes) -> list[bytes]:
    return line.rstrip(b" \r").split(b" ")


def _values(fields: list[bytes]) -> int:
    """How many fields at the end are numbers, the first field, which belongs to the word, apart."""
    return sum(1 for _ in takewhile(_is_number, reversed(fields[1:])))


def _is_number(field: bytes) -> bool:
    try:
        pa.scalar(field).cast(pa.string()).cast(pa.float32())
    except pa.ArrowInvalid:
        return False
    return True


def _numbers(fields: list[bytes], path: Path, line: int) -> Matrix:
    """The fields as float32 [d], read as `_parse_plain` reads them: the same bits whatever stands around."""
    try:
        row: Matrix = pa.array(fields).cast(pa.string()).cast(pa.float32()).to_numpy()
    except pa.ArrowInvalid:
        bad = next(field for field in fields if not _is_number(field))
        raise DataError(f"{bad.decode(errors='backslashreplace')!r} is not a number", path, line) from None
    if not np.isfinite(row).all():
        bad = fields[int(np.argmin(np.isfinite(row)))]
        raise DataError(f"{bad.decode()!r} is not a finite number (float32)", path, line)
    return row


def _blocks(path: Path) -> Iterator[tuple[int, bytes]]:
    """The file in blocks of whole lines, each with the number of its first line."""
    number, rest = 1, b""
    try:
        with _open(path) as file:
            while data := file.read(_BLOCK):
                if number == 1 and not rest:
                    data = data.removeprefix(codecs.BOM_UTF8)
                    if b"\0" in data:
                        raise DataError(f"this is a binary file, not text vectors: {_TO_TEXT}", path)
                lines, newline, rest = (rest + data).rpartition(b"\n")
                if not newline and len(rest) > _BLOCK:
                    raise DataError(
                        "this line is over 4 MB: is it a text file of word vectors?", path, number
                    )
                if newline:
                    yield number, lines + newline
                    number += lines.count(b"\n") + 1
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"the file cannot be decompressed, load it again ({error})", path) from None
    except FileNotFoundError:
        raise DataError("there is no such file of word vectors", path) from None
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror or error})", path) from None
    if rest:
        yield number, rest + b"\n"


def _open(path: Path) -> BinaryIO:
    """The file as bytes, decompressed if its first bytes (not its name) say that it is gzip's."""
    with path.open("rb") as file:
        magic = file.read(4)
    if magic.startswith(b"PK\x03\x04"):
        raise DataError("this is a zip archive: unpack it and give the text file in it", path)
    return cast(BinaryIO, gzip.open(path) if magic.startswith(b"\x1f\x8b") else path.open("rb"))


class CoverageCounts(NamedTuple):
    """How many have a vector as they are, lower-cased (with digits as 0, too), or none."""

    exact: int
    lower_cased: int
    missing: int

    @property
    def share(self) -> float:
        """The fraction that has a vector; 0 of nothing."""
        return (self.exact + self.lower_cased) / max(1, sum(self))


@dataclass(frozen=True)
class Coverage:
    """How much of a corpus has a word vector; `str` gives a short report.

    Attributes:
        tokens: running words.
        types: distinct word forms.
        most_missed: the most frequent forms without a vector, and their counts.
        path: the vector file.
    """

    tokens: CoverageCounts
    types: CoverageCounts
    most_missed: list[tuple[str, int]]
    path: Path | None = None

    @property
    def share(self) -> float:
        """The fraction of the tokens that has a vector."""
        return self.tokens.share

    def check(self, least: float) -> None:
        """Make sure that vectors and corpus belong together.

        Raises:
            DataError: the share of the tokens that has a vector is below `least` (a fraction).
        """
        if self.share < least:
            examples = ", ".join(repr(word) for word, _ in self.most_missed[:5])
            raise DataError(
                f"only {100 * self.share:.1f} % of the training tokens have a vector in {self.path or 'it'} "
                f"(at least {100 * least:g} % must; missing are {examples}): "
                "is it the right language and the right file?"
            )

    def __str__(self) -> str:
        lines = [f"{'word vectors':<14}{'tokens':>20}{'types':>20}"]
        for name in CoverageCounts._fields:
            cells = [
                f"{getattr(found, name):>12,} {getattr(found, name) / max(1, sum(found)):>7.1%}"
                for found in (self.tokens, self.types)
            ]
            lines.append(f"{'  ' + name.replace('_', '-'):<14}{cells[0]}{cells[1]}")
        if self.most_missed:
            lines.append(
                "  most missed: " + ", ".join(f"{word} ({count:,})" for word, count in self.most_missed)
            )
        return "\n".join(lines)


def coverage(counts: Mapping[str, int], vectors: Vectors, *, examples: int = 10) -> Coverage:
    """Count which words of a corpus have a vector, looked up as the vocabulary looks words up.

    Args:
        counts: how often each word form stands in the training split.
        vectors: the word vectors.
        examples: how many missing words to name.
    """
    tokens, types = [0, 0, 0], [0, 0, 0]
    missing: list[tuple[str, int]] = []
    for form, count in counts.items():
        key = spelling_in(form, vectors.rows)
        kind = 2 if key not in vectors.rows else int(key != form)
        tokens[kind] += count
        types[kind] += 1
        if kind == 2:
            missing.append((form, count))
    missing.sort(key=lambda item: (-item[1], item[0]))
    return Coverage(CoverageCounts(*tokens), CoverageCounts(*types), missing[:examples], vectors.path)

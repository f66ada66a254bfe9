"""Open the input of `rnner predict`: arguments, a file or stdin, of a given or detected kind."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rnner.cli.console import notice
from rnner.cli.prediction_chunks import Chunk
from rnner.cli.prediction_failures import Failures
from rnner.cli.prediction_input import (
    ColumnInput,
    annotated_chunks,
    argument_chunks,
    line_chunks,
    text_chunks,
)
from rnner.cli.prediction_options import KINDS
from rnner.cli.prediction_records import list_chunks, record_chunks
from rnner.cli.prediction_stream import InputStream, open_input
from rnner.errors import UsageError

if TYPE_CHECKING:
    from rnner.cli.prediction_table import TableInput


@dataclass(frozen=True)
class Source:
    """The documents to predict.

    Attributes:
        chunks: the documents up to the first error, which `Failures` then holds.
        name: the name of the file, if there is one.
        columns: the column file, if the chunks come from one.
        table: the table, if the chunks come from one.
    """

    chunks: Iterator[Chunk]
    name: str = ""
    columns: ColumnInput | None = None
    table: TableInput | None = None


@contextmanager
def open_source(
    texts: Sequence[str],
    file: Path | None,
    kind: str | None,
    columns: dict[str, int | str] | None,
    failures: Failures,
) -> Iterator[Source]:
    """Open the input, and report its kind if it was detected.

    Args:
        texts: the texts that were given as arguments.
        file: if there are none, a file or a folder of annotated files; None or `-` is stdin.
        kind: text, lines, json, jsonl, csv, conll or a format of annotated text; None: detected.
        columns: the column of the words; None: detected.
        failures: handles records that cannot be read.

    Raises:
        DataError: the input cannot be opened.
        UsageError: stdin or a gzip file is of a kind that is read only from uncompressed files.
    """
    if texts:
        yield Source(failures.until_error(argument_chunks(texts)))
        return
    path = None if file is None or str(file) == "-" else file
    if kind is None and columns is not None:
        kind = "conll"
    if path is not None and (path.is_dir() or (kind is not None and kind not in KINDS)):
        yield _annotated(path, kind, columns, failures)
        return
    with open_input(sys.stdin.buffer if path is None else path) as stream:
        is_file = path is not None and path.is_file()
        form = ""
        if kind in (None, "csv"):
            kind, form = _detect(stream, kind, is_file=is_file)
        if form and path is not None:
            yield _annotated(path, form, columns, failures)
        else:
            yield _open(stream, str(kind), columns, failures, "" if path is None else path.name)


def _detect(stream: InputStream, kind: str | None, *, is_file: bool) -> tuple[str, str]:
    """Return the kind of a stream, and the format if it is annotated text.

    The kind is printed, unless it is text, as expected. `csv` may be a table of texts or the format of
    annotated text.
    """
    from rnner.cli.prediction_kind import guess_kind  # imports all formats of annotated text

    guess = guess_kind(stream)
    if kind is not None:
        return kind, guess.form if guess.form == kind and is_file and not stream.is_gzip else ""
    if guess.kind == "annotated" and (stream.is_gzip or not is_file):
        advice = "unpack it first (gunzip)" if is_file else "give it with --file"
        raise UsageError(f"{stream.name}: this is annotated text ({guess.form}); {advice}")
    if guess.note:
        notice(guess.note)
    return guess.kind, guess.form


def _annotated(
    path: Path, form: str | None, columns: dict[str, int | str] | None, failures: Failures
) -> Source:
    from rnner.data.formats.detect import detect_format

    form = form or detect_format(path)
    notice(f"{path}: read as annotated text (--input {form}); its annotation is ignored")
    return Source(failures.until_error(annotated_chunks(path, form, columns)), path.name)


def _open(
    stream: InputStream, kind: str, columns: dict[str, int | str] | None, failures: Failures, name: str
) -> Source:
    if kind == "csv":
        from rnner.cli.prediction_table import TableInput

        table = TableInput(stream, failures)
        return Source(failures.until_error(table.chunks()), name, table=table)
    if kind == "conll":
        words = ColumnInput(stream, columns, failures)
        return Source(failures.until_error(words.chunks()), name, words)
    if kind == "text":
        chunks = text_chunks(stream)
    elif kind == "lines":
        chunks = line_chunks(stream, failures)
    else:
        chunks = (record_chunks if kind == "jsonl" else list_chunks)(stream, failures)
    return Source(failures.until_error(chunks), name)

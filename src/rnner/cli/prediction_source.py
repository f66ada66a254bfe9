"""Open the input of `rnner predict`: arguments, a file or stdin, of a given or detected kind."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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
from rnner.cli.prediction_records import list_chunks, record_chunks
from rnner.cli.prediction_stream import InputStream, open_input
from rnner.errors import UsageError


@dataclass(frozen=True)
class Source:
    """The documents to predict.

    Attributes:
        chunks: the documents up to the first error, which `Failures` then holds.
        name: the name of the file, if there is one.
        columns: the column file, if the chunks come from one.
    """

    chunks: Iterator[Chunk]
    name: str = ""
    columns: ColumnInput | None = None


@contextmanager
def open_source(
    texts: Sequence[str] | None, file: Path | None, kind: str | None, column: int | None, failures: Failures
) -> Iterator[Source]:
    """Open the input, and report its kind if it was detected.

    Args:
        texts: the texts, if they were given as arguments.
        file: otherwise, a file or a folder of annotated files; None or `-` is stdin.
        kind: text, lines, json, jsonl, csv, conll or annotated; None: detected.
        column: for conll, the column of the words; None: detected.
        failures: handles records that cannot be read.

    Raises:
        DataError: the input cannot be opened.
        UsageError: stdin or a gzip file is of a kind that is read only from uncompressed files.
    """
    if texts:
        yield Source(failures.until_error(argument_chunks(texts)))
        return
    path = None if file is None or str(file) == "-" else file
    if path is not None and (kind == "annotated" or path.is_dir()):  # a folder of annotated files
        yield _annotated(path, failures)
        return
    with open_input(sys.stdin.buffer if path is None else path) as stream:
        kind = kind or _detect(stream, is_file=path is not None and path.is_file())
        if kind == "annotated" and path is not None:
            yield _annotated(path, failures)
        else:
            yield _open(stream, kind, column, failures, "" if path is None else path.name)


def _detect(stream: InputStream, *, is_file: bool) -> str:
    """Return the kind of a stream, and print it unless it is text, as expected."""
    from rnner.cli.prediction_kind import guess_kind  # imports all formats of annotated text

    guess = guess_kind(stream)
    if guess.kind == "annotated" and (stream.is_gzip or not is_file):
        advice = "unpack it first (gunzip)" if is_file else "give it with --file"
        raise UsageError(f"{stream.name}: this is annotated text ({guess.form}); {advice}")
    if guess.note:
        notice(guess.note)
    return guess.kind


def _annotated(path: Path, failures: Failures) -> Source:
    from rnner.data.formats.detect import detect_format

    form = detect_format(path)
    notice(f"{path}: read as annotated text ({form}; --input annotated); its annotation is ignored")
    return Source(failures.until_error(annotated_chunks(path, form)), path.name)


def _open(stream: InputStream, kind: str, column: int | None, failures: Failures, name: str) -> Source:
    columns = None
    if kind == "text":
        chunks = text_chunks(stream)
    elif kind == "lines":
        chunks = line_chunks(stream, failures)
    elif kind == "jsonl":
        chunks = record_chunks(stream, failures)
    elif kind == "json":
        chunks = list_chunks(stream, failures)
    elif kind == "csv":
        from rnner.cli.prediction_table import table_chunks

        chunks = table_chunks(stream, failures)
    else:
        columns = ColumnInput(stream, column, failures)
        chunks = columns.chunks()
    return Source(failures.until_error(chunks), name, columns)

"""`rnner predict`: the names in texts."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, TextIO, TypeVar

import typer

from rnner.errors import DataError, UsageError

if TYPE_CHECKING:
    from rnner.pipeline import Pipeline

T = TypeVar("T")

_CHUNK = 512  # texts or sentences that are read, tagged and written at a time


class Input(str, Enum):
    """What comes in."""

    text = "text"
    lines = "lines"
    conll = "conll"


class Format(str, Enum):
    """What goes out."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    conll = "conll"
    binary = "binary"


def predict(
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]...", help="Texts to find names in.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", "-m", help="Model folder, as `rnner train` writes it.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Read this file instead of TEXT; - is stdin.")
    ] = None,
    kind: Annotated[
        Input,
        typer.Option("--input", help="What is read: one text, a text a line, or a column file."),
    ] = Input.text,
    form: Annotated[Format, typer.Option("--format", help="How the result is written.")] = Format.table,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file, not to stdout.")
    ] = None,
    threshold: Annotated[
        float,
        typer.Option("--threshold", min=0.0, max=1.0, help="Leave out entities less probable than this."),
    ] = 0.0,
    batch: Annotated[
        int,
        typer.Option("--batch", min=1, help="Sentences that are computed together; never changes a result."),
    ] = 64,
    column: Annotated[
        int | None,
        typer.Option("--column", help="Column of the words in a column file, from 0. [default: found]"),
    ] = None,
    code: Annotated[
        list[Path] | None, typer.Option("--code", help="Python file of the model's own cells. Repeatable.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "cpu",
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="CPU threads. [default: PyTorch's]")
    ] = None,
) -> None:
    """Find the names in texts: given as arguments, in a file, or on stdin."""
    if texts and file is not None:
        raise UsageError("give either TEXT or --file, not both")
    if texts and kind is Input.conll:
        raise UsageError("--input conll reads a column file: give it with --file, or on stdin")
    if model is None:
        raise UsageError("--model DIR is needed: the folder of a model that `rnner train` has written")
    if not texts and file is None and sys.stdin.isatty():
        raise UsageError(
            'give a TEXT in quotes, --file FILE, or text on stdin: rnner predict --model DIR "..."'
        )
    from rnner.cli.documents import write_documents

    pipeline = _load(model, code or [], device, threads, batch)
    source = sys.stdin.buffer if file is None or str(file) == "-" else file
    with _sink(output) as sink:
        if kind is Input.conll and form is Format.conll:
            _add_column(pipeline, source, column, threshold, sink)
            return
        if kind is Input.conll:
            found = (pipeline.tag_documents(chunk) for chunk in _chunks(_words(source, column)))
        else:
            found = (pipeline.documents(chunk) for chunk in _chunks(texts or _texts(source, kind)))
        documents = (document.above(threshold) for document in chain.from_iterable(found))
        write_documents(documents, form.value, sink, scheme=pipeline.vocabulary.scheme)


def _load(model: Path, code: list[Path], device: str, threads: int | None, batch: int) -> Pipeline:
    import torch

    from rnner.bundle import load_bundle
    from rnner.device import choose_device
    from rnner.pipeline import Pipeline
    from rnner.usercode import load_code

    on = choose_device(device)
    if threads is not None:
        torch.set_num_threads(threads)
    for path in code:
        load_code(path)
    return Pipeline(load_bundle(model, device=on), batch_sentences=batch)


def _texts(source: BinaryIO | Path, kind: Input) -> Iterator[str]:
    """The texts of a file or stream: each of its lines, or all of it."""
    from rnner.data.lines import name_of, read_lines

    if kind is Input.lines:
        yield from read_lines(source)
        return
    if isinstance(source, Path) and not source.is_file():
        yield from read_lines(source)  # raises what is wrong
    data = source.read_bytes() if isinstance(source, Path) else source.read()
    try:
        yield data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError("not UTF-8 text; convert it first", name_of(source), line) from None


def _words(source: BinaryIO | Path, column: int | None) -> Iterator[list[str]]:
    """The sentences of a column file."""
    from rnner.data.conll import ConllReader

    for sentence in ConllReader(source, columns=_columns(column), tagged=False):
        yield sentence.words


def _add_column(
    pipeline: Pipeline, source: BinaryIO | Path, column: int | None, threshold: float, sink: TextIO
) -> None:
    """Copy a column file with the predicted tags as a last column."""
    from rnner.cli.documents import document_tags
    from rnner.data.conll import ConllReader, write_with_tags

    reader = ConllReader(source, columns=_columns(column), tagged=False)
    for chunk in _chunks(reader):
        found = pipeline.tag_documents([sentence.words for sentence in chunk])
        tags = [document_tags(document.above(threshold), pipeline.vocabulary.scheme)[0] for document in found]
        write_with_tags(chunk, tags, sink, layout=reader.layout)
    write_with_tags([], [], sink, layout=reader.layout, trailing=reader.trailing)


def _columns(column: int | None) -> dict[str, int] | None:
    return None if column is None else {"token": column}


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk


@contextmanager
def _sink(output: Path | None) -> Iterator[TextIO]:
    """Where results go; a file is replaced only when all of it is there."""
    if output is None:
        yield sys.stdout
        return
    if output.is_dir():
        raise UsageError(f"{output}: is a folder; --output takes a file")
    partial = output.with_name(output.name + ".partial")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)

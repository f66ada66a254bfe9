"""`rnner predict`: the names in texts."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, TextIO, TypeVar

import typer

from rnner.cli.options import MODEL, Batch, Code, Device, Threads, Window, chosen_model, load_decoders
from rnner.errors import UsageError
from rnner.windows import LONGEST

if TYPE_CHECKING:
    from rnner.data.conll import Sentence
    from rnner.pipeline import Document, Pipeline

T = TypeVar("T")

_CHUNK = 512  # texts or sentences that are read, tagged and written at a time


class Input(str, Enum):
    """What comes in."""

    text = "text"
    lines = "lines"
    conll = "conll"


class Backend(str, Enum):
    """What computes."""

    auto = "auto"
    torch = "torch"
    onnx = "onnx"


class Format(str, Enum):
    """What goes out."""

    text = "text"
    table = "table"
    html = "html"
    json = "json"
    jsonl = "jsonl"
    conll = "conll"
    binary = "binary"


def predict(
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="Texts to find names in.")] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="MODEL", help=f"{MODEL} [default: the bundled one, en]"),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", metavar="FILE", help="Read this file instead of TEXT; - is stdin."),
    ] = None,
    kind: Annotated[
        Input,
        typer.Option(
            "--input",
            metavar="KIND",
            help="text (one), lines (a text a line), or conll (a column file).",
        ),
    ] = Input.text,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            metavar="FORM",
            help="text, table, html, json, jsonl, conll or binary. [default: text on a terminal, else table]",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to this file, not to stdout."),
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(
            "--threshold", metavar="P", min=0.0, max=1.0, help="Leave out entities less probable than this."
        ),
    ] = 0.0,
    nbest: Annotated[
        int,
        typer.Option(
            "--nbest", metavar="N", min=0, help="Also the N most probable ways to tag each sentence."
        ),
    ] = 0,
    scores: Annotated[
        bool, typer.Option("--scores", help="Show in text and html how probable each entity is.")
    ] = False,
    batch: Batch = 64,
    window: Window = LONGEST,
    column: Annotated[
        int | None,
        typer.Option("--column", metavar="N", help="Words of a column file, from 0. [default: found]"),
    ] = None,
    backend: Annotated[
        Backend,
        typer.Option(
            "--backend",
            metavar="NAME",
            help="torch; onnx, which starts sooner; auto: onnx for TEXT if the model has it, else torch.",
        ),
    ] = Backend.auto,
    code: Code = None,
    device: Device = "cpu",
    threads: Threads = None,
) -> None:
    """Find the names in texts.

    Texts come as arguments, from a file, or from stdin. text marks the names in them, html does it on a page
    that stands alone; table lists the names too. binary shows the words of each sentence in a row, and 1 or 0
    under each; conll adds the tags to a column file as its last column.
    """
    _check_input(texts, file, kind)
    form = _chosen(form, nbest=nbest, scores=scores, terminal=output is None and sys.stdout.isatty())
    from rnner.cli.documents import write_documents
    from rnner.data.conll import ConllReader
    from rnner.exported import in_form
    from rnner.pipeline import Pipeline

    source = sys.stdin.buffer if file is None or str(file) == "-" else file
    with _sink(output, file) as sink:
        limits = {"sentences": batch, "window": window}
        soon = bool(texts) and not code and device in ("auto", "cpu")
        chosen = in_form(chosen_model(model), backend.value, soon=soon)
        pipeline = Pipeline(load_decoders([chosen], device=device, threads=threads, code=code, **limits)[0])
        if kind is Input.conll and form is Format.conll:
            _add_column(pipeline, source, column, threshold, sink)
            return
        if kind is Input.conll:
            reader = ConllReader(source, columns=_columns(column), tagged=False)
            found = (_tagged(pipeline, chunk, nbest) for chunk in _whole_documents(reader))
        else:
            found = (pipeline.documents(chunk) for chunk in _chunks(texts or _texts(source, kind)))
            if nbest:
                found = (pipeline.with_readings(documents, nbest) for documents in found)
        documents = (document.above(threshold) for document in chain.from_iterable(found))
        write_documents(
            documents,
            form.value,
            sink,
            scheme=pipeline.vocabulary.scheme,
            labels=pipeline.labels,
            title=f"Names in {source.name}" if isinstance(source, Path) else "Names",
            scores=scores,
        )


def _check_input(texts: list[str] | None, file: Path | None, kind: Input) -> None:
    """Raise UsageError unless there is one input, of the kind that is said."""
    if texts and file is not None:
        raise UsageError("give either TEXT or --file, not both")
    if texts and kind is Input.conll:
        raise UsageError("--input conll reads a column file: give it with --file, or on stdin")
    if not texts and file is None and sys.stdin.isatty():
        raise UsageError('give a TEXT in quotes, --file FILE, or text on stdin: rnner predict "..."')
    for text in texts or []:
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise UsageError(f"TEXT {text!r}: not UTF-8; put it into a file and convert that")


def _chosen(form: Format | None, *, nbest: int, scores: bool, terminal: bool) -> Format:
    """The format that is meant; raise UsageError if it cannot hold what is asked for."""
    if form is None:
        return Format.text if terminal or scores else Format.table
    if nbest and form in (Format.html, Format.conll, Format.binary):
        raise UsageError(
            f"--nbest: --format {form.value} has room for one way only; use text, table, json or jsonl"
        )
    if scores and form not in (Format.text, Format.html):
        always = "" if form in (Format.conll, Format.binary) else f"; {form.value} always has them"
        raise UsageError(f"--scores is for --format text and html{always}")
    return form


def _texts(source: BinaryIO | Path, kind: Input) -> Iterator[str]:
    """The texts of a file or stream: each of its lines, or all of it."""
    from rnner.data.lines import name_of, read_lines

    if kind is Input.lines:
        yield from read_lines(source)
        return
    try:
        data = source.read_bytes() if isinstance(source, Path) else source.read()
    except OSError:
        yield from read_lines(source)  # tells what is wrong with it
        return
    copy = io.BytesIO(data)
    copy.name = name_of(source)
    for _ in read_lines(io.BufferedReader(copy)):  # tells what is wrong with the bytes, and where
        pass
    yield data.decode("utf-8-sig")


def _tagged(pipeline: Pipeline, sentences: list[Sentence], nbest: int | None = None) -> list[Document]:
    """The sentences of a column file with their entities, and with `nbest` readings."""
    numbers = [sentence.document for sentence in sentences]
    found = pipeline.tag_documents([sentence.words for sentence in sentences], numbers)
    return pipeline.with_readings(found, nbest, numbers) if nbest else found


def _add_column(
    pipeline: Pipeline, source: BinaryIO | Path, column: int | None, threshold: float, sink: TextIO
) -> None:
    """Copy a column file with the predicted tags as a last column."""
    from rnner.cli.documents import document_tags
    from rnner.data.conll import ConllReader, write_with_tags

    reader = ConllReader(source, columns=_columns(column), tagged=False)
    for chunk in _whole_documents(reader):
        found = _tagged(pipeline, chunk)
        tags = [document_tags(document.above(threshold), pipeline.vocabulary.scheme)[0] for document in found]
        write_with_tags(chunk, tags, sink, layout=reader.layout)
    write_with_tags([], [], sink, layout=reader.layout, trailing=reader.trailing)


def _columns(column: int | None) -> dict[str, int] | None:
    return None if column is None else {"token": column}


def _whole_documents(sentences: Iterable[Sentence]) -> Iterator[list[Sentence]]:
    """Sentences in chunks that cut no document, for models that look at whole ones."""
    from rnner.data.conll import UNMARKED

    chunk: list[Sentence] = []
    for sentence in sentences:
        goes_on = chunk and sentence.document == chunk[-1].document != UNMARKED
        if len(chunk) >= _CHUNK and not goes_on:
            yield chunk
            chunk = []
        chunk.append(sentence)
    if chunk:
        yield chunk


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk


@contextmanager
def _sink(output: Path | None, source: Path | None) -> Iterator[TextIO]:
    """Where results go; a file is replaced only when all of it is there."""
    if output is None:
        yield sys.stdout
        return
    output = output.resolve()  # a link stays one
    if output.is_dir():
        raise UsageError(f"{output}: is a folder; --output takes a file")
    if source is not None and source.exists() and output == source.resolve():
        raise UsageError(f"{output}: is the file that is read; choose another --output")
    partial = output
    if output.is_file() or not output.exists():  # else it is a pipe or a device
        partial = output.with_name(output.name + ".partial")
    try:
        file = partial.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from None
    try:
        with file:
            yield file
        if partial != output:
            partial.replace(output)
    finally:
        if partial != output:
            partial.unlink(missing_ok=True)

"""`rnner predict`: find names in texts."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from enum import Enum
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from rnner.cli import options
from rnner.cli.console import Terminal, err
from rnner.cli.progress_display import PredictionProgress
from rnner.decoding.windows import WINDOW
from rnner.errors import UsageError

if TYPE_CHECKING:
    from rnner.cli.prediction import ChunkResult


class InputKind(str, Enum):
    """Kind of input."""

    text = "text"
    lines = "lines"
    jsonl = "jsonl"
    conll = "conll"


class Backend(str, Enum):
    """Library that runs the model."""

    auto = "auto"
    torch = "torch"
    onnx = "onnx"


class PredictionFormat(str, Enum):
    """Output format."""

    text = "text"
    table = "table"
    html = "html"
    json = "json"
    jsonl = "jsonl"
    conll = "conll"
    binary = "binary"


_INPUT_HELP = """\
text: one document (above 500,000 characters it is split at blank lines); lines: one text per line;
jsonl: {"text": ...} or {"tokens": [...]} per line; conll: a column file."""
_FORMAT_HELP = """\
text, table, html, json, jsonl, conll or binary. [default: from the suffix of --output; otherwise text in a
terminal, table elsewhere]"""
_BACKEND_HELP = """\
torch; onnx, which starts faster; auto: onnx for TEXT if the model has been exported, otherwise torch."""
_FORMATS_BY_SUFFIX = {f".{name}": PredictionFormat(name) for name in ("html", "json", "jsonl", "conll")}


def predict(
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="Texts to find names in.")] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="MODEL", help=f"{options.MODEL} [default: en, bundled]"),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", metavar="FILE", help="Read this file, plain or gzip; - is stdin."),
    ] = None,
    kind: Annotated[InputKind, typer.Option("--input", metavar="KIND", help=_INPUT_HELP)] = InputKind.text,
    form: Annotated[
        PredictionFormat | None, typer.Option("--format", metavar="FORMAT", help=_FORMAT_HELP)
    ] = None,
    output: options.OutputFile = None,
    threshold: Annotated[
        float, typer.Option(metavar="P", min=0.0, max=1.0, help="Leave out entities less probable than this.")
    ] = 0.0,
    nbest: Annotated[
        int, typer.Option(metavar="N", min=0, help="Also show the N most probable readings of each sentence.")
    ] = 0,
    scores: Annotated[
        bool, typer.Option("--scores", help="Show the probability of each entity in text and html.")
    ] = False,
    batch: options.Batch = 256,
    window: options.Window = WINDOW,
    column: Annotated[
        int | None, typer.Option(metavar="N", help="Column of the words, counted from 0. [default: detected]")
    ] = None,
    backend: Annotated[Backend, typer.Option(metavar="NAME", help=_BACKEND_HELP)] = Backend.auto,
    code: options.Code = None,
    device: options.Device = "cpu",
    threads: options.Threads = None,
    workers: Annotated[
        int, typer.Option(metavar="N", min=1, help="Number of processes, with one thread each.")
    ] = 1,
) -> None:
    """Find the names in texts.

    Texts come from arguments, a file or stdin. Results are printed as soon as the input pauses, so you can
    type lines or pipe a stream. An --output that ends in .gz is compressed.

    text marks the names, html marks them in a self-contained page, table also lists them. binary shows 1
    (name) or 0 under each word. conll adds the tags to a column file as its last column.
    """
    _check_input(texts, file, kind)
    terminal = output is None and sys.stdout.isatty()
    form = _choose_format(form or _format_by_suffix(output), nbest=nbest, scores=scores, terminal=terminal)
    from rnner.cli import prediction, prediction_input, prediction_output  # slow: they import numpy
    from rnner.export.runtime import choose_backend

    fast_start = bool(texts) and not code and device in ("auto", "cpu")
    settings: dict[str, Any] = {"sentences": batch, "window": window, "device": device, "code": code}
    tags_only = kind is InputKind.conll and form is PredictionFormat.conll
    from_stdin = file is None or str(file) == "-"
    with ExitStack() as stack:
        sink = stack.enter_context(prediction_output.open_sink(output, file))
        job = prediction.PredictionJob(
            choose_backend(options.resolve_model(model), backend.value, fast_start=fast_start),
            settings | {"threads": threads or (1 if workers > 1 else None)},
            prediction.TAGS if tags_only else form.value,
            threshold,
            nbest,
            Terminal(file=sink).width if sink.isatty() else None,
        )
        shown = err.is_terminal and not sink.isatty() and not texts
        progress = stack.enter_context(PredictionProgress(shown=shown))
        if texts:
            chunks = prediction_input.argument_chunks(texts)
        else:
            source = sys.stdin.buffer if file is None or from_stdin else file
            stream = stack.enter_context(prediction_input.open_input(source))
            if tags_only:
                reader = prediction_input.column_reader(stream, column)
                prediction.write_tagged_columns(reader, job, workers, progress, sink)
                return
            chunks = prediction_input.read_chunks(kind.value, stream, column)
        results = prediction.predict_chunks(job, chunks, workers)
        first = next(results)
        title = "Names" if file is None or from_stdin else f"Names in {file.name}"
        documents = _documents(chain([first], results), progress, sink)
        labels = first.labels
        prediction_output.write_documents(
            documents, form.value, sink, labels=labels, title=title, scores=scores
        )


def _check_input(texts: list[str] | None, file: Path | None, kind: InputKind) -> None:
    """Check that there is exactly one input, and that its format fits --input.

    Raises:
        UsageError: there is no input, or more than one, or it is not text.
    """
    if texts and file is not None:
        raise UsageError("give either TEXT or --file, not both")
    if texts and kind is InputKind.conll:
        raise UsageError("--input conll reads a column file: give it with --file, or on stdin")
    if not texts and file is None and sys.stdin.isatty():
        raise UsageError('give a TEXT in quotes, --file FILE, or text on stdin: rnner predict "..."')
    for text in texts or []:
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise UsageError(f"TEXT {text!r}: not UTF-8; save it in a file and convert the file to UTF-8")


def _format_by_suffix(output: Path | None) -> PredictionFormat | None:
    """Return the format for a file name such as names.jsonl or names.jsonl.gz."""
    return None if output is None else _FORMATS_BY_SUFFIX.get(Path(output.name.removesuffix(".gz")).suffix)


def _choose_format(
    form: PredictionFormat | None, *, nbest: int, scores: bool, terminal: bool
) -> PredictionFormat:
    """Return the format, or the default for None.

    Raises:
        UsageError: the format cannot show what the options ask for.
    """
    if form is None:
        return PredictionFormat.text if terminal or scores else PredictionFormat.table
    if nbest and form.value in ("html", "conll", "binary"):
        raise UsageError(f"--nbest does not work with --format {form.value}; use text, table, json or jsonl")
    if scores and form.value not in ("text", "html"):
        always = "" if form.value in ("conll", "binary") else f"; {form.value} always has them"
        raise UsageError(f"--scores is for --format text and html{always}")
    return form


def _documents(results: Iterable[ChunkResult], progress: PredictionProgress, sink: TextIO) -> Iterator[Any]:
    """Yield the documents of all chunks, and flush the sink when a reader may be waiting."""
    for result in results:
        yield from result.documents
        progress.add(result.words)
        if result.flush:
            sink.flush()

"""`rnner predict`: find names in texts."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from rnner.cli import options
from rnner.cli.console import Terminal, err
from rnner.cli.progress_display import PredictionProgress
from rnner.decoding.windows import WINDOW
from rnner.errors import UsageError


class InputKind(StrEnum):
    """Kind of input."""

    text = "text"
    lines = "lines"
    jsonl = "jsonl"
    json = "json"
    csv = "csv"
    conll = "conll"
    annotated = "annotated"


class ErrorRule(StrEnum):
    """Rule for records that cannot be read."""

    stop = "stop"
    skip = "skip"
    mark = "mark"


class Backend(StrEnum):
    """Library that runs the model."""

    auto = "auto"
    torch = "torch"
    onnx = "onnx"


class PredictionFormat(StrEnum):
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
jsonl: {"text": ...} or {"tokens": [...]} per line; json: a list of those; csv: a table with a `text` column;
conll: a column file; annotated: any format of `rnner data convert`. [default: detected, with a note]"""
_ON_ERROR_HELP = """\
What to do if a record, line or sentence cannot be read: stop there (results so far are written), skip it, or
mark it in JSON output with {"error": ...}."""
_FORMAT_HELP = """\
text, table, html, json, jsonl, conll or binary. [default: from the suffix of --output; otherwise text in a
terminal, table elsewhere]"""
_BACKEND_HELP = """\
torch; onnx, which starts faster; auto: onnx for TEXT if the model has been exported, otherwise torch."""
_FORMATS_BY_SUFFIX = {f".{name}": PredictionFormat(name) for name in ("html", "json", "jsonl", "conll")}
_FORMATS_BY_SUFFIX[".tsv"] = PredictionFormat.conll


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
    kind: Annotated[InputKind | None, typer.Option("--input", metavar="KIND", help=_INPUT_HELP)] = None,
    on_error: Annotated[
        ErrorRule, typer.Option("--on-error", metavar="RULE", help=_ON_ERROR_HELP)
    ] = ErrorRule.stop,
    form: Annotated[
        PredictionFormat | None, typer.Option("--format", metavar="FORMAT", help=_FORMAT_HELP)
    ] = None,
    output: options.OutputFile = None,
    threshold: Annotated[
        float, typer.Option(metavar="P", min=0.0, max=1.0, help="Leave out entities less probable than this.")
    ] = 0.0,
    nbest: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, max=1000, help="Also show the N most probable readings of each sentence."
        ),
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
        int,
        typer.Option(metavar="N", min=1, max=1024, help="Number of processes, with one thread each."),
    ] = 1,
) -> None:
    """Find the names in texts.

    Texts come from arguments, a file or stdin. Results are printed as soon as the input pauses, so you can
    type lines or pipe a stream. An --output that ends in .gz is compressed.

    A record's other keys are kept; existing annotations are renamed to input_KEY. The exit code is 1 if
    a record could not be read.

    text marks the names, html marks them in a self-contained page, table also lists them. binary shows 1
    (name) or 0 under each word. conll adds the tags to a column file as its last column.
    """
    _check_input(texts, file, kind, column)
    terminal = output is None and sys.stdout.isatty()
    form = _choose_format(form or _format_by_suffix(output), nbest=nbest, scores=scores, terminal=terminal)
    _check_on_error(on_error, form)
    from rnner.cli import prediction, prediction_output, prediction_source  # slow: they import numpy
    from rnner.cli.prediction_failures import Failures
    from rnner.export.runtime import choose_backend

    fast_start = bool(texts) and not code and device in ("auto", "cpu")
    threads = threads or (1 if workers > 1 else None)
    settings: dict[str, Any] = {"sentences": batch, "window": window, "device": device, "code": code}
    failures = Failures(on_error.value)
    with ExitStack() as stack:
        sink = stack.enter_context(prediction_output.open_sink(output, file))
        job = prediction.PredictionJob(
            choose_backend(options.resolve_model(model), backend.value, fast_start=fast_start),
            settings | {"threads": threads},
            form.value,
            threshold,
            nbest,
            Terminal(file=sink).width if sink.isatty() else None,
        )
        shown = err.is_terminal and not sink.isatty() and not texts
        progress = stack.enter_context(PredictionProgress(shown=shown))
        kind = InputKind.conll if kind is None and column is not None else kind
        source = stack.enter_context(
            prediction_source.open_source(texts, file, kind and kind.value, column, failures)
        )
        if source.columns is not None and form is PredictionFormat.conll:
            prediction.write_tagged_columns(source.columns, failures, job, workers, progress, sink)
        else:
            prediction.write_predictions(source, job, workers, progress, sink, scores=scores)
    failures.finish()


def _check_input(
    texts: list[str] | None, file: Path | None, kind: InputKind | None, column: int | None
) -> None:
    """Check that there is exactly one input, and that its format fits --input.

    Raises:
        UsageError: there is no input, or more than one, or it is not text.
    """
    if texts and file is not None:
        raise UsageError("give either TEXT or --file, not both")
    if texts and kind not in (None, InputKind.text, InputKind.lines):
        raise UsageError(f"--input {kind.value} reads a file: give it with --file, or on stdin")
    if kind is InputKind.annotated and (file is None or str(file) == "-"):
        raise UsageError("--input annotated reads a file: give it with --file")
    if column is not None and (texts or kind not in (None, InputKind.conll)):
        raise UsageError("--column can be used only with --input conll")
    if not texts and file is None and sys.stdin.isatty():
        raise UsageError('give a TEXT in quotes, --file FILE, or text on stdin: rnner predict "..."')
    for text in texts or []:
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise UsageError(f"TEXT {text!r}: not UTF-8; save it in a file and convert the file to UTF-8")


def _format_by_suffix(output: Path | None) -> PredictionFormat | None:
    """Return the format for a file name such as names.jsonl or names.jsonl.gz.

    Raises:
        UsageError: the suffix is that of a format that is not supported.
    """
    suffix = "" if output is None else Path(output.name.removesuffix(".gz")).suffix.lower()
    if suffix == ".csv":
        names = ", ".join(_FORMATS_BY_SUFFIX)
        raise UsageError(f"--output {output}: CSV is not supported; use a name in {names}, or give --format")
    return _FORMATS_BY_SUFFIX.get(suffix)


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


def _check_on_error(rule: ErrorRule, form: PredictionFormat) -> None:
    """Check that the output can hold what --on-error asks for.

    Raises:
        UsageError: it cannot.
    """
    if rule is ErrorRule.mark and form not in (PredictionFormat.json, PredictionFormat.jsonl):
        raise UsageError(f"--on-error mark needs --format json or jsonl; with {form.value}, use skip")

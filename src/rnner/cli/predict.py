"""`rnner predict`: find names in texts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from rnner.cli import options
from rnner.cli.console import Terminal, err, out
from rnner.cli.prediction_options import (
    Backend,
    ErrorRule,
    InputKind,
    PredictionFormat,
    check_file_options,
    check_on_error,
    check_prompt,
    check_texts,
    choose_format,
    format_by_suffix,
    is_prompt,
)
from rnner.cli.progress_display import Activity, PredictionProgress
from rnner.decoding.windows import WINDOW

if TYPE_CHECKING:
    from rnner.cli.prediction import PredictionJob


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
    texts = texts or []
    check_texts(texts, file)
    typed = is_prompt(texts, file, output)
    terminal = output is None and sys.stdout.isatty()
    form = choose_format(form or format_by_suffix(output), nbest=nbest, scores=scores, terminal=terminal)
    if typed:
        given = {"--input": kind is not None, "--column": column is not None, "--workers": workers > 1}
        given["--on-error"] = on_error is not ErrorRule.stop
        check_prompt(form, [name for name, is_given in given.items() if is_given])
    check_file_options(texts, file, kind, column)
    check_on_error(on_error, form)
    settings = {"sentences": batch, "window": window, "device": device, "code": code}
    settings["threads"] = threads or (1 if workers > 1 else None)
    fast_start = (typed or bool(texts)) and not code and device in ("auto", "cpu")

    def job(path: Path, sink: TextIO) -> PredictionJob:
        from rnner.cli.prediction import PredictionJob
        from rnner.export.runtime import choose_backend

        width = Terminal(file=sink).width if sink.isatty() else None
        model_path = choose_backend(path, backend.value, fast_start=fast_start)
        return PredictionJob(model_path, settings, form.value, threshold, nbest, width)

    if typed:
        _answer(model, job, form, scores=scores)
        return
    from rnner.cli import prediction, prediction_output, prediction_source  # slow: they import numpy
    from rnner.cli.prediction_failures import Failures

    failures = Failures(on_error.value)
    with ExitStack() as stack:
        sink = stack.enter_context(prediction_output.open_sink(output, file))
        task = job(options.resolve_model(model), sink)
        shown = err.is_terminal and not sink.isatty() and not texts
        progress = stack.enter_context(PredictionProgress(shown=shown))
        kind = InputKind.conll if kind is None and column is not None else kind
        source = stack.enter_context(
            prediction_source.open_source(texts, file, kind and kind.value, column, failures)
        )
        if source.columns is not None and form is PredictionFormat.conll:
            prediction.write_tagged_columns(source.columns, failures, task, workers, progress, sink)
        else:
            prediction.write_predictions(source, task, workers, progress, sink, scores=scores)
    failures.finish()


def _answer(
    model: str | None, job: Callable[[Path, TextIO], PredictionJob], form: PredictionFormat, *, scores: bool
) -> None:
    """Load a model, then answer each line that is typed. Ctrl-C is a way to leave, not an error."""
    from rnner.model.names import BUNDLED, find_model

    name = model or BUNDLED
    try:
        with Activity(f"loading {name}", delay=0.3):
            from rnner.cli.prediction_output import open_sink
            from rnner.cli.prediction_prompt import answer_lines, warmed_up

            with open_sink(None, None) as sink:
                tag = warmed_up(job(find_model(model), sink))
        answer_lines(tag, name, form.value, scores=scores)
    except KeyboardInterrupt:
        pass
    out.print()

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
    TABLES,
    Backend,
    ErrorRule,
    PredictionFormat,
    check_kind,
    check_on_error,
    check_prompt,
    check_texts,
    choose_format,
    complete_kind,
    format_by_suffix,
    is_prompt,
    parse_word_column,
    sample_file,
)
from rnner.cli.progress_display import Activity, PredictionProgress
from rnner.decoding.windows import WINDOW

if TYPE_CHECKING:
    from rnner.cli.prediction import PredictionJob


_INPUT_HELP = """\
text: one document; lines: one text per line; jsonl: {"text": ...} or {"tokens": [...]} per line; json: a list
of those; csv: a table with a column `text`; conll: one word per line; or a format of `rnner data convert`, of
which only the text is read. [default: detected, with a note]"""
_COLUMNS_HELP = """\
Column of the words in a file with one word per line: a number from 0, or token=NAME. [default: detected]"""
_ON_ERROR_HELP = """\
What to do if a record, line or sentence cannot be read: stop there (results so far are written), skip it, or
mark it in JSON output with {"error": ...}."""
_FORMAT_HELP = """\
text, table, html, json, jsonl, csv, tsv, conll or binary. [default: from the suffix of --output; otherwise
text in a terminal, table elsewhere]"""
_OUTPUT_HELP = """\
Write to this file: .txt, .html, .json, .jsonl, .csv, .tsv or .conll, each also with .gz. [default: stdout]"""
_BACKEND_HELP = """\
torch; onnx, which starts faster; auto: onnx for TEXT and at the prompt if the model has been exported,
otherwise torch."""


def predict(
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="Texts, in quotes.")] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help=f"{options.MODEL} [default: en, bundled]",
            rich_help_panel=options.MODEL_PANEL,
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            "-f",
            metavar="FILE",
            help="File to read, plain or gzip, or sample:test; - is stdin.",
            rich_help_panel=options.INPUT,
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="KIND",
            help=_INPUT_HELP,
            autocompletion=complete_kind,
            rich_help_panel=options.INPUT,
        ),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="TOKEN", help=_COLUMNS_HELP, rich_help_panel=options.INPUT)
    ] = None,
    on_error: Annotated[
        ErrorRule,
        typer.Option("--on-error", metavar="RULE", help=_ON_ERROR_HELP, rich_help_panel=options.INPUT),
    ] = ErrorRule.stop,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help=_OUTPUT_HELP, rich_help_panel=options.OUTPUT),
    ] = None,
    form: Annotated[
        PredictionFormat | None,
        typer.Option("--format", metavar="FORMAT", help=_FORMAT_HELP, rich_help_panel=options.OUTPUT),
    ] = None,
    scores: Annotated[
        bool,
        typer.Option(
            "--scores",
            help="Show the probability of each entity in text and html.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
    threshold: Annotated[
        float,
        typer.Option(
            metavar="P",
            min=0.0,
            max=1.0,
            help="Leave out entities less probable than this.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = 0.0,
    nbest: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            max=1000,
            help="Also show the N most probable readings of each sentence.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = 0,
    workers: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            max=1024,
            help="Number of processes, with one thread each.",
            rich_help_panel=options.COMPUTATION,
        ),
    ] = 1,
    backend: Annotated[
        Backend,
        typer.Option(metavar="NAME", help=_BACKEND_HELP, rich_help_panel=options.COMPUTATION),
    ] = Backend.auto,
    batch: options.Batch = 256,
    window: options.Window = WINDOW,
    device: options.Device = "cpu",
    threads: options.Threads = None,
    code: options.Code = None,
) -> None:
    """Find the names in texts.

    Texts come from arguments, a file or stdin. Without any of them, a prompt answers each line that you type.

    text marks the names, table also lists them, and html marks them in a self-contained page. csv and tsv
    have one row per name. If the input has a table or columns, csv, tsv and conll keep it and add a column.
    binary shows 1 (name) or 0 under each word. JSON keeps the other keys of a record, and renames annotations
    to input_KEY.

    Results are written as soon as the input pauses, so you can pipe a stream. The exit code is 1 if a record
    could not be read.

    \b
    Examples:
        rnner predict
        rnner predict "Dr. Amara Nwosu flew from Lagos to Oslo."
        rnner predict --file sample:test --output names.csv
    """  # noqa: D301 (\b keeps the lines of the examples)
    texts = texts or []
    check_texts(texts, file)
    file = sample_file(file)
    typed = is_prompt(texts, file, output)
    terminal = output is None and sys.stdout.isatty()
    form = choose_format(form or format_by_suffix(output), nbest=nbest, scores=scores, terminal=terminal)
    if typed:
        given = {"--input": kind is not None, "--columns": columns is not None, "--workers": workers > 1}
        given["--on-error"] = on_error is not ErrorRule.stop
        check_prompt(form, [name for name, is_given in given.items() if is_given])
    check_kind(texts, file, kind)
    chosen = parse_word_column(columns, texts, kind)
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
        source = stack.enter_context(prediction_source.open_source(texts, file, kind, chosen, failures))
        if source.columns is not None and form is PredictionFormat.conll:
            prediction.write_tagged_columns(source.columns, failures, task, workers, progress, sink)
        elif source.table is not None and form in TABLES:
            prediction.write_table(source.table, failures, task, workers, progress, sink, TABLES[form])
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

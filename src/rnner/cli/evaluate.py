"""`rnner evaluate`: score models, or files of predictions, on annotated data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnner.cli import completion, options
from rnner.cli.console import warn
from rnner.cli.evaluation_output import ScoreFormat, check_output, choose_format, write_report
from rnner.cli.progress_display import Activity
from rnner.decoding.windows import WINDOW
from rnner.errors import UsageError
from rnner.tags import UNKNOWN

if TYPE_CHECKING:
    from rnner.scoring.evaluation import Comparison, EvaluationReport
    from rnner.scoring.raw_text import RawTextReport

_PREDICTIONS_HELP = (
    "Score the entities in this file, in any format and from any system, instead of a model. Repeatable."
)
_COLUMNS_HELP = (
    "Columns to read, counted from 0, such as 0,-1. A third column holds the predicted tags. "
    "[default: detected; the last column for predictions]"
)
_MAP_HELP = "Rename labels in FILE and predictions: PERSON=PER,GPE=LOC. MISC= ignores a label. Repeatable."
_TRAIN_HELP = f"Training file; entities seen and unseen in it are scored separately. {options.ANNOTATED}."
_MATCHES_HELP = "Also show strict, exact, partial and type matches, as nervaluate counts them."
_FORMAT_HELP = (
    "table, html, markdown, json or conlleval. [default: from the suffix of --output; otherwise table]"
)
_OUTPUT_HELP = "Write to this file (.html, .md, .json or .txt) instead of stdout."


def evaluate(
    data: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help=f"{options.ANNOTATED}, or sample:test.",
            autocompletion=completion.corpora,
        ),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            autocompletion=completion.models,
            help=f"{options.MODEL} Repeatable. [default: en, bundled]",
            rich_help_panel=options.MODEL_PANEL,
        ),
    ] = None,
    predictions: Annotated[
        list[str] | None,
        typer.Option("--predictions", metavar="FILE", help=_PREDICTIONS_HELP, rich_help_panel=options.INPUT),
    ] = None,
    label_map: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OLD=NEW,...", help=_MAP_HELP, rich_help_panel=options.INPUT),
    ] = None,
    train: Annotated[
        str | None,
        typer.Option("--train", metavar="FILE", help=_TRAIN_HELP, rich_help_panel=options.INPUT),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="TOKEN,TAG[,PREDICTED]",
            help=_COLUMNS_HELP,
            rich_help_panel=options.INPUT,
        ),
    ] = None,
    unknown: options.UnknownMark = UNKNOWN,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help=_OUTPUT_HELP, rich_help_panel=options.OUTPUT),
    ] = None,
    form: Annotated[
        ScoreFormat | None,
        typer.Option("--format", metavar="FORMAT", help=_FORMAT_HELP, rich_help_panel=options.OUTPUT),
    ] = None,
    matches: Annotated[
        bool, typer.Option("--matches", help=_MATCHES_HELP, rich_help_panel=options.OUTPUT)
    ] = False,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw",
            help="Also score on raw text, to show the cost of tokenization.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
    batch: options.Batch = 256,
    window: options.Window = WINDOW,
    code: options.Code = None,
    device: options.Device = "cpu",
    threads: options.Threads = None,
) -> None:
    """Score models, or files of predictions, on annotated data.

    Shows precision, recall and F1 of entities as conlleval counts them, per type and in total, with a 95%
    bootstrap interval of F1; the kinds of errors; and the most frequent errors with an example each. The
    HTML report also has calibration and all errors in their sentences. Scores are fractions in JSON and
    percentages elsewhere.

    Several --model options compare every model, and their ensemble, with the first one; several
    --predictions options compare files. --raw predicts on raw text, as `rnner predict` does, and compares
    with the score on the tokens of the file; if the file has no text, its words are joined with normal
    spacing.

    Files of predictions are compared by tokens if all files have the same words, otherwise by the
    characters of their text. `--predictions FILE`, with the file that is scored, reads gold tags from the
    next-to-last column and predicted tags from the last one, as conlleval does.

    Examples:
        rnner evaluate sample:test
        rnner evaluate sample:test --model en --output report.html
        rnner evaluate sample:test --train sample:train --format markdown
    """
    names, files = model or [], predictions or []
    form = choose_format(form, output)
    extras = {"--predictions": files, "--map": label_map, "--train": train, "--matches": matches}
    extras["--unknown"] = unknown != UNKNOWN
    given = [option for option, value in extras.items() if value]
    _check_options(form, given, models=len(names), files=len(files), raw=raw)
    check_output(output, [data, *files, *([train] if train else [])])
    from rnner.cli import evaluation_systems as systems  # slow: it imports numpy

    labels = systems.parse_map(label_map or [])
    chosen = systems.parse_columns(columns, files)
    report: EvaluationReport | Comparison | RawTextReport
    with Activity(f"scoring on {data}"):
        if files:
            report = systems.score_predictions(data, files, chosen, labels, train)
        else:
            limits = {"sentences": batch, "window": window}
            decoders = systems.load_models(names, device=device, threads=threads, code=code, **limits)
            if raw:
                report = systems.score_raw_text(data, decoders[0][1], chosen.gold)
            else:
                probabilities = form in (ScoreFormat.json, ScoreFormat.html)
                report = systems.score_models(
                    data, decoders, chosen.gold, labels, train, unknown=unknown, probabilities=probabilities
                )
    for message in report.warnings:
        warn(message)
    (name,) = (names or files or ["en"])[:1]
    write_report(report, form, output, name=name, data=data, matches=matches)


def _check_options(form: ScoreFormat, given: Sequence[str], *, models: int, files: int, raw: bool) -> None:
    """Raise UsageError for options that cannot be combined; `given` lists the extra options in use."""
    conlleval, several = form is ScoreFormat.conlleval, max(models, files) > 1
    if models and files:
        raise UsageError("--model and --predictions cannot be combined; give one of them")
    if files and "--unknown" in given:
        raise UsageError("--unknown is for models; predictions are compared with fully annotated files")
    if raw and (form not in (ScoreFormat.table, ScoreFormat.json) or several):
        raise UsageError("--raw takes one --model, and --format table or json")
    if raw and given:
        raise UsageError(f"--raw and {given[0]} cannot be combined")
    if conlleval and several:
        kind = "--model" if models else "--predictions"
        raise UsageError(f"--format conlleval supports only one {kind}; use table or json for several")
    if conlleval and (unshown := {"--train", "--matches"}.intersection(given)):
        raise UsageError(f"--format conlleval does not show {min(unshown)}; use table or json")
    if several and "--matches" in given and form in (ScoreFormat.table, ScoreFormat.markdown):
        raise UsageError(
            "--matches is for one system; for several, --format html and json show the matches of each"
        )

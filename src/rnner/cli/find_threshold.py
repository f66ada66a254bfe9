"""`rnner find-threshold`: find the best threshold on entity probabilities."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from rnner.cli import options
from rnner.cli.console import notice, print_json, print_table, warn
from rnner.cli.data_stats import warn_about_split
from rnner.decoding.windows import WINDOW
from rnner.errors import RnnerError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from rnner.scoring.thresholds import ThresholdReport


class Maximum(StrEnum):
    """Score to maximize."""

    f1 = "f1"
    f05 = "f0.5"
    f2 = "f2"


_DATA_HELP = f"{options.ANNOTATED}, or sample:dev; use dev data, not test data."
_MAXIMIZE_HELP = "f1, f0.5 (precision counts more) or f2 (recall counts more). [default: f1]"
_TARGET_HELP = "Find the lowest threshold with at least this precision, such as 0.95."


def find_threshold(
    data: Annotated[str, typer.Argument(metavar="FILE", help=_DATA_HELP, rich_help_panel=options.INPUT)],
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
    maximize: Annotated[
        Maximum | None,
        typer.Option("--maximize", metavar="SCORE", help=_MAXIMIZE_HELP, rich_help_panel=options.OUTPUT),
    ] = None,
    target: Annotated[
        float | None,
        typer.Option(
            "--target-precision",
            metavar="P",
            min=0.01,
            max=1.0,
            help=_TARGET_HELP,
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    form: options.OutputFormat = options.TableOrJson.table,
    columns: options.TableColumns = None,
    batch: options.Batch = 256,
    window: options.Window = WINDOW,
    code: options.Code = None,
    device: options.Device = "cpu",
    threads: options.Threads = None,
) -> None:
    """Find the best threshold on entity probabilities.

    Without a threshold, a model returns the entities of the most probable tag sequence; with one, those that
    are more probable than the threshold. Shows precision, recall and F1 at each threshold, how sure the
    choice is, and how to apply it.

    Examples:
        rnner find-threshold sample:dev
        rnner find-threshold sample:dev --target-precision 0.9
        rnner find-threshold sample:dev --maximize f2 --format json
    """
    if maximize is not None and target is not None:
        raise UsageError("--maximize and --target-precision cannot be combined; use one of them")
    path = options.resolve_model(model)
    limits = {"sentences": batch, "window": window}
    (decoder,) = options.load_decoders([path], device=device, threads=threads, code=code, **limits)
    from rnner.data.corpus import read_split, resolve
    from rnner.render.threshold_table import threshold_table
    from rnner.scoring import thresholds
    from rnner.scoring.evaluation import unknown_labels

    vocabulary, chosen = decoder.vocabulary, options.parse_table_columns(columns)
    split = read_split(resolve(data), columns=chosen, illegal="conlleval", tokenizer=vocabulary.tokenizer)
    if vocabulary.scheme == "binary":
        split = split.convert("binary")
    if not split.labels:
        raise UsageError(f"{split.path}: has no entities, so every threshold has the same score")
    warn_about_split(split)
    labels = Counter(span.label for spans in split.all_spans() for span in spans)
    for message in unknown_labels(labels, vocabulary.labels):
        warn(message)
    beta = float((maximize or Maximum.f1).value.removeprefix("f"))
    report = thresholds.find_threshold(decoder, split, beta=beta, target=target)
    if form is options.TableOrJson.json:
        print_json(report.to_dict())
    else:
        print_table(threshold_table(report))
    if report.best is None:
        raise _not_reached(report)
    notice(_advice(path, report.best.threshold, report))


def _not_reached(report: ThresholdReport) -> RnnerError:
    best = max(report.points, key=lambda point: point.precision)
    return RnnerError(
        f"no threshold reaches a precision of {report.target:g}; the highest is {best.precision:.4f}, "
        f"at {best.threshold:.2f}"
    )


def _advice(model: Path, threshold: float | None, report: ThresholdReport) -> str:
    """Return how to apply a threshold to a model."""
    from rnner.export.runtime import is_onnx_file
    from rnner.model.file_names import CONFIG

    if report.target is None and report.gain is not None and report.gain <= 0:
        return "no threshold is better than the present setting: leave it as it is"
    if is_onnx_file(model):
        return (
            f"to apply it: set `threshold: {threshold:g}` in the model's {CONFIG}, and export the model again"
        )
    return (
        f"to apply it: set `threshold: {threshold:g}` in {model / CONFIG}; for the next training: "
        f"--set threshold={threshold:g}"
    )

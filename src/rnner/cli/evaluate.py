"""`rnner evaluate`: score models on annotated data."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from rnner.cli import options
from rnner.cli.console import print_json, print_table, warn
from rnner.decoding.windows import WINDOW
from rnner.errors import UsageError

if TYPE_CHECKING:
    from rnner.data.splits import Split
    from rnner.decoding.decoder import Decoder
    from rnner.scoring.evaluation import Comparison, EvaluationReport
    from rnner.scoring.raw_text import RawTextReport


class ScoreFormat(str, Enum):
    """Output format of scores."""

    table = "table"
    json = "json"
    conlleval = "conlleval"


def evaluate(
    data: Annotated[str, typer.Argument(metavar="DATA", help=f"{options.ANNOTATED}, or sample:test.")],
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", "-m", metavar="MODEL", help=f"{options.MODEL} Repeatable. [default: en, bundled]"
        ),
    ] = None,
    form: Annotated[
        ScoreFormat, typer.Option("--format", metavar="FORMAT", help="table, json or conlleval.")
    ] = ScoreFormat.table,
    raw: Annotated[
        bool, typer.Option("--raw", help="Also score on raw text, to show the cost of tokenization.")
    ] = False,
    columns: options.Columns = None,
    batch: options.Batch = 256,
    window: options.Window = WINDOW,
    code: options.Code = None,
    device: options.Device = "cpu",
    threads: options.Threads = None,
) -> None:
    """Score models on annotated data.

    Shows precision, recall and F1 of entities as conlleval counts them, per type and in total, with a 95%
    bootstrap interval of F1; the kinds of errors; and the most frequent errors with an example each.

    Several --model options compare every model, and their ensemble, with the first one. --raw predicts on raw
    text, as `rnner predict` does, and compares with the score on the tokens of the file; if the file has no
    text, its words are joined with normal spacing. Scores are percentages in table and conlleval, fractions
    in JSON.
    """
    from rnner.data.corpus import read_split, resolve
    from rnner.data.formats.annotated import SourceFile
    from rnner.data.formats.detect import detect_format
    from rnner.pipeline import Pipeline
    from rnner.render.scores import comparison_table, conlleval_report, raw_text_table, scores_table
    from rnner.scoring.evaluation import EvaluationReport, evaluation_report
    from rnner.scoring.raw_text import evaluate_raw_text

    names = model or []
    several = len(names) > 1
    if form is ScoreFormat.conlleval and several:
        raise UsageError("--format conlleval supports only one --model; use table or json for several")
    if raw and (form is ScoreFormat.conlleval or several):
        raise UsageError("--raw takes one --model, and --format table or json")
    chosen = options.parse_columns(columns)
    paths = [options.resolve_model(name) for name in names] or [options.resolve_model(None)]
    limits = {"sentences": batch, "window": window}
    decoders = options.load_decoders(paths, device=device, threads=threads, code=code, **limits)
    source, tokenizer = resolve(data), decoders[0].vocabulary.tokenizer
    report: EvaluationReport | RawTextReport | Comparison
    if raw:
        file_format = "columns" if chosen else detect_format(source)
        report = evaluate_raw_text(Pipeline(decoders[0]), SourceFile(source, chosen), file_format)
        warnings, table = report.warnings, raw_text_table(report)
    elif several:
        report = _compare(
            names, decoders, read_split(source, columns=chosen, illegal="conlleval", tokenizer=tokenizer)
        )
        warnings, table = report.models[0][1].warnings, comparison_table(report)  # the same for all models
    else:
        report = evaluation_report(
            decoders[0], read_split(source, columns=chosen, illegal="conlleval", tokenizer=tokenizer)
        )
        sampling = report.f1_interval, report.units
        table = scores_table(report.scores, report.errors, report.confusions, sampling=sampling)
        warnings = report.warnings
    for message in warnings:
        warn(message)
    if form is ScoreFormat.json:
        print_json(report.to_dict())
    elif form is ScoreFormat.conlleval and isinstance(report, EvaluationReport):
        typer.echo(conlleval_report(report.scores), nl=False)
    else:
        print_table(table)


def _compare(names: list[str], decoders: list[Decoder], split: Split) -> Comparison:
    """Score each model, and their ensemble unless their schemes differ or one of them is exported."""
    from rnner.decoding.ensemble import Ensemble, require_same_labels
    from rnner.decoding.tagger_decoder import TaggerDecoder
    from rnner.scoring.evaluation import Comparison, evaluation_report

    vocabularies = {name: decoder.vocabulary for name, decoder in zip(names, decoders, strict=True)}
    require_same_labels(vocabularies)
    ensemble, taggers = None, [decoder for decoder in decoders if isinstance(decoder, TaggerDecoder)]
    if len(taggers) < len(decoders):
        warn("no ensemble: .onnx files cannot be averaged; give the model folders instead")
    elif len({decoder.vocabulary.scheme for decoder in decoders}) == 1:
        ensemble = evaluation_report(Ensemble(taggers), split)
    else:
        schemes = ", ".join(f"{name}: {vocabulary.scheme}" for name, vocabulary in vocabularies.items())
        warn(f"no ensemble: only models with the same tagging scheme can be averaged ({schemes})")
    reports = [evaluation_report(decoder, split) for decoder in decoders]
    return Comparison(list(zip(names, reports, strict=True)), ensemble)

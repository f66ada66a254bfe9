"""`rnner evaluate`: how good a model is on labelled data."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from rnner.cli.console import out, warn
from rnner.cli.options import (
    MODEL,
    Batch,
    Code,
    Columns,
    Device,
    Threads,
    Window,
    chosen_columns,
    chosen_model,
    load_decoders,
)
from rnner.decoding.windows import LONGEST
from rnner.errors import UsageError

if TYPE_CHECKING:
    from rnner.data.formats.annotated import SourceFile
    from rnner.data.splits import Split
    from rnner.decoding.decoder import Decoder
    from rnner.pipeline import Pipeline
    from rnner.scoring.evaluation import Comparison, EvaluationReport


class Format(str, Enum):
    """How scores are written."""

    table = "table"
    json = "json"
    conlleval = "conlleval"


def evaluate(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA", help="Annotated file of any format, hf:owner/name:split, or sample:test."
        ),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help=f"{MODEL} Several are compared and averaged. [default: the bundled one, en]",
        ),
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", metavar="FORM", help="table, json or conlleval.")
    ] = Format.table,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="On raw text too, by characters: what tokenization costs."),
    ] = False,
    columns: Columns = None,
    batch: Batch = 256,
    window: Window = LONGEST,
    code: Code = None,
    device: Device = "cpu",
    threads: Threads = None,
) -> None:
    """Score models on labelled data.

    Entities as conlleval counts them, per type and in all, with a 95% bootstrap interval of F1; what kind of
    mistakes; the commonest, each with an example. With --model A --model B: the scores of each and of their
    ensemble, and how far they are from A. With --raw: on the raw text, as `rnner predict` reads it, beside
    the score on the file's own tokens; where the file has no text, words are spaced as in print. Scores are
    per cent in table and conlleval, fractions in json.
    """
    from rnner.data.corpus import read_split, resolve
    from rnner.data.formats.annotated import SourceFile
    from rnner.pipeline import Pipeline
    from rnner.scoring.evaluation import report

    several = len(model or []) > 1
    if form is Format.conlleval and several:
        raise UsageError("--format conlleval has room for one --model; use table or json for several")
    if raw and (form is Format.conlleval or several):
        raise UsageError("--raw takes one --model, and --format table or json")
    chosen = chosen_columns(columns)
    paths = [chosen_model(name) for name in model] if model else [chosen_model(None)]
    limits = {"sentences": batch, "window": window}
    decoders = load_decoders(paths, device=device, threads=threads, code=code, **limits)
    if raw:
        _tell_raw(Pipeline(decoders[0]), SourceFile(resolve(data), chosen), form)
        return
    split = read_split(resolve(data), columns=chosen, illegal="conlleval")
    if model is None or len(model) == 1:
        _tell(report(decoders[0], split), form)
    else:
        _tell_all(_compared(model, decoders, split), form)


def _tell(result: EvaluationReport, form: Format) -> None:
    """Write the scores of one model."""
    from rnner.render.json_output import to_json
    from rnner.render.scores import scores_conlleval, scores_table

    for message in result.warnings:
        warn(message)
    if form is Format.json:
        typer.echo(to_json(result.to_dict(), indent=2))
    elif form is Format.conlleval:
        typer.echo(scores_conlleval(result.scores), nl=False)
    else:
        sampling = result.f1_interval, result.units
        table = scores_table(result.scores, result.errors, result.confusions, sampling=sampling)
        out.print(table, soft_wrap=False)


def _tell_raw(pipeline: Pipeline, source: SourceFile, form: Format) -> None:
    """Write the scores on raw text, and on the tokens of the file if it has some."""
    from rnner.data.formats.detect import detect_format
    from rnner.render.json_output import to_json
    from rnner.render.scores import raw_table
    from rnner.scoring.raw_text import report

    result = report(pipeline, source, "columns" if source.columns else detect_format(source.path))
    for message in result.warnings:
        warn(message)
    if form is Format.json:
        typer.echo(to_json(result.to_dict(), indent=2))
    else:
        out.print(raw_table(result), soft_wrap=False)


def _compared(names: list[str], decoders: list[Decoder], split: Split) -> Comparison:
    """Each model on the split, and all together unless their tagging schemes differ or one is exported."""
    from rnner.decoding.ensemble import Ensemble, require_same_labels
    from rnner.decoding.tagger_decoder import TaggerDecoder
    from rnner.scoring.evaluation import Comparison, report

    vocabularies = [decoder.vocabulary for decoder in decoders]
    require_same_labels(dict(zip(names, vocabularies, strict=True)))
    schemes = [vocabulary.scheme for vocabulary in vocabularies]
    together, folders = None, [decoder for decoder in decoders if isinstance(decoder, TaggerDecoder)]
    if len(folders) < len(decoders):
        warn("no ensemble: .onnx files cannot be averaged, name the folders that they are from")
    elif len(set(schemes)) == 1:
        together = report(Ensemble(folders), split)
    else:
        told = ", ".join(f"{name}: {scheme}" for name, scheme in zip(names, schemes, strict=True))
        warn(f"no ensemble: only models of one tagging scheme can be averaged ({told})")
    reports = [report(decoder, split) for decoder in decoders]
    return Comparison(list(zip(names, reports, strict=True)), together)


def _tell_all(comparison: Comparison, form: Format) -> None:
    """Write the scores of several models."""
    from rnner.render.json_output import to_json
    from rnner.render.scores import comparison_table

    for message in comparison.models[0][1].warnings:  # of data and labels, which are the same for all
        warn(message)
    if form is Format.json:
        typer.echo(to_json(comparison.to_dict(), indent=2))
    else:
        out.print(comparison_table(comparison), soft_wrap=False)

"""`rnner evaluate`: how good a model is on labelled data."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnner.cli.console import out, warn
from rnner.cli.options import Batch, Code, Columns, Device, Threads, Window, chosen_columns, start
from rnner.errors import UsageError
from rnner.windows import LONGEST

if TYPE_CHECKING:
    from rnner.data.corpus import Split
    from rnner.data.formats.documents import Source
    from rnner.decoding import Decoder
    from rnner.evaluation import Comparison, Report
    from rnner.pipeline import Pipeline


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
        list[Path],
        typer.Option(
            "--model",
            "-m",
            metavar="DIR",
            help="Model folder, as `rnner train` writes it. Several are compared and averaged.",
        ),
    ],
    form: Annotated[
        Format, typer.Option("--format", metavar="FORM", help="table, json or conlleval.")
    ] = Format.table,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="On raw text too, by characters: what tokenization costs."),
    ] = False,
    columns: Columns = None,
    batch: Batch = 64,
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
    from rnner.bundle import load_bundle
    from rnner.data.corpus import read_split, resolve
    from rnner.data.formats.documents import Source
    from rnner.evaluation import report
    from rnner.pipeline import Pipeline

    if form is Format.conlleval and len(model) > 1:
        raise UsageError("--format conlleval has room for one --model; use table or json for several")
    if raw and (form is Format.conlleval or len(model) > 1):
        raise UsageError("--raw takes one --model, and --format table or json")
    chosen = chosen_columns(columns)
    place = start(device, threads, code)
    bundles = [load_bundle(folder, device=place) for folder in model]
    if raw:
        _tell_raw(
            Pipeline(bundles[0].decoder(sentences=batch, window=window)), Source(resolve(data), chosen), form
        )
        return
    split = read_split(resolve(data), columns=chosen, illegal="conlleval")
    decoders = [bundle.decoder(sentences=batch, window=window) for bundle in bundles]
    if len(decoders) == 1:
        _tell(report(decoders[0], split), form)
    else:
        _tell_all(_compared([str(folder) for folder in model], decoders, split), form)


def _tell(result: Report, form: Format) -> None:
    """Write the scores of one model."""
    from rnner.render import scores_conlleval, scores_table, to_json

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


def _tell_raw(pipeline: Pipeline, source: Source, form: Format) -> None:
    """Write the scores on raw text, and on the tokens of the file if it has some."""
    from rnner.data.formats import detect_format
    from rnner.raw import report
    from rnner.render import raw_table, to_json

    result = report(pipeline, source, "columns" if source.columns else detect_format(source.path))
    for message in result.warnings:
        warn(message)
    if form is Format.json:
        typer.echo(to_json(result.to_dict(), indent=2))
    else:
        out.print(raw_table(result), soft_wrap=False)


def _compared(names: list[str], decoders: list[Decoder], split: Split) -> Comparison:
    """Each model on the split, and all together unless their tagging schemes differ."""
    from rnner.ensemble import Ensemble, require_same_labels
    from rnner.evaluation import Comparison, report

    vocabularies = [decoder.vocabulary for decoder in decoders]
    require_same_labels(dict(zip(names, vocabularies, strict=True)))
    schemes = [vocabulary.scheme for vocabulary in vocabularies]
    together = None
    if len(set(schemes)) == 1:
        together = report(Ensemble(decoders), split)
    else:
        told = ", ".join(f"{name}: {scheme}" for name, scheme in zip(names, schemes, strict=True))
        warn(f"no ensemble: only models of one tagging scheme can be averaged ({told})")
    reports = [report(decoder, split) for decoder in decoders]
    return Comparison(list(zip(names, reports, strict=True)), together)


def _tell_all(comparison: Comparison, form: Format) -> None:
    """Write the scores of several models."""
    from rnner.render import comparison_table, to_json

    for message in comparison.models[0][1].warnings:  # of data and labels, which are the same for all
        warn(message)
    if form is Format.json:
        typer.echo(to_json(comparison.to_dict(), indent=2))
    else:
        out.print(comparison_table(comparison), soft_wrap=False)

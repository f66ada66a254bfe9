"""`rnner evaluate`: how good a model is on labelled data."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from rnner.cli.console import out, warn
from rnner.cli.options import Batch, Code, Device, Model, Threads, start
from rnner.errors import UsageError


class Format(str, Enum):
    """How scores are written."""

    table = "table"
    json = "json"
    conlleval = "conlleval"


def evaluate(
    data: Annotated[str, typer.Argument(metavar="DATA", help="Column file with tags, or sample:test.")],
    model: Model,
    form: Annotated[
        Format, typer.Option("--format", metavar="FORM", help="table, json or conlleval.")
    ] = Format.table,
    columns: Annotated[
        str | None,
        typer.Option("--columns", metavar="TOKEN,TAG", help="Columns, from 0: 0,-1. [default: found]"),
    ] = None,
    batch: Batch = 64,
    code: Code = None,
    device: Device = "cpu",
    threads: Threads = None,
) -> None:
    """Score a model on labelled data.

    Entities as conlleval counts them, per type and in all; what kind of mistakes; the commonest, each with
    an example. Scores are per cent in table and conlleval, fractions in json.
    """
    from rnner.bundle import load_bundle
    from rnner.data.corpus import read_split, resolve
    from rnner.decoding import Decoder
    from rnner.evaluation import report
    from rnner.render import scores_conlleval, scores_table, to_json

    chosen = None if columns is None else _columns(columns)
    bundle = load_bundle(model, device=start(device, threads, code))
    split = read_split(resolve(data), columns=chosen, illegal="conlleval")
    result = report(Decoder(bundle.tagger, bundle.vocabulary, sentences=batch), split)
    for message in result.warnings:
        warn(message)
    if form is Format.json:
        typer.echo(to_json(result.to_dict(), indent=2))
    elif form is Format.conlleval:
        typer.echo(scores_conlleval(result.scores), nl=False)
    else:
        out.print(scores_table(result.scores, result.errors, result.confusions), soft_wrap=False)


def _columns(text: str) -> dict[str, int]:
    try:
        token, tag = (int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--columns {text}: two whole numbers are wanted, such as 0,-1") from None
    return {"token": token, "tag": tag}

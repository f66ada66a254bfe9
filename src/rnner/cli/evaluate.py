"""`rnner evaluate`: how good a model is on labelled data."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from rnner.cli.console import out, warn
from rnner.errors import UsageError


class Format(str, Enum):
    """How scores are written."""

    table = "table"
    json = "json"
    conlleval = "conlleval"


def evaluate(
    data: Annotated[str, typer.Argument(help="Column file with tags, or sample:test.")],
    model: Annotated[Path, typer.Option("--model", "-m", help="Model folder, as `rnner train` writes it.")],
    form: Annotated[Format, typer.Option("--format", help="How the scores are written.")] = Format.table,
    columns: Annotated[
        str | None,
        typer.Option("--columns", metavar="TOKEN,TAG", help="Columns, from 0: 0,-1. [default: found]"),
    ] = None,
    batch: Annotated[
        int,
        typer.Option("--batch", min=1, help="Sentences that are computed together; never changes a result."),
    ] = 64,
    code: Annotated[
        list[Path] | None, typer.Option("--code", help="Python file of the model's own cells. Repeatable.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "cpu",
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="CPU threads. [default: PyTorch's]")
    ] = None,
) -> None:
    """Score a model: entities as conlleval counts them, per type, and what kind of mistakes it makes."""
    import torch

    from rnner.bundle import load_bundle
    from rnner.data.corpus import read_split, resolve
    from rnner.decoding import Decoder
    from rnner.device import choose_device
    from rnner.evaluation import report
    from rnner.render import scores_conlleval, scores_table
    from rnner.usercode import load_code

    on = choose_device(device)
    if threads is not None:
        torch.set_num_threads(threads)
    for path in code or []:
        load_code(path)
    bundle = load_bundle(model, device=on)
    split = read_split(resolve(data, []), columns=_columns(columns), illegal="conlleval")
    result = report(Decoder(bundle.tagger, bundle.vocabulary, sentences=batch), split)
    for message in result.warnings:
        warn(message)
    if form is Format.json:
        typer.echo(json.dumps(result.to_dict(), indent=2, ensure_ascii=False))
    elif form is Format.conlleval:
        typer.echo(scores_conlleval(result.scores))
    else:
        out.print(scores_table(result.scores, result.errors, result.confusions))


def _columns(text: str | None) -> dict[str, int] | None:
    if text is None:
        return None
    try:
        token, tag = (int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--columns {text}: two whole numbers are wanted, such as 0,-1") from None
    return {"token": token, "tag": tag}

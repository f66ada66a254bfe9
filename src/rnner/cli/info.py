"""`rnner info`: what is installed, and what a model is made of."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Annotated

import typer

from rnner import __version__


def info(
    model: Annotated[Path | None, typer.Option("--model", "-m", help="Also describe this model.")] = None,
    code: Annotated[
        list[Path] | None, typer.Option("--code", help="Python file of the model's own cells. Repeatable.")
    ] = None,
) -> None:
    """Show versions, devices and cells; with --model, what it finds and which implementation computes it."""
    import torch

    from rnner.bundle import load_bundle
    from rnner.nn.cells import cell_names
    from rnner.usercode import load_code

    for path in code or []:
        load_code(path)
    cuda = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    rows = {
        "rnner": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": str(torch.get_num_threads()),
        "cuda": ", ".join(cuda) or "none",
        "cells": ", ".join(cell_names()),
    }
    if model is not None:
        bundle = load_bundle(model)
        rows |= {
            "model": str(model),
            "labels": ", ".join(bundle.vocabulary.labels),
            "scheme": bundle.vocabulary.scheme,
            "words": repr(bundle.vocabulary).removeprefix("Vocabulary(").removesuffix(")"),
            "weights": f"{sum(p.numel() for p in bundle.tagger.parameters()):,}",
        }
    width = max(map(len, rows))
    for name, value in rows.items():
        typer.echo(f"{name:{width}}  {value}")
    if model is not None:
        typer.echo(f"\n{bundle.tagger}")

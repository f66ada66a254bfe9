"""`rnner info`: what is installed, and what a model is made of."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Annotated

import typer

from rnner import __version__
from rnner.cli.options import Code, start


def info(
    model: Annotated[
        Path | None, typer.Option("--model", "-m", metavar="DIR", help="Also describe this model.")
    ] = None,
    code: Code = None,
) -> None:
    """Show versions and devices, and what a model is made of.

    With --model: what it finds, how large it is, its layers and which implementation computes them.
    """
    import torch

    from rnner.bundle import load_bundle
    from rnner.nn.cells import cell_names

    start(code=code)
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

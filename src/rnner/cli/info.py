"""`rnner info`: what is installed, and what a model is made of."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnner import __version__
from rnner.cli.options import Code, chosen_model, start

if TYPE_CHECKING:
    from rnner.data.vocabulary import Vocabulary


def info(
    model: Annotated[
        str | None, typer.Option("--model", "-m", metavar="MODEL", help="Also describe this model.")
    ] = None,
    code: Code = None,
) -> None:
    """Show versions and devices, and what a model is made of.

    With --model: what it finds, how large it is, its layers and which implementation computes them.
    """
    import torch

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
    layers = ""
    if model is not None:
        described, layers = _described(chosen_model(model))
        rows |= {"model": model} | described
    width = max(map(len, rows))
    for name, value in rows.items():
        typer.echo(f"{name:{width}}  {value}")
    if layers:
        typer.echo(f"\n{layers}")


def _described(path: Path) -> tuple[dict[str, str], str]:
    """What a model knows, how large it is, and its layers, which an exported file does not tell."""
    from rnner.export.runtime import is_onnx_file, load_onnx

    if is_onnx_file(path):
        return _known(load_onnx(path).vocabulary) | {"size": f"{path.stat().st_size / 1e6:,.1f} MB"}, ""
    from rnner.model.folder import load_model

    bundle = load_model(path)
    weights = f"{sum(p.numel() for p in bundle.tagger.parameters()):,}"
    return _known(bundle.vocabulary) | {"weights": weights}, str(bundle.tagger)


def _known(vocabulary: Vocabulary) -> dict[str, str]:
    return {
        "labels": ", ".join(vocabulary.labels),
        "scheme": vocabulary.scheme,
        "words": repr(vocabulary).removeprefix("Vocabulary(").removesuffix(")"),
    }

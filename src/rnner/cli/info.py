"""`rnner info`: versions, devices, and a description of a model."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnner import __version__
from rnner.cli import completion, options
from rnner.cli.console import print_text
from rnner.errors import ModelError, UsageError, counted
from rnner.model.file_names import MANIFEST
from rnner.system.terminal import printable

if TYPE_CHECKING:
    from rnner.data.vocabulary import Vocabulary


def info(
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            autocompletion=completion.models,
            help="Also describe this model.",
            rich_help_panel=options.MODEL_PANEL,
        ),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            help="Check the files of this model instead of describing it.",
            rich_help_panel=options.MODEL_PANEL,
        ),
    ] = False,
    code: options.Code = None,
) -> None:
    """Show versions and devices, and describe a model.

    With --model, also show the model's labels, size and layers, and the implementation of each layer.
    With --verify, check instead whether each file is unchanged since it was written.

    Examples:
        rnner info
        rnner info --model en
        rnner info --model en --verify
    """
    if verify:
        _verify(model)
        return
    import torch

    from rnner.nn.cells import cell_names

    options.set_up_torch(code=code)
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    rows = {
        "rnner": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": str(torch.get_num_threads()),
        "cuda": ", ".join(gpus) or "none",
        "cells": ", ".join(cell_names()),
    }
    layers = ""
    if model is not None:
        description, layers = _describe_model(options.resolve_model(model))
        rows |= {"model": model} | description
    _print_rows(rows)
    if layers:
        print_text(f"\n{layers}\n")


def _print_rows(rows: Mapping[str, str]) -> None:
    width = max(map(len, rows))
    for name, value in rows.items():
        print_text(f"{name:{width}}  {printable(value)}\n")


def _verify(model: str | None) -> None:
    """Print the state of each file of a model; raise a ModelError if one is changed or missing."""
    from rnner.export.runtime import is_onnx_file, verify_onnx
    from rnner.model.manifest import file_states, read_manifest

    if model is None:
        raise UsageError("--verify checks the files of a model; name the model with --model DIR")
    path = options.resolve_model(model)
    if is_onnx_file(path):
        verify_onnx(path)
        _print_rows({printable(path.name): "ok"})
        return
    if not path.is_dir():
        raise ModelError(f"{path}: model folder not found")
    digests = read_manifest(path)
    if digests is None:
        raise ModelError(
            f"{path}: has no {MANIFEST}, so its files cannot be verified; unfinished runs and models "
            "written by older versions have none"
        )
    states = file_states(path, digests)
    _print_rows({printable(name): state for name, state in states.items()})
    if wrong := [name for name, state in states.items() if state in ("changed", "missing")]:
        raise ModelError(
            f"{path}: {counted(len(wrong), 'file')} changed or missing; copy the model folder again, unless "
            "the change is yours"
        )


def _describe_model(path: Path) -> tuple[dict[str, str], str]:
    """Return rows about a model, and its layers (empty for an exported file)."""
    from rnner.export.runtime import is_onnx_file, load_onnx

    if is_onnx_file(path):
        size = f"{path.stat().st_size / 1e6:,.1f} MB"
        return _describe_vocabulary(load_onnx(path).vocabulary) | {"size": size}, ""
    from rnner.model.folder import load_model

    model = load_model(path)
    weights = f"{sum(p.numel() for p in model.tagger.parameters()):,}"
    return _describe_vocabulary(model.vocabulary) | {"weights": weights}, str(model.tagger)


def _describe_vocabulary(vocabulary: Vocabulary) -> dict[str, str]:
    return {
        "labels": ", ".join(vocabulary.labels),
        "scheme": vocabulary.scheme,
        "words": repr(vocabulary).removeprefix("Vocabulary(").removesuffix(")"),
    }

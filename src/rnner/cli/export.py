"""`rnner export`: a model as one ONNX file."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from rnner.cli.console import notice
from rnner.cli.options import Code, chosen_model, start
from rnner.errors import UsageError


def export(
    model: Annotated[
        str,
        typer.Argument(
            metavar="DIR", help="Model folder, as `rnner train` writes it, or owner/name on the Hub."
        ),
    ],
    output: Annotated[Path, typer.Argument(metavar="OUT.onnx", help="The file to write.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output file.")] = False,
    code: Code = None,
) -> None:
    """Write a model as one ONNX file.

    `rnner predict --model OUT.onnx` finds the same without PyTorch.

    Needs the packages onnx and onnxruntime: pip install "rnner[onnx]".
    """
    if output.suffix != ".onnx":
        raise UsageError(f"{output}: its name must end in .onnx, such as {output}.onnx")
    if output.is_dir() or (output.exists() and not overwrite):
        raise UsageError(f"{output}: is there already; --overwrite replaces a file, or choose another name")
    from rnner.exported import is_exported

    path = chosen_model(model)
    if is_exported(path):
        raise UsageError(f"{path}: is exported already; DIR is a folder, as `rnner train` writes it")
    start(code=code)
    from rnner.bundle import load_bundle
    from rnner.export import export as export_model

    export_model(load_bundle(path), output)
    size = output.stat().st_size / 1e6
    notice(f'wrote {output}, {size:,.1f} MB; try: rnner predict --model {shlex.quote(str(output))} "..."')

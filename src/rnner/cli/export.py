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
    output: Annotated[
        Path | None,
        typer.Argument(metavar="OUT.onnx", help="The file to write. [default: model.onnx in the folder]"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output file.")] = False,
    code: Code = None,
) -> None:
    """Write a model as one ONNX file, or as ONNX into its folder.

    `rnner predict --model OUT.onnx` finds the same without PyTorch, as does `--model DIR --backend onnx`. The
    file in the folder is small: it uses the words and vectors that are there.

    Needs the packages onnx and onnxruntime: pip install "rnner[onnx]".
    """
    from rnner.export.runtime import is_onnx_file
    from rnner.model.file_names import ONNX

    path = chosen_model(model)
    if is_onnx_file(path):
        raise UsageError(f"{path}: is exported already; DIR is a folder, as `rnner train` writes it")
    _check(output or path / ONNX, overwrite)
    start(code=code)
    from rnner.export.writer import export as export_alone
    from rnner.export.writer import export_beside
    from rnner.model.folder import load_model

    bundle = load_model(path)
    if output is None or output.resolve() == (path / ONNX).resolve():
        written = export_beside(bundle)
        again = f"--model {shlex.quote(str(path))} --backend onnx"
    else:
        export_alone(bundle, output)
        written, again = output, f"--model {shlex.quote(str(output))}"
    notice(f'wrote {written}, {written.stat().st_size / 1e6:,.1f} MB; try: rnner predict {again} "..."')


def _check(output: Path, overwrite: bool) -> None:
    """Raise UsageError for a file that must not be written."""
    if output.suffix != ".onnx":
        raise UsageError(f"{output}: its name must end in .onnx, such as {output}.onnx")
    if output.is_dir() or (output.exists() and not overwrite):
        raise UsageError(f"{output}: is there already; --overwrite replaces a file, or choose another name")

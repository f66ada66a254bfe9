"""`rnner export`: write a model as an ONNX file."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from rnner.cli import options
from rnner.cli.console import notice
from rnner.cli.output_files import check_output_file
from rnner.errors import UsageError


def export(
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help="Folder written by `rnner train`, or owner/name on the Hugging Face Hub.",
            rich_help_panel=options.MODEL_PANEL,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.onnx",
            help="File to write. [default: model.onnx in the folder]",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    overwrite: options.Overwrite = False,
    code: options.Code = None,
) -> None:
    """Write a model as an ONNX file.

    `rnner predict --model FILE.onnx` then gives the same results without PyTorch. Without --output, the file
    goes into the model folder and shares the vocabulary and vectors there; use it with `--model MODEL
    --backend onnx`.

    Needs the packages onnx and onnxruntime: pip install "rnner[onnx]".
    """
    from rnner.export.runtime import is_onnx_file
    from rnner.model.file_names import ONNX

    path = options.resolve_model(model)
    if is_onnx_file(path):
        raise UsageError(f"{path}: is an exported model; --model takes a folder written by `rnner train`")
    target = output or path / ONNX
    if target.suffix != ".onnx":
        raise UsageError(f"{target}: the name must end in .onnx, such as {target}.onnx")
    check_output_file(target, overwrite)
    options.set_up_torch(code=code)
    from rnner.export.writer import export_into_folder, export_standalone
    from rnner.model.folder import load_model

    loaded = load_model(path)
    if target.resolve() == (path / ONNX).resolve():
        target = export_into_folder(loaded)
        arguments = f"--model {shlex.quote(str(path))} --backend onnx"
    else:
        export_standalone(loaded, target)
        arguments = f"--model {shlex.quote(str(target))}"
    size = target.stat().st_size / 1e6
    arguments += options.code_arguments(code)
    notice(f'wrote {target}, {size:,.1f} MB; try: rnner predict {arguments} "..."')

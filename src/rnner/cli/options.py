"""Options that several commands share, and what they set going."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnner.cli.console import notice
from rnner.errors import UsageError

if TYPE_CHECKING:
    import torch

    from rnner.decoding.decoder import Decoder

Batch = Annotated[
    int,
    typer.Option(
        "--batch", metavar="N", min=1, help="Sentences that are computed together; never changes a result."
    ),
]
Code = Annotated[
    list[Path] | None,
    typer.Option("--code", metavar="FILE", help="Python file that registers your own cells. Repeatable."),
]
Columns = Annotated[
    str | None,
    typer.Option("--columns", metavar="TOKEN,TAG", help="Columns, from 0: 0,-1. [default: found]"),
]
Device = Annotated[str, typer.Option("--device", metavar="NAME", help="auto, cpu or cuda.")]
MODEL = "Folder of `rnner train`, .onnx file of `rnner export`, or owner/name on the Hugging Face Hub."
Threads = Annotated[
    int | None,
    typer.Option("--threads", metavar="N", min=1, help="CPU threads. [default: the library's choice]"),
]
Window = Annotated[
    int,
    typer.Option(
        "--window", metavar="N", min=1, help="Longer sentences are read in overlapping windows of N words."
    ),
]


def start(
    device: str = "cpu", threads: int | None = None, code: Sequence[Path] | None = None
) -> torch.device:
    """Choose the device, set the threads, run the user's code.

    Raises:
        UsageError: there is no such device or file, or the file fails.
    """
    import torch

    from rnner.model.user_code import load_code
    from rnner.system.device import choose_device

    chosen = choose_device(device)
    if threads is not None:
        torch.set_num_threads(threads)
    for path in code or []:
        load_code(path)
    return chosen


def chosen_model(name: str | None) -> Path:
    """Where the model of `--model` is, see `rnner.model.names`; that it is the bundled one by default is told.

    Raises:
        ModelError, UsageError: as `find_model` does.
    """
    from rnner.model.names import BUNDLED_LABELS, find_model

    path = find_model(name)
    if name is None:
        notice(f"no --model given: using the bundled English model ({', '.join(BUNDLED_LABELS)})")
    return path


def load_decoders(
    models: Sequence[Path], *, device: str, threads: int | None, code: Sequence[Path] | None, **limits: int
) -> list[Decoder]:
    """Load models that are folders or exported files; torch is imported for folders only.

    Raises:
        UsageError: as `start` does, or an exported file is to be run in a way that it cannot be.
        ModelError: a model is missing or broken.
    """
    from rnner.export.runtime import is_onnx_file, load_onnx

    files = [model for model in models if is_onnx_file(model)]
    if files and (device not in ("auto", "cpu") or (code and files == list(models))):
        raise UsageError(f"{files[0]}: a .onnx file is run on the CPU, and needs no --code")
    if files == list(models):
        return [load_onnx(file, threads=threads, **limits) for file in files]
    from rnner.decoding.tagger_decoder import load_decoder

    place = start(device, threads, code)
    return [
        load_onnx(model, threads=threads, **limits)
        if model in files
        else load_decoder(model, device=place, **limits)
        for model in models
    ]


def chosen_columns(text: str | None) -> dict[str, int] | None:
    """What `--columns` says, as a column reader takes it; None where it is absent.

    Raises:
        UsageError: it is not two whole numbers.
    """
    if text is None:
        return None
    try:
        token, tag = (int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--columns {text}: two whole numbers are wanted, such as 0,-1") from None
    return {"token": token, "tag": tag}


def require_column_file(source: Path, columns: str | None) -> None:
    """Refuse another format, unless `--columns` says that it is none; what follows needs lines.

    Raises:
        UsageError: the file is of another format; with the command that converts it.
    """
    from rnner.data.formats.detect import detect_format

    if columns is None and (form := detect_format(source)) != "columns":
        advice = f"rnner data convert {shlex.quote(str(source))} NEW.conll --to columns"
        raise UsageError(f"{source}: is of the format {form}, but column files are wanted here: {advice}")

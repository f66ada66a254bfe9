"""Options that several commands share, and what they set going."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnner.errors import UsageError

if TYPE_CHECKING:
    import torch

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

    from rnner.device import choose_device
    from rnner.usercode import load_code

    chosen = choose_device(device)
    if threads is not None:
        torch.set_num_threads(threads)
    for path in code or []:
        load_code(path)
    return chosen


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
    from rnner.data.formats import detect_format

    if columns is None and (form := detect_format(source)) != "columns":
        advice = f"rnner data convert {shlex.quote(str(source))} NEW.conll --to columns"
        raise UsageError(f"{source}: is of the format {form}, but column files are wanted here: {advice}")

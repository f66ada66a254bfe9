"""Options that several commands share, and the functions that check and apply them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnner.cli import completion
from rnner.cli.console import notice
from rnner.errors import UsageError

if TYPE_CHECKING:
    import torch

    from rnner.decoding.decoder import Decoder


class TableOrJson(StrEnum):
    """Output format."""

    table = "table"
    json = "json"


class SplitUnit(StrEnum):
    """Unit that a split never divides."""

    document = "document"
    sentence = "sentence"


# Panels of the help pages, in this order.
INPUT = "Input"
MODEL_PANEL = "Model"
TRAINING = "Training"
OUTPUT = "Output"
SERVER = "Server"
LIMITS = "Limits"
COMPUTATION = "Computation"

ANNOTATED = "Annotated file in any format, hf:owner/name:split"
_ANNOTATED_HELP = f"{ANNOTATED}, or sample:train."
MODEL = "Folder written by `rnner train`, .onnx file, or owner/name on the Hugging Face Hub."

AnnotatedFile = Annotated[
    str,
    typer.Argument(metavar="FILE", help=_ANNOTATED_HELP, autocompletion=completion.corpora),
]
Batch = Annotated[
    int,
    typer.Option(
        "--batch",
        metavar="N",
        min=1,
        help="Sentences per batch; does not change results.",
        rich_help_panel=COMPUTATION,
    ),
]
ByUnit = Annotated[
    SplitUnit | None,
    typer.Option(
        "--by",
        metavar="document|sentence",
        help="Unit that is never split. [default: document if enough are marked]",
    ),
]
Code = Annotated[
    list[Path] | None,
    typer.Option(
        "--code",
        metavar="FILE",
        help="Python file that registers your own cells or tokenizer. Repeatable.",
        rich_help_panel=COMPUTATION,
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="TOKEN,TAG",
        help="Column numbers, from 0, such as 0,-1. [default: detected]",
        rich_help_panel=INPUT,
    ),
]
ConfigName = Annotated[
    str,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE|NAME",
        help="YAML config, or a name from `rnner config list`.",
        autocompletion=completion.configs,
        rich_help_panel=INPUT,
    ),
]
DevFile = Annotated[
    str | None,
    typer.Option(
        "--dev",
        metavar="FILE",
        help="File used to choose the best epoch. [default: a tenth of FILE]",
        rich_help_panel=INPUT,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="NAME",
        help="auto, cpu, cuda or cuda:N.",
        autocompletion=completion.devices,
        rich_help_panel=COMPUTATION,
    ),
]
OutputFile = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write to this file instead of stdout.",
        rich_help_panel=OUTPUT,
    ),
]
OutputFormat = Annotated[
    TableOrJson,
    typer.Option("--format", metavar="table|json", help="Output format.", rich_help_panel=OUTPUT),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set a config key: --set training.epochs=5. Repeatable.",
        autocompletion=completion.settings,
        rich_help_panel=TRAINING,
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace existing files.", rich_help_panel=OUTPUT)
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, max=2**63 - 1, help="Random seed.")]
TableColumns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="TOKEN,TAG",
        help="Columns to read: numbers from 0 (0,-1), or names in a header (token=Word,tag=Tag). "
        "[default: detected]",
        rich_help_panel=INPUT,
    ),
]
TestFile = Annotated[
    str | None,
    typer.Option("--test", metavar="FILE", help="File scored once, after training.", rich_help_panel=INPUT),
]
UnknownMark = Annotated[
    str,
    typer.Option(
        "--unknown", metavar="MARK", help="Tag of words whose tag is not known.", rich_help_panel=INPUT
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        metavar="N",
        min=1,
        max=1024,
        help="CPU threads. [default: chosen by the library]",
        rich_help_panel=COMPUTATION,
    ),
]
Vectors = Annotated[
    str | None,
    typer.Option(
        "--vectors",
        metavar="FILE",
        help="GloVe, word2vec or fastText vectors, in text format.",
        rich_help_panel=INPUT,
    ),
]
Window = Annotated[
    int,
    typer.Option(
        "--window",
        metavar="N",
        min=1,
        help="Split longer sentences into overlapping windows of N words.",
        rich_help_panel=COMPUTATION,
    ),
]


def set_up_torch(
    device: str = "cpu", threads: int | None = None, code: Sequence[Path] | None = None
) -> torch.device:
    """Set the number of threads, run the user's code and return the device.

    Raises:
        UsageError: the device is not available, or a file of `code` is missing or fails.
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


def code_arguments(code: Sequence[Path] | None) -> str:
    """Return --code FILE for each file, as part of a command to type."""
    return "".join(f" --code {shlex.quote(str(path))}" for path in code or ())


def resolve_model(name: str | None) -> Path:
    """Return the path of the model given with `--model`, or of the bundled model, with a note on stderr.

    Raises:
        ModelError, UsageError: as `rnner.model.names.find_model` does.
    """
    from rnner.model.names import BUNDLED_LABELS, find_model

    path = find_model(name)
    if name is None:
        notice(f"no --model given: using the bundled English model ({', '.join(BUNDLED_LABELS)})")
    return path


def load_decoders(
    models: Sequence[Path], *, device: str, threads: int | None, code: Sequence[Path] | None, **limits: int
) -> list[Decoder]:
    """Load model folders and exported files; torch is imported only if one of them is a folder.

    Raises:
        UsageError: as `set_up_torch` does, or an exported file cannot run with these options.
        ModelError: a model is missing or broken.
    """
    from rnner.export.runtime import is_onnx_file, load_onnx
    from rnner.model.user_code import load_code

    exported = [model for model in models if is_onnx_file(model)]
    only_exported = len(exported) == len(models)
    if exported and device not in ("auto", "cpu"):
        raise UsageError(f"{exported[0]}: .onnx files run only on the CPU")
    if only_exported:
        for file in code or []:
            load_code(file)
        return [load_onnx(path, threads=threads, **limits) for path in exported]
    from rnner.decoding.tagger_decoder import load_decoder

    place = set_up_torch(device, threads, code)
    return [
        load_onnx(path, threads=threads, **limits)
        if path in exported
        else load_decoder(path, device=place, **limits)
        for path in models
    ]


def parse_columns(text: str | None) -> dict[str, int] | None:
    """Parse `--columns TOKEN,TAG`.

    Raises:
        UsageError: the text is not two whole numbers.
    """
    if text is None:
        return None
    try:
        token, tag = (int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--columns {text}: expected two whole numbers, such as 0,-1") from None
    return {"token": token, "tag": tag}


def parse_table_columns(text: str | None) -> dict[str, int | str] | None:
    """Parse `--columns TOKEN,TAG` or `--columns token=NAME,tag=NAME`; either name may be left out.

    Raises:
        UsageError: the text has neither of these forms.
    """
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    pairs = [part.split("=", 1) for part in parts]
    if all(len(pair) == 2 for pair in pairs):
        named = dict(pairs)
    else:
        named = dict(zip(("token", "tag"), parts, strict=False)) if len(parts) == 2 else {}
    if len(named) != len(parts) or not named.keys() <= {"token", "tag"} or "" in named.values():
        raise UsageError(f"--columns {text}: expected two whole numbers, such as 0,-1, or token=Word,tag=Tag")
    return {key: int(name) if re.fullmatch(r"-?\d{1,18}", name) else name for key, name in named.items()}


def require_column_file(path: Path, columns: str | None) -> None:
    """Check that a file is a column file. If `columns` is given, it is taken to be one.

    Raises:
        UsageError: it has another format; the message gives the command that converts it.
    """
    from rnner.data.formats.detect import detect_format

    if columns is None and (form := detect_format(path)) != "conll":
        command = f"rnner data convert {shlex.quote(str(path))} --output NEW.conll"
        raise UsageError(f"{path}: has the format {form}; convert it to a column file first: {command}")

"""`rnner data stats`: what annotated files hold."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnner.cli.console import notice, out, warn
from rnner.cli.options import Columns, chosen_columns
from rnner.errors import UsageError

if TYPE_CHECKING:
    from rnner.data.splits import Split
    from rnner.workbench.statistics import Statistics

PICTURES = ("png", "svg")


class Format(str, Enum):
    """How figures are written."""

    table = "table"
    json = "json"


Form = Annotated[Format, typer.Option("--format", metavar="FORM", help="table or json.")]


def stats(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH",
            help="Annotated files of any format, train first; hf:owner/name:split, sample:train.",
        ),
    ],
    vectors: Annotated[
        str | None,
        typer.Option("--vectors", metavar="FILE", help="Text file of word vectors: how many words have one."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", metavar="FILE", help="Also draw a picture, F.png or F.svg (needs matplotlib)."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the picture.")] = False,
    form: Form = Format.table,
    columns: Columns = None,
) -> None:
    """Count what annotated files hold, a column a file.

    Sentences, tokens, entities of each type, lengths, how many entities are ambiguous; and of the second file
    and those after it, how many words and entities the first one, train, lacks. An entity is its words with
    its label, case included. Shares are per cent in the table, fractions in json.
    """
    from rnner.data.corpus import read_split, resolve
    from rnner.data.vectors import read_vectors
    from rnner.workbench.statistics import describe

    if plot is not None:
        _check_picture(plot, overwrite)
    chosen = chosen_columns(columns)
    splits = [read_split(resolve(path), columns=chosen, illegal="conlleval") for path in paths]
    known = None if vectors is None else read_vectors(resolve(vectors))
    for split in splits:
        warn_of_file(split)
    files = describe(splits, known)
    tell(files, form)
    if plot is not None:
        _draw(files, plot)


def warn_of_file(split: Split) -> None:
    """Say what was not taken over from a file, and which tags break their scheme."""
    for note in split.notes:
        warn(f"{split.path}: {note}")
    if split.repaired is not None:
        times, line, reason = split.repaired
        warn(f"{split.path}:{line}: {reason}; such tags ({times:,}) are read as conlleval does")


def tell(files: list[Statistics], form: Format) -> None:
    """Write the figures to stdout."""
    from rnner.render.json_output import to_json
    from rnner.render.statistics_table import statistics_table

    if form is Format.json:
        typer.echo(to_json({"files": [file.to_dict() for file in files]}, indent=2))
    else:
        out.print(statistics_table(files), soft_wrap=False)


def _check_picture(path: Path, overwrite: bool) -> None:
    """Raise UsageError if the picture cannot be drawn there."""
    from rnner.render.pictures import require_matplotlib

    if path.suffix.lower().removeprefix(".") not in PICTURES:
        raise UsageError(f"--plot {path}: a picture is PNG or SVG: name it {path.with_suffix('.png')}")
    if path.exists() and not overwrite:
        raise UsageError(f"{path}: is there already; --overwrite replaces it, or choose another --plot")
    require_matplotlib()


def _draw(files: list[Statistics], path: Path) -> None:
    from rnner.render.statistics_plot import picture

    drawn = picture(files, path.suffix.lower().removeprefix("."))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(drawn)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None
    notice(f"wrote {path}")

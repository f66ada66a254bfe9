"""`rnner data stats`: statistics of annotated files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnner.cli import completion, options
from rnner.cli.console import notice, print_json, print_table, warn
from rnner.cli.options import TableOrJson
from rnner.cli.output_files import check_picture, write_output
from rnner.cli.progress_display import Activity
from rnner.tags import UNKNOWN

if TYPE_CHECKING:
    from rnner.data.splits import Split
    from rnner.workbench.statistics import Statistics


def stats(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            autocompletion=completion.corpora,
            help=f"{options.ANNOTATED}, or sample:train; the training file first.",
        ),
    ],
    vectors: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Word vectors in text format, to show their coverage.",
            rich_help_panel=options.INPUT,
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also draw a .png, .svg or .pdf file (needs matplotlib).",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    overwrite: options.Overwrite = False,
    form: options.OutputFormat = TableOrJson.table,
    columns: options.TableColumns = None,
    unknown: options.UnknownMark = UNKNOWN,
) -> None:
    """Show statistics of annotated files, one column per file.

    Describes sentences, tokens, entities of each type, lengths and ambiguous entities; for the second and
    later files, also the share of words and entities that do not occur in the first (training) file. Two
    entities are the same if they have the same words (case-sensitive) and the same label. Shares are
    percentages in the table, fractions in JSON.

    Examples:
        rnner data stats sample:train sample:dev sample:test
        rnner data stats sample:train sample:dev --format json
    """
    from rnner.data.corpus import read_split, resolve
    from rnner.data.vectors import read_vectors
    from rnner.workbench.statistics import describe

    picture = None if plot is None else check_picture(plot, overwrite, name="--plot")
    chosen = options.parse_table_columns(columns)
    how: Any = {"columns": chosen, "illegal": "conlleval", "unknown": unknown}
    with Activity("reading the files") as activity:
        splits = [read_split(resolve(path), **how) for path in paths]
        progress = partial(activity.report, task="reading the vectors")
        known = None if vectors is None else read_vectors(resolve(vectors), progress=progress)
        for split in splits:
            warn_about_split(split)
        activity.report(0, 0, task="counting")
        files = describe(splits, known)
    print_statistics(files, form)
    if plot is not None and picture is not None:
        from rnner.render.statistics_plot import plot_statistics

        write_output(plot, plot_statistics(files, picture))
        notice(f"wrote {plot}")


def warn_about_split(split: Split) -> None:
    """Warn about records that were left out of a file, and about illegal tag sequences."""
    for note in split.notes:
        warn(f"{split.path}: {note}")
    if split.illegal_tags is not None:
        times, line, reason = split.illegal_tags
        warn(f"{split.path}:{line}: {reason}; such tags ({times:,}) are read as conlleval reads them")


def print_statistics(files: list[Statistics], form: TableOrJson) -> None:
    """Print statistics to stdout."""
    from rnner.render.statistics_table import statistics_table

    if form is TableOrJson.json:
        print_json({"files": [file.to_dict() for file in files]})
    else:
        print_table(statistics_table(files))

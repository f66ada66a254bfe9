"""`rnner plot`: draw the training curves of runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnner.cli import options
from rnner.cli.console import notice, warn
from rnner.cli.output_files import check_picture, write_output
from rnner.errors import UsageError

if TYPE_CHECKING:
    from rnner.model.epoch_log import LoggedEpoch

_OUTPUT_HELP = "Picture to write: .png, .svg or .pdf. An existing picture is replaced."


def plot(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...", help="Folders written by `rnner train`.", rich_help_panel=options.INPUT
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help=_OUTPUT_HELP, rich_help_panel=options.OUTPUT),
    ] = Path("curves.png"),
) -> None:
    """Draw the training curves of runs, finished or not.

    Shows the loss on train and dev, F1 on dev, the learning rate, the norm of the gradients and the share of
    clipped steps in each epoch. The seeds of a run are drawn together, with their mean. Needs matplotlib.

    Examples:
        rnner plot runs/quickstart
        rnner plot runs/* --output curves.svg
    """
    form = check_picture(output)
    epochs = _read_runs(runs)
    from rnner.render.curves_plot import plot_curves

    write_output(output, plot_curves(epochs, form))
    notice(f"wrote {output}")


def _read_runs(folders: list[Path]) -> dict[str, list[list[LoggedEpoch]]]:
    """Read the logs of runs by name.

    Runs without a finished epoch are left out with a warning. So are other folders beside runs, because
    `runs/*` may include some.

    Raises:
        UsageError: a folder is missing, no folder is that of a run, or no run has finished an epoch.
        ModelError: a log is damaged.
    """
    from rnner.model.epoch_log import find_logs, read_log
    from rnner.render.statistics_table import short_names

    folders = list(dict.fromkeys(folders))
    names = short_names([folder.absolute() for folder in folders])
    runs = {}
    for folder, name in zip(folders, names, strict=True):
        try:
            logs = find_logs(folder)
        except UsageError as error:
            if len(folders) == 1 or not folder.exists():
                raise
            warn(str(error))
            continue
        if seeds := [epochs for path in logs if (epochs := read_log(path))]:
            runs[name] = seeds
        else:
            warn(f"{folder}: no epoch is finished yet, so there is nothing to draw")
    if not runs:
        raise UsageError("no run has finished an epoch; try again later")
    return runs

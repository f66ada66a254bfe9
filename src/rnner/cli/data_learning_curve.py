"""`rnner data learning-curve`: is more data worth annotating?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnner.cli import options
from rnner.cli.console import notice, print_json, print_table, warn
from rnner.cli.options import TableOrJson
from rnner.cli.output_files import check_picture, write_output
from rnner.errors import UsageError
from rnner.system.workers import Workers

if TYPE_CHECKING:
    from rnner.config import Config
    from rnner.training.learning_curve import CurvePoint, CurveRunner, Task
    from rnner.training.setup import TrainingData

_SHARES = "12.5,25,50,100"


def learning_curve(
    config: options.ConfigName,
    overrides: options.Overrides = None,
    shares: Annotated[
        str,
        typer.Option(
            metavar="PERCENT,...", help="Shares of the training data.", rich_help_panel=options.TRAINING
        ),
    ] = _SHARES,
    seeds: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            help="Seeds per share, from training.seed up; they give the interval.",
            rich_help_panel=options.TRAINING,
        ),
    ] = 3,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder of the training runs. [default: runs/NAME-OF-CONFIG-learning-curve]",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace the runs in the output folder.", rich_help_panel=options.OUTPUT
        ),
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also draw a .png, .svg or .pdf file (needs matplotlib).",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    form: options.OutputFormat = TableOrJson.table,
    jobs: Annotated[
        int,
        typer.Option(
            metavar="K", min=1, help="Runs to train in parallel.", rich_help_panel=options.COMPUTATION
        ),
    ] = 1,
    code: options.Code = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
) -> None:
    """Estimate what more training data would gain.

    Trains on growing shares of the training data, scores each model on dev, and extrapolates F1 to twice and
    four times the data, with an interval. All runs use the same config; smaller shares get up to four times
    the epochs. Finished runs are kept: to continue after an interruption, or to add seeds, repeat the
    command.

    Examples:
        rnner data learning-curve --config quickstart
        rnner data learning-curve --config quickstart --jobs 2 --plot curve.png
    """
    picture = None if plot is None else check_picture(plot, name="--plot")
    parts = _parse_shares(shares)
    place = options.set_up_torch(device, 1 if jobs > 1 and threads is None else threads, code)
    from rnner.config import data_folders, load_config
    from rnner.config.corpus_files import names_of
    from rnner.nn.cells import cell_names
    from rnner.render.learning_curve_plot import plot_learning_curve
    from rnner.render.learning_curve_table import learning_curve_table
    from rnner.training import learning_curve as curves

    settings = load_config(config, overrides or [], cells=cell_names())
    folder = output or Path("runs") / f"{Path(config).stem}-learning-curve"
    configs = curves.curve_configs(settings, seeds)
    first = next(iter(configs.values()))
    notice(f"reading {names_of(first.data.train)}")
    data = _read(first, data_folders(config))
    curves.prepare_folder(folder, data, first, overwrite=overwrite)
    runner = curves.CurveRunner(configs, data, folder, place)
    again = partial(_read_runner, configs, data_folders(config), folder, device, threads or 1, code)
    work = curves.tasks(list(configs), parts)
    curve = curves.LearningCurve.of(list(_run_all(runner, again, work, jobs)))
    if form is TableOrJson.json:
        print_json(curve.to_dict())
    else:
        print_table(learning_curve_table(curve))
    if plot is not None and picture is not None:
        write_output(plot, plot_learning_curve(curve, picture))
        notice(f"wrote {plot}")


def _parse_shares(text: str) -> list[float]:
    """Parse percentages, and return them as ascending fractions."""
    try:
        shares = sorted({float(part) / 100 for part in text.split(",")})
    except ValueError:
        shares = []
    if not shares or not all(0 < share <= 1 for share in shares):
        raise UsageError(f"--shares {text}: expected percentages above 0 and up to 100, such as {_SHARES}")
    return shares


def _read(config: Config, folders: Sequence[Path]) -> TrainingData:
    from rnner.training.setup import read_training_data

    data = read_training_data(config, folders)
    for message in data.corpus.warnings:
        warn(message)
    return data


def _run_all(
    runner: CurveRunner, again: Callable[[], Callable[[Task], CurvePoint]], work: Sequence[Task], jobs: int
) -> Iterator[CurvePoint]:
    """Train, in `jobs` processes, and report each run as it finishes."""
    for number, point in enumerate(_points(runner, again, work, jobs), 1):
        notice(
            f"{number}/{len(work)}: {100 * point.share:g}% ({point.sentences:,} sentences), "
            f"seed {point.seed}: F1 {point.f1:.4f}, {point.seconds:,.0f} s"
        )
        yield point


def _points(
    runner: CurveRunner, again: Callable[[], Callable[[Task], CurvePoint]], work: Sequence[Task], jobs: int
) -> Iterator[CurvePoint]:
    if jobs > 1:
        with Workers(min(jobs, len(work)), again) as workers:
            yield from workers.map(work)
        return
    from dataclasses import replace

    from rnner.cli.stop_signals import stop_on_signal
    from rnner.training.run import InterruptedRun

    try:
        with stop_on_signal() as stop:
            yield from map(replace(runner, stop=stop).run, work)
    except InterruptedRun:
        raise InterruptedRun(
            f"interrupted and saved in {runner.folder}; repeat the command to continue"
        ) from None


def _read_runner(
    configs: dict[int, Config],
    folders: Sequence[Path],
    folder: Path,
    device: str,
    threads: int,
    code: Sequence[Path] | None,
) -> Callable[[Task], CurvePoint]:
    """Read the data in a worker process, and return the function that trains there."""
    from rnner.training.learning_curve import CurveRunner
    from rnner.training.setup import read_training_data

    place = options.set_up_torch(device, threads, code)
    data = read_training_data(next(iter(configs.values())), folders)
    return CurveRunner(configs, data, folder, place).run

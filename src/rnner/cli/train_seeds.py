"""`rnner train --seeds N`: one after another in this process, or side by side in processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import typer

from rnner.cli.console import complain, err, notice, out, tell
from rnner.cli.options import start
from rnner.cli.train import describe, interruptible, tell_model
from rnner.cli.training_display import HEADER, QuietDisplay, display_for, epoch_line
from rnner.config import Config
from rnner.errors import UsageError
from rnner.model.folder import LoadedModel, load_model
from rnner.training.progress import Epoch, Step
from rnner.training.run import InterruptedRun, finished, train
from rnner.training.seeds import begin, check_seeds, complete, conclude, configs_of, seed_folder, spread
from rnner.training.setup import TrainingData, prepare, read_sources

if TYPE_CHECKING:
    from rnner.cli.training_display import Display


@dataclass(frozen=True)
class Order:
    """What is wanted of every seed alike; as the options of `rnner train` have it."""

    folder: Path  # of all
    paths: list[Path]  # where data is looked up after the working directory
    device: str
    code: tuple[Path, ...]
    init_from: Path | None
    resume: bool
    overwrite: bool
    quiet: bool

    def base(self) -> LoadedModel | None:
        """The model to go on from."""
        return load_model(self.init_from) if self.init_from is not None else None


def train_seeds(order: Order, config: Config, device: torch.device, *, count: int, jobs: int) -> None:
    """Train `count` seeds, `jobs` at a time, and make the folder the best of them.

    Args:
        order: all but the seeds.
        config: with the first seed.
        device: the one that `order` names.
        count: of seeds.
        jobs: how many of them at once.

    Raises:
        InterruptedRun: by the user; all is saved.
        typer.Exit: a seed failed; that was told, and the others were trained.
    """
    configs = configs_of(config, count)
    folder, quiet = order.folder, order.quiet
    _check(order, configs)
    if order.resume and (done := complete(folder, configs)) is not None:
        notice(f"{folder}: this run is finished; nothing to do", quiet=quiet)
        _show(done)
        return
    sources = _begin(order, configs, device)
    waiting = {seed: own for seed, own in configs.items() if finished(seed_folder(folder, seed)) is None}
    for seed in [seed for seed in configs if seed not in waiting]:
        _tell_scores(order, seed, "finished before, ")
    with interruptible() as interrupted:
        if jobs == 1:
            codes = _one_by_one(order, waiting, device, sources, interrupted)
        else:
            del sources  # each process reads its own
            codes = _side_by_side(order, waiting, jobs, interrupted)
    if interrupted():
        raise InterruptedRun(f"interrupted and saved in {folder}; the same command with --resume goes on")
    summary = conclude(folder)
    if summary is not None:
        _show(summary)
        tell_model(folder, quiet=quiet)
    if any(codes.values()):
        raise typer.Exit(next(code for code in codes.values() if code))


def _check(order: Order, configs: dict[int, Config]) -> None:
    check_seeds(order.folder, configs, resume=order.resume, overwrite=order.overwrite)
    if order.init_from is not None:
        base, folder = order.init_from.resolve(), order.folder.resolve()
        if folder in (base, *base.parents):
            raise UsageError(
                f"--init-from {order.init_from}: every seed begins there; choose another --output"
            )


def _begin(order: Order, configs: dict[int, Config], device: torch.device) -> TrainingData:
    """Read all files and prepare the first seed, so that what is wrong is told once, before any training."""
    first = next(iter(configs.values()))
    base = order.base()
    notice(f"reading {first.data.train}", quiet=order.quiet)
    sources = read_sources(first, order.paths, vectors=base is None)
    job = prepare(first, device=device, init_from=base, sources=sources)
    describe(job, quiet=order.quiet)
    begin(order.folder, job, configs, resume=order.resume)
    return sources


def _one_by_one(
    order: Order,
    configs: dict[int, Config],
    device: torch.device,
    sources: TrainingData,
    interrupted: Callable[[], bool],
) -> dict[int, int]:
    """Train in this process, and return the exit code of each seed."""
    codes = {}
    for seed, config in configs.items():
        if interrupted():
            break
        notice(f"seed {seed}", quiet=order.quiet)
        display = display_for(err, config.training.epochs, quiet=order.quiet)
        codes[seed] = _train(order, config, device, display, interrupted, sources)
        if codes[seed] == 0:
            _tell_scores(order, seed)
    return codes


def _train(
    order: Order,
    config: Config,
    device: torch.device,
    display: Display,
    stop: Callable[[], bool],
    sources: TrainingData | None = None,
) -> int:
    """Train one seed; what goes wrong is told here, and the exit code returned."""
    seed = config.training.seed
    try:
        base = order.base()
        job = prepare(config, folders=order.paths, device=device, init_from=base, sources=sources)
        with display:
            for event in train(job, seed_folder(order.folder, seed), resume=order.resume, stop=stop):
                display.show(event)
    except InterruptedRun as error:
        return error.exit_code
    except BrokenPipeError:
        raise
    except Exception as error:
        if os.environ.get("RNNER_DEBUG") == "1":
            raise
        return tell(error, f"seed {seed}: ")
    return 0


# --- side by side ------------------------------------------------------------------------------------------


def _side_by_side(
    order: Order, configs: dict[int, Config], jobs: int, interrupted: Callable[[], bool]
) -> dict[int, int]:
    """Train in processes, `jobs` at a time, and return the exit code of each seed."""
    threads = max(1, torch.get_num_threads() // jobs)
    waiting, codes, asked = list(configs), {}, False
    running: dict[int, SpawnProcess] = {}
    notice(f"seed  {HEADER}", quiet=order.quiet)
    try:
        while running or (waiting and not interrupted()):
            while waiting and len(running) < jobs and not interrupted():
                seed = waiting.pop(0)
                running[seed] = _started(order, configs[seed], threads)
            if interrupted() and not asked:
                asked = True
                for process in running.values():
                    process.terminate()  # it saves and stops
            connection.wait([process.sentinel for process in running.values()], timeout=0.2)
            for seed in [seed for seed, process in running.items() if process.exitcode is not None]:
                codes[seed] = _ended(order, seed, running.pop(seed), interrupted())
    finally:
        for process in running.values():  # after a second Ctrl-C
            process.kill()
            process.join()
    return codes


def _started(order: Order, config: Config, threads: int) -> SpawnProcess:
    """A process that trains one seed. Ctrl-C in a terminal reaches it too, but is for us to tell it."""
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(order, config, threads))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # which a new process inherits
    try:
        process.start()
    finally:
        signal.signal(signal.SIGINT, before)
    return process


def _ended(order: Order, seed: int, process: SpawnProcess, interrupted: bool) -> int:
    """The exit code of a process that has ended, after saying what it came to."""
    code = process.exitcode or 0
    process.close()
    if code == 0:
        _tell_scores(order, seed)
    elif code < 0 and not interrupted:
        complain(f"seed {seed}: its process was killed (signal {-code}), maybe for want of memory")
    return code if code >= 0 else 1


def _work(order: Order, config: Config, threads: int) -> None:
    """What such a process does."""
    stopped = []
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    device, parent = start(order.device, threads, order.code), multiprocessing.parent_process()

    def stop() -> bool:
        return bool(stopped) or (parent is not None and not parent.is_alive())

    display = QuietDisplay() if order.quiet else SeedDisplay(config.training.seed)
    sys.exit(_train(order, config, device, display, stop))


class SeedDisplay(QuietDisplay):
    """One line an epoch, the seed before it: several processes write to the same terminal."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def show(self, event: Step | Epoch) -> None:
        """Print an epoch."""
        if isinstance(event, Epoch):
            err.print(f"{self.seed:4}  {epoch_line(event)}")


# --- results -----------------------------------------------------------------------------------------------


def _tell_scores(order: Order, seed: int, how: str = "") -> None:
    metrics = finished(seed_folder(order.folder, seed))
    assert metrics is not None
    scores = ", ".join(
        f"{split} F1 {metrics[split]['f1']:.4f}" for split in ("dev", "test") if split in metrics
    )
    notice(f"seed {seed}: {how}{scores}, {metrics['train']['seconds']:,.0f} s", quiet=order.quiet)


def _show(summary: dict[str, Any]) -> None:
    """The results: a line a seed, then mean and spread, then the best."""
    splits = list(summary["mean"])
    out.print("  ".join(["seed", *(f"{split + ' F1':>7}" for split in splits), "epochs", "   time"]))
    runs = {run["seed"]: run for run in summary["runs"]}
    for seed in summary["seeds"]:
        if (run := runs.get(seed)) is None:
            out.print(f"{seed:4}   failed")
            continue
        scores = [f"{run[split]['f1']:7.4f}" for split in splits]
        out.print("  ".join([f"{seed:4}", *scores, f"{run['epochs']:6}", f"{run['seconds']:5,.0f} s"]))
    for split in splits:
        out.print(f"{split} {spread(summary, split)}")
    out.print(f"best on dev: seed {summary['best']}")

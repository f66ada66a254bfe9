"""`rnner train --seeds N`: train seeds one after another in this process, or in parallel processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing import connection
from multiprocessing.context import SpawnProcess
from typing import Any

import torch
import typer

from rnner.cli.console import err, notice, out, print_error, report_error, warn
from rnner.cli.options import set_up_torch
from rnner.cli.progress_display import EPOCH_HEADER, Activity, TrainingDisplay, epoch_line, training_display
from rnner.cli.stop_signals import STOP_SIGNALS, stop_on_signal
from rnner.cli.train import (
    TrainOptions,
    report_model,
    report_setup,
    show,
    tracking,
)
from rnner.config import Config
from rnner.config.corpus_files import names_of
from rnner.errors import UsageError
from rnner.model.folder import load_metrics
from rnner.system.terminal import guard_streams
from rnner.training import seeds as seed_runs
from rnner.training.output_folder import lock_output
from rnner.training.progress import Epoch, Step
from rnner.training.run import InterruptedRun, run_training
from rnner.training.setup import TrainingData, prepare_training, read_training_data


def train_seeds(run: TrainOptions, config: Config, device: torch.device, *, count: int, jobs: int) -> None:
    """Train with several seeds, and copy the best model to the output folder.

    Args:
        run: options that all seeds share.
        config: the config with the first seed.
        device: the device of `run`.
        count: number of seeds.
        jobs: number of seeds to train in parallel.

    Raises:
        InterruptedRun: the user stopped the training; everything is saved.
        typer.Exit: a seed failed; this has been reported, and the other seeds were trained.
    """
    configs = seed_runs.seed_configs(config, count)
    with seed_runs.reserve_seeds_output(run.folder, configs, resume=run.resume, overwrite=run.overwrite):
        _train_all(run, configs, device, jobs)


def _train_all(run: TrainOptions, configs: dict[int, Config], device: torch.device, jobs: int) -> None:
    folder, quiet = run.folder, run.quiet
    if run.init_from is not None:
        base = run.init_from.resolve()
        if folder.resolve() in (base, *base.parents):
            message = "every seed starts from this model, so it cannot be replaced; choose another --output"
            raise UsageError(f"--init-from {run.init_from}: {message}")
    if run.resume and (summary := seed_runs.finished_summary(folder, configs)) is not None:
        notice(f"{folder}: this run is finished; nothing to do", quiet=quiet)
        _print_summary(summary)
        return
    data = _prepare(run, configs, device)
    remaining = {
        seed: c for seed, c in configs.items() if load_metrics(seed_runs.seed_folder(folder, seed)) is None
    }
    for seed in [seed for seed in configs if seed not in remaining]:
        _report_scores(run, seed, "already finished, ")
    with stop_on_signal() as stop:
        if jobs == 1:
            codes = _train_in_turn(run, remaining, device, data, stop)
        else:
            del data  # each process reads its own
            codes = _train_in_parallel(run, remaining, jobs, stop)
    if stop():
        raise InterruptedRun(
            f"interrupted and saved in {folder}; repeat the command with --resume to continue"
        )
    if (summary := seed_runs.summarize_seeds(folder)) is not None:
        _print_summary(summary)
        report_model(run)
    if any(codes.values()):
        raise typer.Exit(next(code for code in codes.values() if code))


def _prepare(run: TrainOptions, configs: dict[int, Config], device: torch.device) -> TrainingData:
    """Read all files and set up the first seed, so that mistakes are reported once, before any training."""
    first = next(iter(configs.values()))
    base = run.base_model()
    notice(f"reading {names_of(first.data.train)}", quiet=run.quiet)
    with Activity("reading the data", quiet=run.quiet) as reading:
        progress = partial(reading.report, task="reading the vectors")
        data = read_training_data(first, run.data_folders, init_from=base, progress=progress)
        setup = prepare_training(first, device=device, init_from=base, data=data)
    report_setup(setup, quiet=run.quiet)
    seed_runs.prepare_seeds_folder(run.folder, setup, configs, resume=run.resume)
    return data


def _train_in_turn(
    run: TrainOptions,
    configs: dict[int, Config],
    device: torch.device,
    data: TrainingData,
    stop: Callable[[], bool],
) -> dict[int, int]:
    """Train in this process and return the exit code of each seed."""
    codes = {}
    for seed, config in configs.items():
        if stop():
            break
        notice(f"seed {seed}", quiet=run.quiet)
        display = training_display(err, config.training.epochs, quiet=run.quiet)
        codes[seed] = _train_seed(run, config, device, display, stop, data)
        if codes[seed] == 0:
            _report_scores(run, seed)
    return codes


def _train_seed(
    run: TrainOptions,
    config: Config,
    device: torch.device,
    display: TrainingDisplay,
    stop: Callable[[], bool],
    data: TrainingData | None = None,
) -> int:
    """Train one seed, report its error if there is one, and return its exit code."""
    seed = config.training.seed

    def warn_about_seed(message: str) -> None:
        warn(f"seed {seed}: {message}")

    try:
        base = run.base_model()
        setup = prepare_training(config, folders=run.data_folders, device=device, init_from=base, data=data)
        folder = seed_runs.seed_folder(run.folder, seed)
        trackers = tracking(run, folder, setup.config, warn_about_seed, seeds=run.folder)
        with lock_output(folder), display, trackers:
            for event in run_training(
                setup, folder, resume=run.resume, stop=stop, warn=warn_about_seed, note=display.note
            ):
                show(display, event, stop)
                trackers.update(event)
            metrics = load_metrics(folder)
            assert metrics is not None
            trackers.finish(metrics)
    except InterruptedRun as error:
        return error.exit_code
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the user's code may raise SystemExit
        if os.environ.get("RNNER_DEBUG") == "1":
            raise
        return report_error(error, f"seed {seed}: ")
    return 0


# --- in parallel -------------------------------------------------------------------------------------------


def _train_in_parallel(
    run: TrainOptions, configs: dict[int, Config], jobs: int, stop: Callable[[], bool]
) -> dict[int, int]:
    """Train in processes, `jobs` at a time, and return the exit code of each seed."""
    threads = max(1, torch.get_num_threads() // jobs)
    waiting, codes, stopping = list(configs), {}, False
    running: dict[int, SpawnProcess] = {}
    notice(f"seed  {EPOCH_HEADER}", quiet=run.quiet)
    try:
        while running or (waiting and not stop()):
            while waiting and len(running) < jobs and not stop():
                seed = waiting.pop(0)
                running[seed] = _start_process(run, configs[seed], threads)
            if stop() and not stopping:
                stopping = True
                for process in running.values():
                    process.terminate()  # it saves its run and stops
            connection.wait([process.sentinel for process in running.values()], timeout=0.2)
            for seed in [seed for seed, process in running.items() if process.exitcode is not None]:
                codes[seed] = _finish_process(run, seed, running.pop(seed), stop())
    finally:
        for process in running.values():  # after a second Ctrl-C
            process.kill()
            process.join()
    return codes


def _start_process(run: TrainOptions, config: Config, threads: int) -> SpawnProcess:
    """Start a process that trains a seed. Ctrl-C in a terminal reaches it too, but the parent handles it."""
    target = multiprocessing.get_context("spawn").Process(
        target=_train_in_process, args=(run, config, threads)
    )
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)  # inherited by the new process
    try:
        target.start()
    finally:
        signal.signal(signal.SIGINT, previous)
    return target


def _finish_process(run: TrainOptions, seed: int, process: SpawnProcess, stopping: bool) -> int:
    """Report the result of a process that has ended, and return its exit code."""
    code = process.exitcode or 0
    process.close()
    if code == 0:
        _report_scores(run, seed)
    elif code < 0 and not stopping:
        print_error(f"seed {seed}: its process was killed (signal {-code}), possibly out of memory")
    return code if code >= 0 else 1


def _train_in_process(run: TrainOptions, config: Config, threads: int) -> None:
    guard_streams()
    stopped = []
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in STOP_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: stopped.append(True))
    device, parent = set_up_torch(run.device, threads, run.code), multiprocessing.parent_process()

    def stop() -> bool:
        return bool(stopped) or (parent is not None and not parent.is_alive())

    display = TrainingDisplay() if run.quiet else SeedDisplay(config.training.seed)
    sys.exit(_train_seed(run, config, device, display, stop))


class SeedDisplay(TrainingDisplay):
    """One line per epoch, with the seed in front, because several processes write to the same terminal."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def note(self, message: str) -> None:
        """Print a message about this seed."""
        notice(f"seed {self.seed}: {message}")

    def show(self, event: Step | Epoch) -> None:
        """Print an epoch."""
        if isinstance(event, Epoch):
            err.print(f"{self.seed:4}  {epoch_line(event)}")


# --- results -----------------------------------------------------------------------------------------------


def _report_scores(run: TrainOptions, seed: int, prefix: str = "") -> None:
    metrics = load_metrics(seed_runs.seed_folder(run.folder, seed))
    assert metrics is not None
    scores = ", ".join(
        f"{split} F1 {metrics[split]['f1']:.4f}" for split in ("dev", "test") if split in metrics
    )
    notice(f"seed {seed}: {prefix}{scores}, {metrics['train']['seconds']:,.0f} s", quiet=run.quiet)


def _print_summary(summary: dict[str, Any]) -> None:
    """Print a row per seed, then mean and standard deviation, then the best seed."""
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
        out.print(f"{split} {seed_runs.format_f1(summary, split)}")
    out.print(f"best on dev: seed {summary['best']}")

"""`rnner train`: train a tagger from a config."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from rnner.cli import completion, options
from rnner.cli.console import err, notice, out, warn
from rnner.cli.progress_display import Activity, TrainingDisplay, training_display
from rnner.cli.stop_signals import stop_on_signal
from rnner.cli.train_config import check_source, data_settings, default_folder, training_config
from rnner.errors import UsageError, counted
from rnner.system.terminal import printable

if TYPE_CHECKING:
    import torch

    from rnner.config import Config
    from rnner.data.splits import Split
    from rnner.integrations.tracking import Tracking
    from rnner.model.folder import LoadedModel
    from rnner.training.progress import Epoch, Step
    from rnner.training.setup import TrainingSetup

_LOG_HELP = "Also log to tensorboard (local files), wandb or mlflow; each is an extra of rnner. Repeatable."
_LONG_SENTENCE = 10_000  # words; a training step on them needs several hundred MB


class LogTarget(StrEnum):
    """Experiment tracker."""

    tensorboard = "tensorboard"
    wandb = "wandb"
    mlflow = "mlflow"


def train(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="[FILE]", help=f"{options.ANNOTATED}, or sample:train.", autocompletion=completion.corpora
        ),
    ] = None,
    dev: options.DevFile = None,
    test: options.TestFile = None,
    vectors: options.Vectors = None,
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            "-c",
            metavar="FILE|NAME",
            help="YAML config, or a name from `rnner config list`. [default: settings that suit FILE]",
            autocompletion=completion.configs,
            rich_help_panel=options.TRAINING,
        ),
    ] = None,
    overrides: options.Overrides = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Model folder. [default: runs/NAME, for NAME.conll or NAME.yaml]",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Continue the run in the output folder.", rich_help_panel=options.OUTPUT
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace the run in the output folder.", rich_help_panel=options.OUTPUT
        ),
    ] = False,
    init_from: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Start from this model; new data may add labels.",
            autocompletion=completion.models,
            rich_help_panel=options.TRAINING,
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Train N seeds from training.seed up; keep the best on dev.",
            rich_help_panel=options.TRAINING,
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            min=1,
            help="Seeds to train in parallel. [default: 1]",
            rich_help_panel=options.TRAINING,
        ),
    ] = None,
    code: options.Code = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Check config and data, and try one step and one save; keep nothing.",
            rich_help_panel=options.TRAINING,
        ),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Show only warnings and scores.", rich_help_panel=options.OUTPUT),
    ] = False,
    log: Annotated[
        list[LogTarget] | None,
        typer.Option("--log", metavar="TRACKER", help=_LOG_HELP, rich_help_panel=options.OUTPUT),
    ] = None,
) -> None:
    """Train a tagger on an annotated file.

    Without --config, the settings suit the size and tags of FILE; `rnner config init FILE` writes the same
    ones. With --config, FILE, --dev, --test and --vectors replace the files of the config.

    Progress goes to stderr, the scores of the best model to stdout. Ctrl-C saves the run and stops; the same
    command with --resume continues it.

    Examples:
        rnner train --config quickstart
        rnner train sample:train --dev sample:dev --test sample:test
        rnner train sample:train --set training.epochs=5 --output runs/short
    """
    from rnner.config import data_folders, inherit_network

    check_source(file, config)
    if log:
        from rnner.integrations.tracking import check_trackers

        check_trackers([tracker.value for tracker in log])
    if jobs is not None and seeds is None:
        raise UsageError("--jobs trains several seeds in parallel: give --seeds N too")
    place = options.set_up_torch(device, threads, code)
    run = TrainOptions(
        folder=output or default_folder(file, config),
        data_folders=data_folders(config),
        device=device,
        code=tuple(code or ()),
        init_from=None if init_from is None else options.resolve_model(init_from),
        resume=resume,
        overwrite=overwrite,
        quiet=quiet,
        trackers=tuple(tracker.value for tracker in log or ()),
    )
    base = run.base_model()
    settings = training_config(
        file,
        config,
        data_settings(file, dev, test, vectors),
        overrides or [],
        None if base is None else base.config,
        quiet=quiet,
    )
    if base is not None:
        settings, notes = inherit_network(settings, base.config)
        for note in notes:
            notice(note, quiet=quiet)
    if dry_run:
        _dry_run(run, settings, place, base)
    elif seeds is None:
        _train_one(run, settings, place, base)
    else:
        from rnner.cli.train_seeds import train_seeds

        train_seeds(run, settings, place, count=seeds, jobs=jobs or 1)


@dataclass(frozen=True)
class TrainOptions:
    """Options that all seeds share; worker processes get a copy."""

    folder: Path  # --output
    data_folders: list[Path]  # where to look up data after the working directory
    device: str
    code: tuple[Path, ...]
    init_from: Path | None
    resume: bool
    overwrite: bool
    quiet: bool
    trackers: tuple[str, ...] = ()

    def base_model(self) -> LoadedModel | None:
        """Load the model of --init-from, if given."""
        from rnner.model.folder import load_model

        return None if self.init_from is None else load_model(self.init_from)


def _train_one(run: TrainOptions, config: Config, device: torch.device, base: LoadedModel | None) -> None:
    from rnner.training.output_folder import reserve_output

    with reserve_output(run.folder, config, resume=run.resume, overwrite=run.overwrite) as metrics:
        if metrics is not None:
            notice(f"{run.folder}: this run is finished; nothing to do", quiet=run.quiet)
            _print_scores(metrics)
        else:
            _run_to_the_end(run, config, device, base)


def _run_to_the_end(
    run: TrainOptions, config: Config, device: torch.device, base: LoadedModel | None
) -> None:
    from rnner.model.folder import load_metrics
    from rnner.training.run import run_training

    folder, quiet = run.folder, run.quiet
    setup = _set_up(run, config, device, base)
    display = training_display(err, setup.config.training.epochs, quiet=quiet)
    with stop_on_signal() as stop, display, tracking(run, folder, setup.config, warn) as trackers:
        for event in run_training(setup, folder, resume=run.resume, stop=stop, warn=warn, note=display.note):
            show(display, event, stop)
            trackers.update(event)
        metrics = load_metrics(folder)
        assert metrics is not None
        trackers.finish(metrics)
    summary = metrics["train"]
    epochs = f"{summary['best_epoch']} of {summary['epochs']}"
    notice(f"best epoch: {epochs}; {summary['seconds']:,.0f} s", quiet=quiet)
    _print_scores(metrics)
    report_model(run)


def tracking(
    run: TrainOptions, folder: Path, config: Config, warn: Callable[[str], None], *, seeds: Path | None = None
) -> Tracking:
    """Return the experiment trackers of a run; `seeds` is the folder of a run with several seeds."""
    from rnner.integrations.tracking import TrackedRun, Tracking

    return Tracking(run.trackers, TrackedRun.of(folder, config, seeds=seeds), warn)


def show(display: TrainingDisplay, event: Step | Epoch, stop: Callable[[], bool]) -> None:
    """Show an event. Errors are ignored once training is stopping, since SIGHUP closes the terminal."""
    try:
        display.show(event)
    except OSError:
        if not stop():
            raise


def _dry_run(run: TrainOptions, config: Config, device: torch.device, base: LoadedModel | None) -> None:
    from rnner.training.dry_run import dry_run

    result = dry_run(_set_up(run, config, device, base))
    sentences = counted(result.sentences, "sentence")
    memory = f", peak memory {result.peak_memory_mb:,.0f} MB" if result.peak_memory_mb is not None else ""
    out.print(
        "config and data are valid; nothing was written\n"
        f"a step on the longest sentence ({counted(result.longest, 'token')}; {sentences} in its batch): "
        f"loss {result.loss:.2f}{memory}\n"
        "the model of this step was saved, loaded and scored in a temporary folder"
    )


def _set_up(
    run: TrainOptions, config: Config, device: torch.device, base: LoadedModel | None
) -> TrainingSetup:
    from rnner.config.corpus_files import names_of
    from rnner.training.setup import prepare_training

    notice(f"reading {names_of(config.data.train)}", quiet=run.quiet)
    with Activity("reading the data", quiet=run.quiet) as reading:
        setup = prepare_training(
            config,
            folders=run.data_folders,
            device=device,
            init_from=base,
            progress=partial(reading.report, task="reading the vectors"),
        )
    report_setup(setup, quiet=run.quiet)
    return setup


def report_setup(setup: TrainingSetup, *, quiet: bool) -> None:
    """Report the size of the data and of the model, and warnings about them."""
    corpus = setup.corpus
    for name, split in (("train", corpus.train), ("dev", corpus.dev), ("test", corpus.test)):
        if split is not None:
            sizes = counted(len(split), "sentence"), counted(int(split.lengths.sum()), "token")
            notice(f"{name + ':':6} {', '.join(sizes)}", quiet=quiet)
            for line in split.describe_files():
                notice(f"       {line}", quiet=quiet)
    for message in setup.notices:
        notice(message, quiet=quiet)
    for message in corpus.warnings:
        warn(message)
    _warn_about_long_sentence(corpus.train)
    if setup.coverage is not None:
        for line in setup.coverage.lines():
            notice(line, quiet=quiet)
    weights, labels = sum(p.numel() for p in setup.tagger.parameters()), ", ".join(setup.vocabulary.labels)
    notice(f"model: {weights:,} weights, {labels}; on {setup.device}", quiet=quiet)


def _warn_about_long_sentence(train: Split) -> None:
    longest = int(train.lengths.argmax())
    if (words := int(train.lengths[longest])) > _LONG_SENTENCE:
        warn(
            f"{train.place(longest)}: a sentence of {words:,} words; it is not split in "
            "training, so a step on it is slow and needs a lot of memory (--dry-run shows how much); "
            "are blank lines missing?"
        )


def report_model(run: TrainOptions) -> None:
    """Report where the model is and how to try it."""
    model = shlex.quote(str(run.folder)) + options.code_arguments(run.code)
    notice(f"model: {run.folder}", quiet=run.quiet)
    notice(f'try:   rnner predict --model {model} "..."', quiet=run.quiet)


def _print_scores(metrics: dict[str, Any]) -> None:
    for split in ("dev", "test"):
        if split in metrics:
            out.print(f"{split + ':':5} {_scores_line(metrics[split])}")
            for name, scores in metrics[split].get("files", {}).items():
                out.print(Text(printable(f"      {name}: {_scores_line(scores)}")))


def _scores_line(scores: dict[str, Any]) -> str:
    precision, recall, f1 = (100 * scores[name] for name in ("precision", "recall", "f1"))
    return f"precision {precision:.2f}%, recall {recall:.2f}%, F1 {f1:.2f}%"

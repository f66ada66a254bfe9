"""`rnner train`: from a config to a model folder."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnner.cli.console import err, notice, out, warn
from rnner.cli.options import Code, Device, Threads, chosen_model, start

if TYPE_CHECKING:
    from rnner.training.setup import TrainingSetup

_ENDLESS = 10_000  # words; a training step on them takes some hundred MB


def train(
    config: Annotated[
        Path,
        typer.Option("--config", "-c", metavar="FILE", help="YAML config; `rnner config init` writes one."),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Override a key: --set training.epochs=5. Repeatable."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Folder of the model. [default: runs/NAME-OF-CONFIG]"
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the output folder.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the run in the output folder.")
    ] = False,
    init_from: Annotated[
        str | None,
        typer.Option(
            "--init-from", metavar="DIR", help="Go on from this model, on new data, maybe with new labels."
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds",
            metavar="N",
            min=1,
            help="Train with N seeds from training.seed on; keep the best on dev.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", metavar="K", min=1, help="With --seeds: so many at once. [default: 1]"),
    ] = None,
    code: Code = None,
    device: Device = "auto",
    threads: Threads = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Check config and data, try the longest sentence, write nothing."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only warnings and the scores.")] = False,
) -> None:
    """Train a tagger from a config.

    Progress goes to stderr, the scores of the best model to stdout. Ctrl-C saves and stops; --resume goes on.
    """
    from rnner.config import load_config
    from rnner.errors import UsageError
    from rnner.model.folder import load_model
    from rnner.nn.cells import cell_names
    from rnner.training.run import check_output, check_same_config, finished
    from rnner.training.setup import prepare

    if jobs is not None and seeds is None:
        raise UsageError("--jobs trains several seeds at once: give --seeds N too")
    on = start(device, threads, code)
    settings = load_config(config, overrides or [], cells=cell_names())
    folder = output or Path("runs") / config.stem
    base_folder = None if init_from is None else chosen_model(init_from)
    if seeds is not None and not dry_run:
        from rnner.cli.train_seeds import Order, train_seeds

        paths = [config.resolve().parent]
        order = Order(folder, paths, device, tuple(code or ()), base_folder, resume, overwrite, quiet)
        train_seeds(order, settings, on, count=seeds, jobs=jobs or 1)
        return
    if not dry_run:
        check_output(folder, resume=resume, overwrite=overwrite)
    if resume and not dry_run:
        check_same_config(folder, settings)
        if (done := finished(folder)) is not None:
            notice(f"{folder}: this run is finished; nothing to do", quiet=quiet)
            _show_scores(done)
            return
    base = load_model(base_folder) if base_folder is not None else None
    notice(f"reading {settings.data.train}", quiet=quiet)
    job = prepare(settings, folders=[config.resolve().parent], device=on, init_from=base)
    describe(job, quiet=quiet)
    if dry_run:
        _try(job)
        return
    _run(job, folder, resume=resume, quiet=quiet)
    tell_model(folder, quiet=quiet)


def tell_model(folder: Path, *, quiet: bool) -> None:
    """Say where the model is, and how to try it."""
    notice(f'model: {folder}\ntry:   rnner predict --model {shlex.quote(str(folder))} "..."', quiet=quiet)


def describe(job: TrainingSetup, *, quiet: bool) -> None:
    """Say what a run will learn from, and what it is."""
    corpus = job.corpus
    for name, split in (("train", corpus.train), ("dev", corpus.dev), ("test", corpus.test)):
        if split is not None:
            notice(
                f"{name + ':':6} {len(split):,} sentences, {int(split.lengths.sum()):,} tokens", quiet=quiet
            )
    for text in job.notices:
        notice(text, quiet=quiet)
    for text in [*job.warnings, *_endless(job)]:
        warn(text)
    if job.coverage is not None:
        notice(str(job.coverage), quiet=quiet)
    weights = sum(p.numel() for p in job.tagger.parameters())
    notice(f"model: {weights:,} weights, {', '.join(job.vocabulary.labels)}; on {job.device}", quiet=quiet)


def _endless(job: TrainingSetup) -> Iterator[str]:
    """What is to be said of a training sentence that takes gigabytes."""
    train = job.corpus.train
    longest = int(train.lengths.argmax())
    if (words := int(train.lengths[longest])) > _ENDLESS:
        yield (
            f"{train.path}:{train.lines[longest]}: a sentence of {words:,} words; training reads it whole, "
            "which takes memory and time as it is long (--dry-run says how much); are blank lines missing?"
        )


def _try(job: TrainingSetup) -> None:
    from rnner.training.setup import try_longest

    trial = try_longest(job)
    sentences = f"{trial.sentences:,} sentence" + ("s" if trial.sentences != 1 else "")
    memory = "" if trial.peak_memory_mb is None else f", {trial.peak_memory_mb:,.0f} MB at most"
    out.print(
        "config and data are fine; nothing was written\n"
        f"a step with the longest sentence ({trial.longest} tokens; {sentences} in its batch): "
        f"loss {trial.loss:.2f}{memory}"
    )


def _run(job: TrainingSetup, folder: Path, *, resume: bool, quiet: bool) -> None:
    from rnner.cli.training_display import display_for
    from rnner.training.run import finished
    from rnner.training.run import train as train_job

    display = display_for(err, job.config.training.epochs, quiet=quiet)
    with interruptible() as interrupted, display:
        for event in train_job(job, folder, resume=resume, stop=interrupted):
            display.show(event)
    metrics = finished(folder)
    assert metrics is not None
    run = metrics["train"]
    notice(f"best epoch: {run['best_epoch']} of {run['epochs']}; {run['seconds']:,.0f} s", quiet=quiet)
    _show_scores(metrics)


def _show_scores(metrics: dict[str, Any]) -> None:
    for split in ("dev", "test"):
        if split in metrics:
            precision, recall, f1 = (100 * metrics[split][name] for name in ("precision", "recall", "f1"))
            out.print(f"{split + ':':5} precision {precision:.2f}%, recall {recall:.2f}%, F1 {f1:.2f}%")


@contextmanager
def interruptible() -> Iterator[Any]:
    """Within, a first Ctrl-C (or SIGTERM) only makes the yielded function say True; a second breaks off."""
    asked = False

    def ask(number: int, frame: Any) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        err.print("\nstopping after this step; once more to break off at once")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

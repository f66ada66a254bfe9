"""Progress of training and prediction: live in a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from rnner.cli.console import err, notice

if TYPE_CHECKING:
    from typing import Self

    from rnner.training.progress import Epoch, Step

_SECONDS_PER_LINE = 30.0  # off a terminal
EPOCH_HEADER = "epoch     loss  tokens/s  gradient  clipped     dev P     dev R    dev F1"


def epoch_line(epoch: Epoch) -> str:
    """Format an epoch as a row under `EPOCH_HEADER`; a star marks the best so far."""
    scores = [100 * share for share in (epoch.dev.precision, epoch.dev.recall, epoch.dev.f1)]
    figures = "  ".join(f"{score:8.2f}" for score in scores)
    return (
        f"{epoch.epoch:5}  {epoch.loss:7.3f}  {epoch.tokens_per_second:8,.0f}  {epoch.gradient_norm:8.2f}  "
        f"{epoch.clipped:7.1%}  {figures}{' *' if epoch.best else ''}"
    )


def training_display(console: Console, epochs: int, *, quiet: bool) -> TrainingDisplay:
    """Return the display for a console."""
    if quiet:
        return TrainingDisplay()
    return LiveDisplay(console, epochs) if console.is_terminal else PlainDisplay(console)


class TrainingDisplay:
    """Shows the events of a training run, within a `with` block. This base class shows nothing."""

    def show(self, event: Step | Epoch) -> None:
        """Show the next event."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass


class PlainDisplay(TrainingDisplay):
    """One line per epoch, and one every half minute within an epoch; for logs."""

    def __init__(self, console: Console, *, seconds: float = _SECONDS_PER_LINE) -> None:
        self.console, self.seconds = console, seconds
        self.last_line = time.monotonic()

    def show(self, event: Step | Epoch) -> None:
        """Print a line if one is due."""
        from rnner.training.progress import Epoch

        if isinstance(event, Epoch):
            self.console.print(epoch_line(event))
        elif time.monotonic() - self.last_line > self.seconds:
            self.console.print(
                f"epoch {event.epoch}, step {event.step} of {event.steps}: loss {event.loss:.3f}, "
                f"{event.tokens / event.seconds:,.0f} tokens/s"
            )
        else:
            return
        self.last_line = time.monotonic()

    def __enter__(self) -> Self:
        self.console.print(EPOCH_HEADER)
        return self


class LiveDisplay(TrainingDisplay):
    """A progress bar for the current epoch below the lines of the finished ones."""

    def __init__(self, console: Console, epochs: int) -> None:
        self.console, self.epochs = console, epochs
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=8 if console.width < 100 else 24),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=console,
            transient=True,
            redirect_stdout=False,  # rich would interpret escape sequences in redirected output as styles
            redirect_stderr=False,
        )
        self.task = self.progress.add_task("epoch 1", total=None, figures="")
        self.loss = self.speed = self.gradient = 0.0

    def show(self, event: Step | Epoch) -> None:
        """Advance the bar, or print an epoch above it."""
        from rnner.training.progress import Step

        if not isinstance(event, Step):
            self.console.print(epoch_line(event), style="bold" if event.best else None)
            return
        weight = 0.02 if self.speed else 1.0  # a moving average over about fifty steps
        self.loss += weight * (event.loss - self.loss)
        self.speed += weight * (event.tokens / event.seconds - self.speed)
        self.gradient += weight * (event.gradient_norm - self.gradient)
        self.progress.update(
            self.task,
            description=f"epoch {event.epoch}/{self.epochs}",
            total=self.epochs * event.steps,
            completed=(event.epoch - 1) * event.steps + event.step,
            figures=f"loss {self.loss:.3f}  {self.speed:,.0f} tokens/s  gradient {self.gradient:.2f} ",
        )

    def __enter__(self) -> Self:
        self.console.print(EPOCH_HEADER, style="dim")
        self.progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.progress.stop()


class PredictionProgress:
    """Shows the words so far and words per second, within a `with` block; the last line stays on screen.

    Args:
        shown: whether to show anything: only if stderr is a terminal and results go elsewhere.
    """

    def __init__(self, *, shown: bool) -> None:
        self._shown, self._words = shown, 0
        self._first_words, self._start = 0, 0.0  # words of the first chunk, and when they were done
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._progress = Progress(
            *columns,
            console=err,
            transient=True,
            redirect_stdout=False,  # see `LiveDisplay`
            redirect_stderr=False,
            disable=not shown,
        )
        self._task = self._progress.add_task("loading the model")

    def add(self, words: int) -> None:
        """Count words that are done. The first call starts the clock, so that loading is not counted."""
        self._words += words
        if not self._start:
            self._first_words, self._start = words, time.monotonic()
        self._progress.update(self._task, description=self._summary())

    def __enter__(self) -> PredictionProgress:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self._progress.stop()
        notice(self._summary(), quiet=not self._shown or kind is not None)

    def _summary(self) -> str:
        words, seconds = self._words - self._first_words, time.monotonic() - self._start
        speed = f", {words / seconds:,.0f} words/s" if words and seconds > 0 else ""
        return f"{self._words:,} words{speed}"


class Activity:
    """Shows what a command is doing, within a `with` block, if it takes long; it leaves no trace.

    In a terminal, a line on stderr shows the task, the share that is done and the time. Elsewhere, a plain
    line is printed every half minute if the task reports its progress.

    Args:
        task: what the command is doing, such as "reading train.conll".
        delay: seconds until the line appears.
        quiet: whether to show nothing.
    """

    def __init__(self, task: str, *, delay: float = 0.5, quiet: bool = False) -> None:
        self._task, self._quiet = task, quiet
        self._start = self._last_line = time.monotonic()
        name = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, ratio=1))
        columns = (SpinnerColumn(), name, TextColumn("{task.fields[share]}"), TimeElapsedColumn())
        self._progress = Progress(
            *columns,
            console=err,
            transient=True,
            redirect_stdout=False,  # see `LiveDisplay`
            redirect_stderr=False,
        )
        self._id = self._progress.add_task(task, total=None, share="")
        self._ended, self._lock = False, threading.Lock()
        self._timer = threading.Timer(delay, self._appear)
        self._timer.daemon = True

    def report(self, done: float, total: float) -> None:
        """Report how much is done."""
        share = f"{min(done / total, 1.0) if total else 1.0:.0%}"
        if err.is_terminal:
            self._progress.update(self._id, share=share)
        elif not self._quiet and time.monotonic() - self._last_line > _SECONDS_PER_LINE:
            self._last_line = time.monotonic()
            notice(f"{self._task}: {share}, {self._last_line - self._start:,.0f} s")

    def __enter__(self) -> Self:
        if err.is_terminal and not self._quiet:
            self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._ended = True
            self._progress.stop()

    def _appear(self) -> None:
        with self._lock:
            if not self._ended:
                self._progress.start()

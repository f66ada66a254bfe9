"""How a training run looks while it goes on: a live line and a table in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from typing_extensions import Self

    from rnner.training.progress import Epoch, Step

HEADER = "epoch     loss  tokens/s  gradient  clipped     dev P     dev R    dev F1"


def epoch_line(epoch: Epoch) -> str:
    """One epoch in figures, under `HEADER`; a star marks the best so far."""
    scores = [100 * share for share in (epoch.dev.precision, epoch.dev.recall, epoch.dev.f1)]
    figures = "  ".join(f"{score:8.2f}" for score in scores)
    return (
        f"{epoch.epoch:5}  {epoch.loss:7.3f}  {epoch.tokens_per_second:8,.0f}  {epoch.gradient_norm:8.2f}  "
        f"{epoch.clipped:7.1%}  {figures}{' *' if epoch.best else ''}"
    )


def display_for(console: Console, epochs: int, *, quiet: bool) -> Display:
    """What suits the console."""
    if quiet:
        return QuietDisplay()
    return LiveDisplay(console, epochs) if console.is_terminal else PlainDisplay(console)


class Display(Protocol):
    """Shows what `fit` tells, within a `with` block."""

    def show(self, event: Step | Epoch) -> None:
        """Take in the next event."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class QuietDisplay:
    """Shows nothing."""

    def show(self, event: Step | Epoch) -> None:
        """Nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass


class PlainDisplay:
    """One line an epoch, and one every half minute within it; for logs."""

    def __init__(self, console: Console, *, seconds: float = 30.0) -> None:
        self.console, self.seconds = console, seconds
        self.told = time.monotonic()

    def show(self, event: Step | Epoch) -> None:
        """Print a line if it is time for one."""
        from rnner.training.progress import Epoch

        if isinstance(event, Epoch):
            self.console.print(epoch_line(event))
        elif time.monotonic() - self.told > self.seconds:
            self.console.print(
                f"epoch {event.epoch}, step {event.step} of {event.steps}: loss {event.loss:.3f}, "
                f"{event.tokens / event.seconds:,.0f} tokens/s"
            )
        else:
            return
        self.told = time.monotonic()

    def __enter__(self) -> Self:
        self.console.print(HEADER)
        return self

    def __exit__(self, *error: object) -> None:
        pass


class LiveDisplay:
    """A bar for the epoch under way, the finished ones above it."""

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
        )
        self.task = self.progress.add_task("epoch 1", total=None, figures="")
        self.loss = self.speed = self.gradient = 0.0

    def show(self, event: Step | Epoch) -> None:
        """Move the bar, or print an epoch above it."""
        from rnner.training.progress import Step

        if not isinstance(event, Step):
            self.console.print(epoch_line(event), style="bold" if event.best else None)
            return
        speed = event.tokens / event.seconds
        weight = 0.02 if self.speed else 1.0  # smoothed over about fifty steps
        self.loss += weight * (event.loss - self.loss)
        self.speed += weight * (speed - self.speed)
        self.gradient += weight * (event.gradient_norm - self.gradient)
        self.progress.update(
            self.task,
            description=f"epoch {event.epoch}/{self.epochs}",
            total=self.epochs * event.steps,
            completed=(event.epoch - 1) * event.steps + event.step,
            figures=f"loss {self.loss:.3f}  {self.speed:,.0f} tokens/s  gradient {self.gradient:.2f} ",
        )

    def __enter__(self) -> Self:
        self.console.print(HEADER, style="dim")
        self.progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.progress.stop()

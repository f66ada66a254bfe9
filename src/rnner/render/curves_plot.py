"""The training curves of one or more runs as one picture. Needs matplotlib.

A run with several seeds has one thin line per seed and a thick line for their mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from rnner.model.epoch_log import LoggedEpoch, best_epoch
from rnner.render.plotting import COLOURS, Axes, Figure, caption, picture
from rnner.system.terminal import printable

Runs = Mapping[str, Sequence[Sequence[LoggedEpoch]]]
"""The epochs of each seed of each run, by the run's name; no run and no seed is empty."""

_Value = Callable[[LoggedEpoch], float]
_PANELS: list[tuple[str, str, _Value]] = [  # title, unit, value
    ("F1 on dev", "%", lambda epoch: 100 * epoch.f1),
    ("Learning rate", "at the last step of the epoch", lambda epoch: epoch.learning_rate),
    ("Gradient norm", "mean over steps, before clipping", lambda epoch: epoch.gradient_norm),
    ("Clipped steps", "% of the epoch's steps", lambda epoch: 100 * epoch.clipped),
]
_CAPTION = (
    "The star marks the epoch whose weights are saved; a run overfits where its loss on dev (dashed) rises "
    "while its loss on train (solid) falls."
)


def plot_curves(runs: Runs, form: str) -> bytes:
    """Return an image of loss, F1, learning rate, gradient norm and clipped steps over the epochs.

    Args:
        runs: at least one.
        form: one of `rnner.render.plotting.PICTURES`.

    Raises:
        UsageError: matplotlib is not installed.
    """
    return picture(lambda figure: _plot(figure, runs), form)


def _plot(figure: Figure, runs: Runs) -> None:
    figure.set_size_inches(11, 6.4)
    losses, scores, legend, *others = figure.subplots(2, 3).flat
    panels = [scores, *others]
    colours = _colours(runs)
    for name, seeds in runs.items():
        _draw(losses, seeds, lambda epoch: epoch.loss, colours[name])
        _draw(losses, seeds, lambda epoch: epoch.dev_loss, colours[name], dashed=True)
        for axes, (_, _, value) in zip(panels, _PANELS, strict=True):
            _draw(axes, seeds, value, colours[name])
        best = max(map(best_epoch, seeds), key=lambda epoch: (epoch.f1, -epoch.dev_loss))
        scores.plot(best.epoch, 100 * best.f1, "*", color=colours[name], markersize=13, mec="white")
    losses.set(title="Loss", ylabel="per sentence")
    _scale_loss(losses, (epoch for seeds in runs.values() for epochs in seeds for epoch in epochs))
    for axes, (title, unit, _) in zip(panels, _PANELS, strict=True):
        axes.set(title=title, ylabel=unit)
        axes.set_ylim(bottom=0)
    for axes in (losses, *panels):
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
    _legend(legend, runs, colours)
    caption(figure, _CAPTION)


def _draw(
    axes: Axes, seeds: Sequence[Sequence[LoggedEpoch]], value: _Value, colour: str, *, dashed: bool = False
) -> None:
    """Draw one line per seed and, for several seeds, the mean over the epochs that all of them have."""
    several, style = len(seeds) > 1, "--" if dashed else "-"
    for epochs in seeds:
        points = [epoch.epoch for epoch in epochs], [value(epoch) for epoch in epochs]
        axes.plot(
            *points,
            style,
            color=colour,
            lw=0.9 if several else 2,
            alpha=0.4 if several else 1,
            **_dot(epochs),
        )
    if several:
        by_number = [{epoch.epoch: value(epoch) for epoch in epochs} for epochs in seeds]
        shared = sorted(set.intersection(*(set(values) for values in by_number)))
        means = [fmean(values[number] for values in by_number) for number in shared]
        axes.plot(shared, means, style, color=colour, lw=2, **_dot(shared))


def _dot(points: Sequence[object]) -> dict[str, Any]:
    """Return the style of a marker for a line of one point, which would be invisible."""
    return {"marker": "."} if len(points) == 1 else {}


def _scale_loss(axes: Axes, epochs: Iterable[LoggedEpoch]) -> None:
    """Give the loss a logarithmic axis if all losses are positive, since it falls by orders of magnitude."""
    from matplotlib.ticker import LogLocator, NullFormatter

    if all(epoch.loss > 0 and epoch.dev_loss > 0 for epoch in epochs):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(bottom=0)


def _legend(axes: Axes, runs: Runs, colours: Mapping[str, str]) -> None:
    """Fill a panel with the legend: the runs with their best F1, then the kinds of lines."""
    from matplotlib.lines import Line2D

    axes.set_axis_off()
    entries = []
    for name, seeds in runs.items():
        scores = [100 * best_epoch(epochs).f1 for epochs in seeds]
        mean = f" (mean of {len(scores)} seeds)" if len(scores) > 1 else ""
        entries.append(
            (Line2D([], [], color=colours[name], lw=2), f"{printable(name)}: F1 {fmean(scores):.1f}{mean}")
        )
    entries.append((Line2D([], [], color="gray"), "loss on train"))
    entries.append((Line2D([], [], color="gray", linestyle="--"), "loss on dev"))
    if any(len(seeds) > 1 for seeds in runs.values()):
        entries.append((Line2D([], [], color="gray", lw=0.9, alpha=0.5), "one seed (thick line: mean)"))
    entries.append((Line2D([], [], color="gray", marker="*", markersize=11, ls=""), "best epoch"))
    axes.legend(
        *zip(*entries, strict=True), loc="upper left", frameon=False, fontsize=8 if len(runs) < 10 else 6
    )


def _colours(runs: Runs) -> dict[str, str]:
    """Return a colour for each run; they repeat only if there are more than twenty."""
    import matplotlib
    from matplotlib.colors import to_hex

    many = [to_hex(matplotlib.colormaps["tab20"](n)) for n in range(20)]
    palette = COLOURS if len(runs) <= len(COLOURS) else many
    return {name: palette[n % len(palette)] for n, name in enumerate(runs)}

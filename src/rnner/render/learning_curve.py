"""A learning curve in the terminal, and as a picture. The picture needs matplotlib."""

from __future__ import annotations

import statistics

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from rnner.render.plotting import COLOURS, Figure, caption, picture
from rnner.render.tables import numeric_table
from rnner.scoring.bootstrap import Interval
from rnner.scoring.power_law import MIN_SIZES, fit_power_law
from rnner.training.learning_curve import FACTORS, LearningCurve


def learning_curve_table(curve: LearningCurve) -> RenderableType:
    """Return a row per share and per extrapolation, in per cent, and the verdict."""
    table = numeric_table("Training data", "Sentences", "Entities", "F1 on dev", "± seeds")
    for own, size in zip(curve.by_share(), curve.sizes(), strict=True):
        scores = [100 * point.f1 for point in own]
        spread = f"{statistics.stdev(scores):.2f}" if len(scores) > 1 else "–"
        entities = statistics.fmean(point.entities for point in own)
        table.add_row(
            f"{100 * own[0].share:g}%",
            f"{size:,.0f}",
            f"{entities:,.0f}",
            f"{statistics.fmean(scores):.2f}",
            spread,
        )
    parts: list[RenderableType] = [table]
    if curve.predictions:
        more = numeric_table("If you annotate more", "Sentences", "F1 on dev", "95% interval")
        for factor, prediction in zip(FACTORS, curve.predictions, strict=True):
            span = _interval(prediction.interval)
            more.add_row(f"{factor} times", f"{prediction.size:,.0f}", f"{100 * prediction.f1:.2f}", span)
        parts += ["", more]
    return Group(*parts, "", Text(curve.verdict()))


def plot_learning_curve(curve: LearningCurve, form: str) -> bytes:
    """Return an image of F1 against the size of the training data, with the extrapolation.

    Args:
        curve: with at least one point.
        form: one of `rnner.render.plotting.PICTURES`.

    Raises:
        UsageError: matplotlib is not installed.
    """
    return picture(lambda figure: _plot(figure, curve), form)


def _plot(figure: Figure, curve: LearningCurve) -> None:
    from matplotlib.ticker import NullFormatter, NullLocator

    figure.set_size_inches(7, 4.4)
    axes, sizes, measured = figure.subplots(), curve.sizes(), COLOURS[0]
    means = [100 * statistics.fmean(point.f1 for point in own) for own in curve.by_share()]
    points = [(point.sentences, 100 * point.f1) for point in curve.points]
    axes.plot(
        *zip(*points, strict=True), "o", color=measured, alpha=0.35, mec="none", label="one training run"
    )
    axes.plot(sizes, means, "o-", color=measured, lw=2, label="mean over seeds")
    if len(set(sizes)) >= MIN_SIZES:
        law = fit_power_law(sizes, [mean / 100 for mean in means])
        grid = np.geomspace(sizes[0], FACTORS[-1] * sizes[-1], 100)
        formula = "F1 = a − b · n^−c, fitted"
        axes.plot(grid, 100 * law.at(grid.tolist()), "--", color=COLOURS[1], label=formula)
    for number, prediction in enumerate(curve.predictions):
        label = "extrapolated, 95% interval" if prediction.interval and not number else None
        error = None
        if prediction.interval:
            low, high = (100 * edge for edge in (prediction.interval.low, prediction.interval.high))
            error = [[max(0.0, 100 * prediction.f1 - low)], [max(0.0, high - 100 * prediction.f1)]]
        axes.errorbar(
            prediction.size, 100 * prediction.f1, error, fmt="D", color=COLOURS[1], capsize=4, label=label
        )
    axes.set_xscale("log")
    ticks = [*sizes, *(prediction.size for prediction in curve.predictions)]
    axes.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(title="Learning curve", xlabel="training sentences (logarithmic)", ylabel="F1 on dev in %")
    axes.legend(loc="lower right", frameon=False)
    caption(figure, curve.verdict())


def _interval(interval: Interval | None) -> str:
    return "unknown" if interval is None else f"{100 * interval.low:.2f} to {100 * interval.high:.2f}"

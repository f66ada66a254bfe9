"""A learning curve as a picture. Needs matplotlib."""

from __future__ import annotations

import statistics

import numpy as np

from rnner.render.plotting import COLOURS, Figure, caption, picture
from rnner.scoring.power_law import MIN_SIZES, fit_power_law
from rnner.training.learning_curve import FACTORS, LearningCurve


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

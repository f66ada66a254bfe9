"""A learning curve in the terminal."""

from __future__ import annotations

import statistics

from rich.console import Group, RenderableType
from rich.text import Text

from rnner.render.tables import numeric_table
from rnner.scoring.bootstrap import Interval
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


def _interval(interval: Interval | None) -> str:
    return "unknown" if interval is None else f"{100 * interval.low:.2f} to {100 * interval.high:.2f}"

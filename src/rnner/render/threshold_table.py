"""The scores of a model at different thresholds in the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from rnner.errors import counted
from rnner.render.marked_text import coloured_label
from rnner.render.tables import numeric_table
from rnner.scoring.bootstrap import LEVEL, RESAMPLES
from rnner.scoring.thresholds import Point, ThresholdReport

_STEP = 5  # hundredths between the rows of the table


def threshold_table(report: ThresholdReport) -> RenderableType:
    """Return a row for every twentieth, the chosen threshold and the present setting, in per cent."""
    best, score = report.best, f_name(report.beta)
    table = numeric_table("Threshold", "Precision", "Recall", score)
    table.add_row(*_cells(report.now, f"now ({_setting(report.now)})"))
    table.add_section()
    for point in report.points:
        assert point.threshold is not None
        if point is best:
            table.add_row(*_cells(point, f"{point.threshold:.2f} best"), style="bold")
        elif round(100 * point.threshold) % _STEP == 0:
            table.add_row(*_cells(point, f"{point.threshold:.2f}"))
    if best is None:
        return table
    types = numeric_table("Type", "Precision", "Recall", "F1", "Gold")
    for label, own in report.per_type.items():
        shares = (f"{100 * share:.2f}" for share in (own.precision, own.recall, own.f1))
        types.add_row(coloured_label(label), *shares, str(own.support))
    return Group(table, "", Text(f"At {best.threshold:.2f}", style="bold"), types, "", Text(verdict(report)))


def verdict(report: ThresholdReport) -> str:
    """Return how good the chosen threshold is and how sure that is, in words."""
    best, gain, spread = report.best, report.gain_interval, report.threshold_interval
    assert best is not None and gain is not None and spread is not None and report.gain is not None
    name, units = f_name(report.beta), counted(len(report.units), report.units.kind)
    lines = [
        f"{name} is {100 * report.gain:+.2f} against the present setting; {LEVEL:.0%} interval "
        f"{100 * gain.low:+.2f} to {100 * gain.high:+.2f} (bootstrap, {RESAMPLES:,} resamples of {units})."
    ]
    if report.target is not None:
        lines.append(
            f"Precision is at least {100 * report.target:g}% in {report.reached:.0%} of the resamples."
        )
    elif gain.low <= 0:
        lines.append("The interval includes 0: on other text, the present setting may be as good or better.")
    if spread.high > spread.low:
        lines.append(f"Resamples choose thresholds from {spread.low:.2f} to {spread.high:.2f}.")
    lines.append("The threshold was chosen on these data, so its scores here are slightly too high.")
    return "\n".join(lines)


def f_name(beta: float) -> str:
    """Return F1, F0.5 or F2."""
    return f"F{beta:g}"


def _setting(now: Point) -> str:
    return "none" if now.threshold is None else f"{now.threshold:g}"


def _cells(point: Point, name: str) -> list[str]:
    return [name, *(f"{100 * share:.2f}" for share in (point.precision, point.recall, point.f_beta))]

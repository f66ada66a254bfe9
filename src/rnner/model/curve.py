"""The training curve in a model folder, `training.svg`: F1 on dev and loss over the epochs.

It is drawn without matplotlib, so that every run has one. Two charts, one below the other, are as wide as a
phone's screen. The same log gives the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from rnner.model.epoch_log import LoggedEpoch, best_epoch

_WIDTH, _HEIGHT = 380, 400  # px
_LEFT, _RIGHT = 42, 368  # of both charts
_BLUE, _ORANGE, _INK, _GRID = "#1f6fbf", "#b85300", "#333333", "#e3e3e3"
_HALO = " stroke='#ffffff' stroke-width='3' paint-order='stroke'"
_STYLE = "font-family='sans-serif' font-size='12'"


class _Line(NamedTuple):
    """One line of a chart: its name, its value in each epoch, and how it is drawn."""

    name: str
    values: list[float]
    colour: str
    dashes: str = ""


def training_curve(epochs: Sequence[LoggedEpoch]) -> str:
    """Return the curve of one or more epochs as SVG."""
    best = best_epoch(epochs)
    numbers = [epoch.epoch for epoch in epochs]
    scores = _Line("F1 on dev", [100 * epoch.f1 for epoch in epochs], _BLUE)
    losses = [
        _Line("train", [epoch.loss for epoch in epochs], _ORANGE),
        _Line("dev", [epoch.dev_loss for epoch in epochs], _BLUE, "6 3"),
    ]
    chart = [
        *_chart("F1 on dev in %", numbers, [scores], top=30, bottom=160),
        *_marker(numbers, scores, best.epoch, top=30, bottom=160),
        *_chart("Loss per sentence", numbers, losses, top=218, bottom=348),
        *_legend(losses, y=204),
        _text((_LEFT + _RIGHT) / 2, 392, "epoch", "middle"),
    ]
    return "\n".join(
        [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {_HEIGHT}' width='{_WIDTH}' "
            f"height='{_HEIGHT}' role='img' aria-labelledby='title desc' {_STYLE}>",
            "<title id='title'>Training curve</title>",
            f"<desc id='desc'>{describe_curve(epochs)}</desc>",
            f"<rect width='{_WIDTH}' height='{_HEIGHT}' fill='#ffffff'/>",
            *chart,
            "</svg>\n",
        ]
    )


def describe_curve(epochs: Sequence[LoggedEpoch]) -> str:
    """Return what a curve shows, in words."""
    first, last, best = epochs[0], epochs[-1], best_epoch(epochs)
    return (
        f"F1 on dev is {100 * first.f1:.1f} after epoch {first.epoch}, "
        f"{100 * best.f1:.1f} after the best epoch, {best.epoch}, "
        f"and {100 * last.f1:.1f} after the last, {last.epoch}. "
        f"Loss on train: {first.loss:.2f} at first, {last.loss:.2f} at the end; "
        f"on dev: {first.dev_loss:.2f} and {last.dev_loss:.2f}."
    )


def _chart(title: str, epochs: list[int], lines: Sequence[_Line], *, top: int, bottom: int) -> list[str]:
    """Return a chart with its title, ticks and lines."""
    ticks = _ticks(
        0, max((value for line in lines for value in line.values if math.isfinite(value)), default=1)
    )
    parts = [_text(8, top - 14, title, "start", " font-weight='bold'")]
    for tick in ticks:
        y = _y(tick, ticks[-1], top, bottom)
        parts.append(f"<path d='M{_LEFT} {y}H{_RIGHT}' stroke='{_GRID}'/>")
        parts.append(_text(_LEFT - 6, y + 4, f"{tick:g}", "end"))
    for epoch in sorted({round(tick) for tick in _ticks(epochs[0], epochs[-1])} & set(epochs)):
        parts.append(_text(_x(epoch, epochs), bottom + 18, str(epoch), "middle"))
    for line in lines:
        points = [
            f"{_x(epoch, epochs)},{_y(value, ticks[-1], top, bottom)}"
            for epoch, value in zip(epochs, line.values, strict=True)
            if math.isfinite(value)
        ]
        if len(points) == 1:  # a line of one point would be invisible
            cx, cy = points[0].split(",")
            parts.append(f"<circle cx='{cx}' cy='{cy}' r='3' fill='{line.colour}'/>")
        parts.append(
            f"<polyline points='{' '.join(points)}' fill='none' stroke='{line.colour}' stroke-width='2'"
            f"{_dashed(line)}/>"
        )
    return parts


def _marker(epochs: list[int], line: _Line, best: int, *, top: int, bottom: int) -> list[str]:
    """Mark the best epoch on a line, with its value below."""
    value = line.values[epochs.index(best)]
    limit = _ticks(0, max(line.values))[-1]
    x, y = _x(best, epochs), _y(value, limit, top, bottom)
    label = f"best: {value:.1f} in epoch {best}"
    right = x > (_LEFT + _RIGHT) / 2
    return [
        f"<circle cx='{x}' cy='{y}' r='4.5' fill='{line.colour}' stroke='#ffffff' stroke-width='1.5'/>",
        _text(x, min(y + 20, bottom - 4), label, "end" if right else "start", _HALO),
    ]


def _legend(lines: Sequence[_Line], *, y: int) -> list[str]:
    parts, x = [], 250
    for line in lines:
        parts.append(
            f"<path d='M{x} {y - 4}h22' stroke='{line.colour}' stroke-width='2'{_dashed(line)} fill='none'/>"
        )
        parts.append(_text(x + 28, y, line.name, "start"))
        x += 66
    return parts


def _dashed(line: _Line) -> str:
    return f" stroke-dasharray='{line.dashes}'" if line.dashes else ""


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    return f"<text x='{x:g}' y='{y:g}' text-anchor='{anchor}' fill='{_INK}'{more}>{text}</text>"


def _x(epoch: int, epochs: Sequence[int]) -> float:
    share = (epoch - epochs[0]) / (epochs[-1] - epochs[0]) if epochs[-1] > epochs[0] else 0.5
    return round(_LEFT + 6 + share * (_RIGHT - _LEFT - 12), 1)


def _y(value: float, limit: float, top: int, bottom: int) -> float:
    return round(bottom - value / limit * (bottom - top), 1)


def _ticks(low: float, high: float) -> list[float]:
    """Return three to six round numbers from at most `low` to at least `high`, which is not below it."""
    span = high - low or 1.0
    power = 10 ** math.floor(math.log10(span / 4))
    step = next(factor * power for factor in (1, 2, 5, 10) if span / (factor * power) <= 5)
    return [
        number * step for number in range(math.floor(low / step), math.ceil(low / step + span / step) + 1)
    ]

"""Pictures of the HTML report: the confusion matrix of types and the reliability diagram."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rnner.render.html_head import escape
from rnner.scoring.calibration import Calibration
from rnner.scoring.error_analysis import type_matrix

if TYPE_CHECKING:  # would import torch
    from rnner.scoring.evaluation import EvaluationReport

_SHADES = 10  # of the cells of the matrix
_LEFT, _TOP, _SIZE = 52, 12, 240  # of the diagram's plane, in units of the picture
_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def matrix_section(report: EvaluationReport, number: int, labels: Sequence[str]) -> str:
    """Return the confusion matrix of types as a shaded table; its cells lead to the errors.

    Args:
        report: the scores of a system.
        number: the number of the system on the page.
        labels: the labels of all systems; errors refer to them by position.
    """
    matrix = type_matrix(
        {label: score.correct for label, score in report.scores.per_type.items()}, report.confusions
    )
    own = list(report.scores.per_type)
    rows = []
    for gold in (*own, None):
        total = sum(matrix[gold, found] for found in (*own, None)) or 1
        cells = "".join(
            _cell(gold, found, matrix[gold, found], matrix[gold, found] / total, number, labels)
            for found in (*own, None)
        )
        name = "no entity" if gold is None else f"<bdi>{escape(gold)}</bdi>"
        rows.append(f'<tr><th scope="row">{name}</th>{cells}</tr>')
    head = "".join(f'<th scope="col"><bdi>{escape(label)}</bdi></th>' for label in own)
    title = "Gold types in rows, found types in columns"
    return (
        "<section>\n<h3>Confusion of types</h3>\n"
        '<p class="note">Each row shows how the entities of a gold type were found. The stronger the colour, '
        "the larger the share of the row. Entities with the right type and wrong boundaries are on the "
        "diagonal. Each number off the diagonal leads to its errors.</p>\n"
        f'<div class="scroll" role="group" aria-label="{title}" tabindex="0">\n'
        f'<table class="matrix">\n<caption>{title}</caption>\n'
        f'<thead><tr><th scope="col">Gold</th>{head}<th scope="col">missed</th></tr></thead>\n<tbody>\n'
        f"{chr(10).join(rows)}\n</tbody>\n</table>\n</div>\n</section>\n"
    )


def _cell(
    gold: str | None, found: str | None, count: int, share: float, number: int, labels: Sequence[str]
) -> str:
    if not count:
        return '<td class="zero">0</td>' if (gold, found) != (None, None) else "<td></td>"
    kind = "right" if gold == found else "wrong"
    shade = f'<td class="{kind} shade-{math.ceil(_SHADES * share)}">'
    if gold == found:
        return f"{shade}{count:,}</td>"
    places = ("none" if label is None else labels.index(label) for label in (gold, found))
    words = ("no entity" if gold is None else gold, "missed" if found is None else f"found as {found}")
    return '{}<a href="#errors-{}" data-gold="{}" data-found="{}" aria-label="{:,}: {}">{:,}</a></td>'.format(
        shade, number, *places, count, escape(", ".join(words)), count
    )


def calibration_section(calibration: Calibration, number: int) -> str:
    """Return the reliability diagram, the expected calibration error and the table of bins."""
    rows = "\n".join(
        f'<tr><th scope="row">{it.low:.1f} to {it.high:.1f}</th><td>{it.count:,}</td>'
        f"<td>{it.probability:.3f}</td><td>{it.correct:.3f}</td></tr>"
        for it in calibration.bins
    )
    columns = ("Probability", "Found", "Mean probability", "Share correct")
    head = "".join(f'<th scope="col">{title}</th>' for title in columns)
    return (
        "<section>\n<h3>Calibration</h3>\n"
        f"<p>Expected calibration error: <strong>{100 * calibration.error:.2f}</strong> per cent. This is "
        "how far the probability of found entities is from the share of them that is correct, on average "
        "over ten ranges of probability.</p>\n"
        f'<div class="reliability">\n{_diagram(calibration, number)}'
        f"<table>\n<caption>Found entities by their probability</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody>\n</table>\n</div>\n</section>\n"
    )


def _diagram(calibration: Calibration, number: int) -> str:
    bottom, right = _TOP + _SIZE, _LEFT + _SIZE
    bars = "\n".join(
        f'<rect class="bar" x="{_x(it.low) + 1:.1f}" y="{_y(it.correct):.1f}" '
        f'width="{_SIZE * (it.high - it.low) - 2:.1f}" height="{_SIZE * it.correct:.1f}"/>'
        for it in calibration.bins
    )
    dots = "\n".join(
        f'<circle class="dot" cx="{_x(it.probability):.1f}" cy="{_y(it.correct):.1f}" r="4"/>'
        for it in calibration.bins
    )
    ticks = "\n".join(
        f'<text x="{_x(at):.0f}" y="{bottom + 18}" text-anchor="middle">{at:.1f}</text>'
        f'<text x="{_LEFT - 8}" y="{_y(at) + 4:.0f}" text-anchor="end">{at:.1f}</text>'
        for at in _TICKS
    )
    middle = _TOP + _SIZE / 2
    return (
        f'<svg viewBox="0 0 {right + 12} {bottom + 44}" role="img" '
        f'aria-labelledby="diagram-{number} diagram-text-{number}">\n'
        f'<title id="diagram-{number}">Reliability diagram</title>\n'
        f'<desc id="diagram-text-{number}">Bars show the share of correct entities in each range of '
        "probability. On the diagonal, both are equal. The table has the same numbers.</desc>\n"
        f'{bars}\n<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{right}"/>\n'
        f'<path class="diagonal" d="M{_LEFT} {bottom}L{right} {_TOP}"/>\n{dots}\n{ticks}\n'
        f'<text x="{_LEFT + _SIZE / 2:.0f}" y="{bottom + 38}" text-anchor="middle">probability</text>\n'
        f'<text x="14" y="{middle:.0f}" text-anchor="middle" transform="rotate(-90 14 {middle:.0f})">'
        "share correct</text>\n</svg>\n"
    )


def _x(share: float) -> float:
    return _LEFT + _SIZE * share


def _y(share: float) -> float:
    return _TOP + _SIZE * (1 - share)

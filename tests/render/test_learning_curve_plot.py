"""A learning curve as a table and as a picture."""

import pytest
from rich.console import Console

from rnner.render.learning_curve_plot import _plot, plot_learning_curve
from rnner.render.learning_curve_table import learning_curve_table
from rnner.training.learning_curve import CurvePoint, LearningCurve

SCORES = {0.125: (0.30, 0.32), 0.25: (0.42, 0.43), 0.5: (0.52, 0.53), 1.0: (0.60, 0.61)}


def curve_of(shares=4, seeds=2):
    points = [
        CurvePoint(seed, share, int(1000 * share), int(2000 * share), score, score, score, 1.0)
        for share, scores in list(SCORES.items())[-shares:]
        for seed, score in enumerate(scores[:seeds], 1)
    ]
    return LearningCurve.of(points)


def table_of(curve, width=80):
    console = Console(width=width, record=True, file=None, quiet=False, force_terminal=False)
    with console.capture() as captured:
        console.print(learning_curve_table(curve))
    return captured.get()


def test_the_table_has_a_row_per_share_and_per_extrapolation():
    shown = table_of(curve_of())
    rows = [line.split() for line in shown.splitlines() if line]
    assert ["12.5%", "125", "250", "31.00", "1.41"] in rows
    assert ["100%", "1,000", "2,000", "60.50", "0.71"] in rows
    assert [row[:3] for row in rows if row[1:2] == ["times"]] == [
        ["2", "times", "2,000"],
        ["4", "times", "4,000"],
    ]
    assert max(map(len, shown.splitlines())) <= 80


def test_an_unknown_interval_is_called_unknown():
    assert table_of(curve_of(seeds=1)).count("unknown") == 2
    assert "times" not in table_of(curve_of(shares=2))


@pytest.mark.parametrize("curve", [curve_of(seeds=1), curve_of(shares=1)])
def test_any_curve_can_be_drawn(curve):
    assert plot_learning_curve(curve, "svg").startswith(b"<?xml")


def test_the_picture_has_the_points_their_mean_and_the_extrapolation():
    from matplotlib.figure import Figure

    figure = Figure()
    _plot(figure, curve_of())
    (axes,) = figure.axes
    assert len(axes.lines[0].get_xdata()) == 8
    assert list(axes.lines[1].get_ydata()) == pytest.approx([31, 42.5, 52.5, 60.5])
    assert [text.get_text() for text in axes.get_legend().get_texts()][-1] == "extrapolated, 95% interval"
    assert "twice the data" in figure.get_supxlabel().replace("\n", " ")

"""The content of the picture of training curves."""

import re
from dataclasses import replace

import pytest

from logged_epochs import LOG, epoch
from rnner.render import plotting
from rnner.render.curves_plot import _plot, plot_curves


@pytest.fixture
def texts(monkeypatch):
    monkeypatch.setitem(plotting.FILE_STYLE, "svg.fonttype", "none")
    return lambda runs: re.findall(r"<text[^>]*>([^<]*)</text>", plot_curves(runs, "svg").decode())


def panels_of(runs):
    from matplotlib.figure import Figure

    figure = Figure()
    _plot(figure, runs)
    return {axes.get_title(loc="center") or axes.get_title(loc="left"): axes for axes in figure.axes}


def lines_of(axes):
    return [
        (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines if line.get_marker() != "*"
    ]


def test_each_figure_of_the_log_has_a_panel():
    panels = panels_of({"run": [LOG]})
    drawn = {title: [y for _, y in lines_of(axes)] for title, axes in panels.items() if title}
    assert drawn == {
        "Loss": [[8.0, 2.0, 1.0], [4.0, 3.0, 3.5]],
        "F1 on dev": [[25.0, 62.5, 50.0]],
        "Learning rate": [[0.002] * 3],
        "Gradient norm": [[4.0] * 3],
        "Clipped steps": [[25.0] * 3],
    }


def test_the_star_is_at_the_best_epoch_of_the_best_seed():
    worse = [replace(line, f1=line.f1 / 2) for line in LOG]
    (star,) = [
        line for line in panels_of({"run": [worse, LOG]})["F1 on dev"].lines if line.get_marker() == "*"
    ]
    assert (list(star.get_xdata()), list(star.get_ydata())) == ([2], [62.5])


def test_seeds_are_drawn_with_their_mean_over_the_epochs_that_all_have():
    scores = lines_of(panels_of({"run": [LOG, [epoch(1, f1=0.75), epoch(2, f1=0.875)]]})["F1 on dev"])
    assert scores == [([1, 2, 3], [25.0, 62.5, 50.0]), ([1, 2], [75.0, 87.5]), ([1, 2], [50.0, 75.0])]


def test_the_legend_names_runs_and_lines_and_a_sentence_says_what_to_see(texts):
    shown = texts({"one": [LOG], "$two$": [LOG, LOG[:2]]})
    assert {"one: F1 62.5", "$two$: F1 62.5 (mean of 2 seeds)", "loss on dev", "best epoch"} <= set(shown)
    assert "The star marks the epoch whose weights are saved" in " ".join(shown)


@pytest.mark.parametrize("count", [1, 7, 25])
def test_any_number_of_runs_can_be_drawn(count):
    runs = {f"run-{number}": [LOG] for number in range(count)}
    colours = {line.get_color() for line in panels_of(runs)["Gradient norm"].lines}
    assert len(colours) == min(count, 20)


@pytest.mark.parametrize("log", [[epoch(1, loss=0.0)], [epoch(4, dev_loss=float("inf"))]])
def test_unusual_losses_can_be_drawn(log):
    assert plot_curves({"run": [log]}, "png").startswith(b"\x89PNG")


@pytest.mark.parametrize(("form", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_equal_logs_give_equal_files(form, start):
    image = plot_curves({"run": [LOG]}, form)
    assert image.startswith(start)
    assert plot_curves({"run": [LOG]}, form) == image

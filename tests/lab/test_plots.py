"""The content of the pictures."""

import pytest
from matplotlib.figure import Figure

from rnner.lab import bidirectional, feedforward, gates, gradients, memory, shapes

FLOW = {"state": [1.0, 0.5, 0.1], "input": [0.5, 0.2], "share": [0.7, 0.3]}


def panels_of(module, results):
    figure = Figure()
    module.plot(figure, results)
    return figure.axes


def line_labels(axes):
    return [line.get_label() for line in axes.lines if not line.get_label().startswith("_")]


def test_gradients_have_one_panel_per_cell_and_one_line_per_scale():
    names = ["rnn", "gru", "lstm", "mine"]
    fresh = {f"{name}, W_aa × {scale}": FLOW for name in names for scale in gradients.SCALES}
    trained = {f"{name}, trained": FLOW for name in names}
    clipping = {"clipped": {"loss": [1.0, 0.5]}, "not clipped": {"loss": [1.0, 2e6]}}
    results = {"cells": names, "fresh": fresh, "trained": trained, "clipping": clipping}
    *panels, by_distance, shares, losses = panels_of(gradients, results)
    assert [panel.get_title().partition(":")[0] for panel in panels] == names
    assert all(line_labels(panel) == [f"W_aa × {scale}" for scale in gradients.SCALES] for panel in panels)
    assert line_labels(by_distance) == list(trained)
    assert list(shares.lines[0].get_ydata()) == pytest.approx([0.7, 1.0])
    assert line_labels(losses) == ["clipped", "not clipped"]


def test_memory_has_one_panel_per_length_of_training():
    row = {"mean": [0.9, 0.6], "deviation": [0.1, 0.2], "seeds": [[0.8, 0.4], [1.0, 0.8]]}
    accuracy = {f"{cell}, {steps} steps": row for steps in (300, 1600) for cell in ("rnn", "gru")}
    panels = panels_of(memory, {"distances": [2, 80], "accuracy": accuracy})
    assert [panel.get_title() for panel in panels] == [f"Agreement after {n} steps" for n in (300, 1600)]
    for panel in panels:
        assert [text.get_text() for text in panel.get_legend().get_texts()] == ["rnn", "gru"]


def test_gates_have_one_heat_map_each_and_one_of_kept_shares():
    one = {"words": ["a", "b"], "gates": {"Γ_u": [[0.1, 0.2, 0.3], [1, 1, 1]]}, "kept": [[1, 0], [0.5, 1]]}
    panels = [panel for panel in panels_of(gates, {"forward": one, "backward": one}) if panel.images]
    assert [panel.images[0].get_array().shape for panel in panels] == [(3, 2), (2, 2)] * 2
    assert [tick.get_text() for tick in panels[0].get_xticklabels()] == ["a", "b"]


@pytest.mark.parametrize(
    ("module", "results", "values"),
    [
        (bidirectional, {"sentences": [{"words": ["a"], "names": {"one": [0.25]}}]}, ["0.25"]),
        (shapes, {"one-to-one": {"measure": "F1", "baseline": 0.5, "network": 0.75}}, ["0.50", "0.75"]),
        (
            feedforward,
            {"networks": [{"network": "RNN", "shown": shown, "f1": [0.1, 0.2]} for shown in (8, 30)]},
            ["0.10", "0.20"] * 2,
        ),
    ],
)
def test_every_bar_has_its_value(module, results, values):
    assert [text.get_text() for panel in panels_of(module, results) for text in panel.texts] == values

"""`rnner lab`: tables on stdout, results and pictures in a folder."""

import json

import pytest

from rnner.lab import feedforward, gradients, memory, shapes

CELL = """
import torch
from rnner.nn.cells import Cell, register_cell

@register_cell("leaky")
class LeakyCell(Cell):
    gates = 1

    def step(self, x, state):
        (a,) = state
        return (0.5 * a + 0.5 * torch.tanh(x + a @ self.W_aa.T),)
"""


@pytest.fixture(scope="module")
def leaky(tmp_path_factory):
    """A file that registers a cell."""
    path = tmp_path_factory.mktemp("code") / "leaky.py"
    path.write_text(CELL)
    return path


@pytest.fixture(autouse=True)
def short_training(monkeypatch):
    """Train for one step only."""
    for module in (feedforward, memory, shapes):
        original = module.train
        monkeypatch.setattr(module, "train", lambda model, loss, _, train=original: train(model, loss, 1))
    monkeypatch.setattr(memory, "DISTANCES", (1, 3))


@pytest.fixture
def no_pictures(monkeypatch):
    """Pictures take a second each; the first test and tests/lab/test_plots.py draw them."""
    monkeypatch.setattr("rnner.render.plotting.light_and_dark_pngs", lambda plot: {})


def test_gates_of_a_model(rnner, trained, tmp_path):
    out = tmp_path / "new" / "gates"
    outcome = rnner("lab", "gates", "Ada left London", "--model", trained, "--output", out)
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert [line.strip() for line in lines if len(line.split()) == 1] == ["forward", "backward"]
    assert [line.split()[0] for line in lines[2:5]] == ["Ada", "left", "London"]
    assert max(map(len, lines)) <= 100
    figures = json.loads((out / "figures.json").read_text())
    assert figures["backward"]["words"] == ["London", "left", "Ada"]
    assert {path.name for path in out.iterdir()} == {"figures.json", "picture.png", "picture-dark.png"}


def test_results_without_matplotlib(rnner, trained, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    outcome = rnner("lab", "gates", "Ada", "--model", trained, "--output", tmp_path)
    assert outcome.code == 0
    assert "pip install matplotlib" in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]


def test_results_are_replaced_only_with_overwrite(rnner, no_pictures, trained, tmp_path, one_line):
    (tmp_path / "figures.json").write_text("mine")
    command = ["lab", "gates", "Ada", "--model", trained, "--output", tmp_path]
    one_line(rnner(*command), 2, "figures.json already exists", "--overwrite")
    assert (tmp_path / "figures.json").read_text() == "mine"
    assert rnner(*command, "--overwrite").code == 0
    assert "forward" in json.loads((tmp_path / "figures.json").read_text())


def test_gates_of_an_agreement_network(rnner):
    outcome = rnner("lab", "gates", "--quick")
    assert outcome.code == 0, outcome.err
    assert "cats" in outcome.out and "Γ_r" in outcome.out


def test_gradients_of_a_user_cell_and_of_a_model(rnner, no_pictures, trained, leaky, tmp_path, monkeypatch):
    monkeypatch.setattr(gradients, "train_adding", lambda *_: {"loss": [1.0], "norm": [2.0]})
    monkeypatch.setattr(gradients, "SCALES", (1.0,))
    code = ["--code", leaky, "--cell", "leaky", "--quick"]
    outcome = rnner("lab", "gradients", *code, "--model", trained, "--output", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    figures = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert list(figures["trained"]) == ["forward, trained", "backward, trained"]
    assert list(figures["fresh"]) == ["leaky, W_aa × 1.0"]
    assert "leaky, W_aa × 1.0" in outcome.out and "not clipped" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 100


def test_memory_of_a_user_cell(rnner, leaky):
    outcome = rnner("lab", "memory", "--code", leaky, "--cell", "leaky", "--quick")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[0].split() == ["words", "between", "1", "3"]
    assert "leaky, 300 steps" in outcome.out


def test_feedforward(rnner):
    outcome = rnner("lab", "feedforward", "--quick")
    assert outcome.code == 0, outcome.err
    rows = [line.split()[:2] for line in outcome.out.splitlines()[2:6]]
    assert rows == [["standard", "1-8"], ["RNN", "1-8"], ["standard", "1-30"], ["RNN", "1-30"]]


def test_bidirectional_with_a_model(rnner, no_pictures, trained, tmp_path):
    outcome = rnner(
        "lab", "bidirectional", "Ada Lovelace slept", "--model", trained, "--output", tmp_path / "out"
    )
    assert outcome.code == 0, outcome.err
    figures = json.loads((tmp_path / "out" / "figures.json").read_text())
    (names,) = figures["sentences"][0]["names"].values()
    assert names[0] > 0.5 > names[2]


def test_some_of_the_shapes(rnner, no_pictures, tmp_path):
    outcome = rnner("lab", "shapes", "many-to-one", "one-to-many", "--quick", "--output", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    figures = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert list(figures) == ["many-to-one", "one-to-many"]
    assert figures["many-to-one"]["baseline"] == pytest.approx(1 / 9, abs=0.03)


def test_usage_errors(rnner, trained, tmp_path, one_line):
    one_line(rnner("lab", "gates", "Oslo"), 2, "Oslo: unknown word; without --model")
    one_line(rnner("lab", "gates", " "), 2, "no words")
    one_line(rnner("lab", "gates", "--model", tmp_path / "none"), 1, "none")
    one_line(rnner("lab", "memory", "--cell", "lstn"), 2, "lstn", "lstm")
    one_line(rnner("lab", "gradients", "--cell", "none"), 2, "has no recurrence")
    one_line(rnner("lab", "shapes", "two-to-one"), 2, "two-to-one")
    (tmp_path / "file").touch()
    one_line(rnner("lab", "shapes", "--output", tmp_path / "file"), 2, "is a file")

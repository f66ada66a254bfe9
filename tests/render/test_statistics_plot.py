"""The picture of the figures: what is in it, and that anything can be drawn."""

import re
import sys

import numpy as np
import pytest

from rnner.data.vectors import Vectors
from rnner.errors import UsageError
from rnner.render.statistics_plot import picture
from rnner.workbench.statistics import describe
from tiny import DEV, TRAIN, split_of

VECTORS = Vectors(["the", "in"], np.zeros((2, 2), dtype=np.float32))


@pytest.fixture
def texts(monkeypatch):
    """The texts of an SVG picture, in order, letters kept as letters."""
    from rnner.render import statistics_plot as plot

    monkeypatch.setitem(plot._SETTINGS, "svg.fonttype", "none")

    def call(files):
        return re.findall(r"<text[^>]*>([^<]*)</text>", picture(files, "svg").decode())

    return call


def test_every_bar_has_its_figure(texts):
    train, dev = describe([split_of(TRAIN, name="train"), split_of(DEV, name="dev")], VECTORS)
    told = texts([train, dev])
    assert {"train.conll", "dev.conll", "PER", "LOC", "tokens not in train.conll"} <= set(told)
    for share in (
        train.per_type["PER"] / train.entities,
        dev.token_density,
        dev.unseen.entities,
        1 - train.vectors.share,
    ):
        assert f"{100 * share:.1f}" in told


def test_rare_labels_are_drawn_as_one(texts):
    many = "\n".join(f"[L{i} x] " * (40 - i) + "." for i in range(30))
    told = texts(describe([split_of(many)]))
    assert "L14" in told
    assert "L15" not in told
    assert "15 others" in told


def test_dollars_are_no_mathematics(texts):
    assert "$x_1$" in texts(describe([split_of("[$x_1$ Ada] slept .")]))


def test_the_same_figures_give_the_same_picture():
    files = describe([split_of(TRAIN)])
    assert picture(files, "svg") == picture(files, "svg")
    assert picture(files, "png").startswith(b"\x89PNG")


def test_nothing_annotated_can_be_drawn(texts):
    assert "Entities by type" in texts(describe([split_of("It rained .")]))


def test_matplotlib_may_be_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install matplotlib"):
        picture(describe([split_of(TRAIN)]), "png")

"""The content of the picture of statistics, and its edge cases."""

import re
import sys

import numpy as np
import pytest

from rnner.data.vectors import Vectors
from rnner.errors import UsageError
from rnner.render.statistics_plot import plot_statistics
from rnner.workbench.statistics import describe
from tiny_corpus import DEV, TRAIN, split_of

VECTORS = Vectors(["the", "in"], np.zeros((2, 2), dtype=np.float32))


@pytest.fixture
def texts(monkeypatch):
    """Return the texts of an SVG picture in order; characters are not drawn as paths."""
    from rnner.render import plotting

    monkeypatch.setitem(plotting.FILE_STYLE, "svg.fonttype", "none")

    def call(files):
        return re.findall(r"<text[^>]*>([^<]*)</text>", plot_statistics(files, "svg").decode())

    return call


def test_every_bar_has_its_value(texts):
    train, dev = describe([split_of(TRAIN, name="train"), split_of(DEV, name="dev")], VECTORS)
    shown = texts([train, dev])
    assert {"train.conll", "dev.conll", "PER", "LOC", "tokens not in train.conll"} <= set(shown)
    for share in (
        train.per_type["PER"] / train.entities,
        dev.token_density,
        dev.unseen.entities,
        1 - train.vectors.share,
    ):
        assert f"{100 * share:.1f}" in shown


def test_rare_labels_share_a_bar(texts):
    many = "\n".join(f"[L{i} x] " * (40 - i) + "." for i in range(30))
    shown = texts(describe([split_of(many)]))
    assert "L14" in shown
    assert "L15" not in shown
    assert "15 others" in shown


def test_dollar_signs_are_not_mathematics(texts):
    assert "$x_1$" in texts(describe([split_of("[$x_1$ Ada] slept .")]))


def test_equal_statistics_give_equal_pictures():
    files = describe([split_of(TRAIN)])
    assert plot_statistics(files, "svg") == plot_statistics(files, "svg")
    assert plot_statistics(files, "png").startswith(b"\x89PNG")


def test_a_file_without_entities_can_be_drawn(texts):
    assert "Entities by type" in texts(describe([split_of("It rained .")]))


def test_missing_matplotlib_is_an_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install matplotlib"):
        plot_statistics(describe([split_of(TRAIN)]), "png")

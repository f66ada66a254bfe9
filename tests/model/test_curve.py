"""The training curve: valid SVG that shows the values of the log and describes them in words."""

import re
from xml.etree import ElementTree

import pytest

from logged_epochs import LOG, epoch
from rnner.model.curve import _ticks, training_curve

SVG = "{http://www.w3.org/2000/svg}"


def drawn(epochs):
    root = ElementTree.fromstring(training_curve(epochs))
    lines = [
        [tuple(map(float, point.split(","))) for point in line.get("points").split()]
        for line in root.iter(f"{SVG}polyline")
    ]
    return root, lines


def test_one_line_for_f1_and_two_for_the_loss_with_a_point_per_epoch():
    _, (scores, train, dev) = drawn(LOG)
    assert [x for x, _ in scores] == [x for x, _ in train] == [x for x, _ in dev]
    heights = [-y for _, y in scores]  # y counts downwards
    assert heights[1] > heights[2] > heights[0]
    assert (heights[2] - heights[0]) / (heights[1] - heights[0]) == pytest.approx(25 / 37.5, abs=0.01)
    assert [-y for _, y in train] == sorted((-y for _, y in train), reverse=True)
    assert train[0][1] < dev[0][1]
    assert train[2][1] > dev[2][1]


def test_title_and_description_are_read_to_those_who_do_not_see_it():
    root, _ = drawn(LOG)
    assert root.get("role") == "img"
    named = {element.get("id"): element.text for element in root if element.get("id")}
    assert root.get("aria-labelledby").split() == list(named)
    assert "25.0 after epoch 1, 62.5 after the best epoch, 2, and 50.0 after the last, 3" in named["desc"]


def test_the_best_epoch_is_marked_and_axes_and_lines_are_named():
    texts = [element.text for element in drawn(LOG)[0].iter(f"{SVG}text")]
    assert {"best: 62.5 in epoch 2", "F1 on dev in %", "Loss per sentence", "train", "dev", "epoch"} <= set(
        texts
    )
    assert [text for text in texts if text in ("1", "2", "3")][:3] == ["1", "2", "3"]


def test_everything_is_inside_the_picture():
    root, lines = drawn(LOG)
    width, height = int(root.get("width")), int(root.get("height"))
    assert all(0 < x < width and 0 < y < height for line in lines for x, y in line)
    assert all(float(text.get("y")) < height for text in root.iter(f"{SVG}text"))


@pytest.mark.parametrize(
    "log",
    [
        [epoch(1, f1=0.0, loss=0.0, dev_loss=0.0)],
        [epoch(1, f1=1.0, dev_loss=float("inf")), epoch(2, dev_loss=float("nan"))],
        [epoch(number) for number in range(1, 1001)],
        [epoch(7, f1=0.2), epoch(9, f1=0.3)],
    ],
)
def test_any_log_can_be_drawn(log):
    text = training_curve(log)
    ElementTree.fromstring(text)
    assert not re.search(r"points='[^']*(nan|inf)", text)


def test_equal_logs_give_equal_pictures():
    assert training_curve(LOG) == training_curve(list(LOG))


@pytest.mark.parametrize(
    ("low", "high"), [(0, 0), (0, 1), (0, 0.37), (0, 99.9), (1, 2), (3, 1000), (0, 1e-9)]
)
def test_ticks_are_few_and_cover_the_values(low, high):
    ticks = _ticks(low, high)
    assert 3 <= len(ticks) <= 7
    assert ticks[0] <= low
    assert ticks[-1] >= high * (1 - 1e-12)

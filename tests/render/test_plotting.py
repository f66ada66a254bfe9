"""Pictures for light and dark pages."""

import struct

from rnner.render.plotting import caption, grouped_bars, light_and_dark_pngs, picture


def test_a_light_and_a_dark_picture_in_the_size_of_the_figure():
    def plot(figure):
        figure.set_size_inches(4, 2)
        grouped_bars(figure.subplots(), {"$a$": [1.0], "b": [0.2]}, ["$x$"])

    pngs = light_and_dark_pngs(plot)
    assert list(pngs) == ["picture.png", "picture-dark.png"]
    assert pngs["picture.png"] != pngs["picture-dark.png"]
    for image in pngs.values():
        assert image.startswith(b"\x89PNG")
        assert struct.unpack(">II", image[16:24]) == (520, 260)


def test_every_bar_has_its_value():
    texts = []

    def plot(figure):
        axes = figure.subplots()
        grouped_bars(axes, {"one": [0.25, 1.0], "other": [0.5, 0.0]}, ["x", "y"])
        texts.extend(text.get_text() for text in axes.texts)

    light_and_dark_pngs(plot)
    assert sorted(texts) == sorted(["0.25", "1.00", "0.50", "0.00"] * 2)


def test_a_caption_is_wrapped_to_the_width_of_the_figure():
    lines = []

    def plot(figure):
        figure.set_size_inches(3, 2)
        figure.subplots()
        caption(figure, "one sentence " * 10)
        lines.extend(figure.get_supxlabel().splitlines())

    picture(plot, "svg")
    assert 3 <= len(lines) <= 5

"""Pictures for light and dark pages."""

import struct

from rnner.render.pictures import bars, pictures


def test_one_for_light_pages_and_one_for_dark_in_the_size_that_is_asked_for():
    drawn = pictures(lambda figure: bars(figure.subplots(), {"$a$": [1.0], "b": [0.2]}, ["$x$"]), (4, 2))
    assert list(drawn) == ["picture.png", "picture-dark.png"]
    assert drawn["picture.png"] != drawn["picture-dark.png"]
    for image in drawn.values():
        assert image.startswith(b"\x89PNG")
        assert struct.unpack(">II", image[16:24]) == (520, 260)


def test_every_bar_has_its_figure():
    texts = []

    def draw(figure):
        axes = figure.subplots()
        bars(axes, {"one": [0.25, 1.0], "other": [0.5, 0.0]}, ["x", "y"])
        texts.extend(text.get_text() for text in axes.texts)

    pictures(draw, (4, 2))
    assert sorted(texts) == sorted(["0.25", "1.00", "0.50", "0.00"] * 2)

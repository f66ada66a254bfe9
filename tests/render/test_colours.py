import itertools

import pytest

from rnner.render.colours import PALETTE, label_backgrounds, label_colour, label_colours


def luminance(colour):
    """Relative luminance of #rrggbb, as WCAG 2.2 defines it."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * share for weight, share in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_follows_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("colour", PALETTE, ids=lambda colour: colour.name)
def test_text_is_readable_on_every_colour(colour):
    assert contrast("#000000", colour.light) >= 7  # WCAG level AAA
    assert contrast("#ffffff", colour.dark) >= 7


@pytest.mark.parametrize("colour", PALETTE, ids=lambda colour: colour.name)
def test_light_colours_are_among_the_256(colour):
    levels = [int(colour.light[i : i + 2], 16) for i in (1, 3, 5)]
    cube = {0, 95, 135, 175, 215, 255}
    assert set(levels) <= cube or (len(set(levels)) == 1 and (levels[0] - 8) % 10 == 0)


def test_terminals_with_16_colours_use_colour_names():
    colours = {"PER": PALETTE[0]}
    assert label_backgrounds(colours, "standard") == {"PER": "cyan"}
    assert label_backgrounds(colours, "256") == {"PER": "#87d7d7"}
    assert label_backgrounds(colours, "truecolor") == {"PER": "#87d7d7"}
    assert label_backgrounds(colours, None) is None


def test_a_type_keeps_its_colour_among_any_others():
    known = ["PER", "LOC", "ORG", "MISC"]
    for labels in itertools.permutations(known):
        assert label_colours(labels) == {label: label_colour(label) for label in labels}
        assert list(label_colours(labels)) == list(labels)
    assert label_colours(["a", "person"])["person"] == label_colour("PER") == label_colour("Person")


def test_types_share_a_colour_only_when_there_are_no_more():
    labels = [f"type {i}" for i in range(2 * len(PALETTE))]
    first = label_colours(labels[: len(PALETTE)])
    assert set(first.values()) == set(PALETTE)
    assert first == label_colours(labels[: len(PALETTE)][::-1])
    assert sorted(label_colours(labels).values()) == sorted(2 * PALETTE)

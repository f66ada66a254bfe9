import itertools

import pytest

from rnner.render.colours import PALETTE, colour_of, colours_of


def luminance(colour):
    """Relative luminance of #rrggbb, as WCAG 2.2 defines it."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * share for weight, share in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_what_wcag_says_it_is():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("colour", PALETTE, ids=lambda colour: colour.name)
def test_letters_stand_out_on_every_colour(colour):
    assert contrast("#000000", colour.light) >= 7  # of WCAG's level AAA
    assert contrast("#ffffff", colour.dark) >= 7


@pytest.mark.parametrize("colour", PALETTE, ids=lambda colour: colour.name)
def test_a_light_colour_is_one_of_the_cube_or_the_greys_of_256(colour):
    levels = [int(colour.light[i : i + 2], 16) for i in (1, 3, 5)]
    cube = {0, 95, 135, 175, 215, 255}
    assert set(levels) <= cube or (len(set(levels)) == 1 and (levels[0] - 8) % 10 == 0)


def test_terminals_of_few_colours_get_their_own():
    assert PALETTE[0].ground("standard") == "cyan"
    assert PALETTE[0].ground("256") == PALETTE[0].ground("truecolor") == "#87d7d7"


def test_a_type_keeps_its_colour_whatever_the_others():
    known = ["PER", "LOC", "ORG", "MISC"]
    for labels in itertools.permutations(known):
        assert colours_of(labels) == {label: colour_of(label) for label in labels}
        assert list(colours_of(labels)) == list(labels)
    assert colours_of(["a", "person"])["person"] == colour_of("PER") == colour_of("Person")


def test_types_share_a_colour_only_when_there_are_no_more():
    labels = [f"type {i}" for i in range(2 * len(PALETTE))]
    first = colours_of(labels[: len(PALETTE)])
    assert set(first.values()) == set(PALETTE)
    assert first == colours_of(labels[: len(PALETTE)][::-1])
    assert sorted(colours_of(labels).values()) == sorted(2 * PALETTE)

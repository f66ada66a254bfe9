"""The colour of each entity type, the same in every output. Colour is never the only sign of a type."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Colour(NamedTuple):
    """A colour in three variants: a terminal colour, a light background and a dark background.

    Attributes:
        name: one of a terminal's 16 colours, for text on the terminal's own background.
        light: background for black text; one of the 256 colours that look the same on every terminal.
        dark: background for white text.
    """

    name: str
    light: str
    dark: str


PALETTE = (
    Colour("cyan", "#87d7d7", "#0b4f57"),
    Colour("green", "#afd787", "#2f5219"),
    Colour("yellow", "#ffd75f", "#5c4700"),
    Colour("magenta", "#d7afff", "#543078"),
    Colour("bright_blue", "#87afff", "#22407f"),
    Colour("bright_red", "#ff8787", "#7a1f24"),
    Colour("bright_yellow", "#ffaf5f", "#6b3410"),
    Colour("bright_magenta", "#ffafd7", "#70244f"),
    Colour("bright_green", "#87ffaf", "#075c34"),
    Colour("bright_black", "#c6c6c6", "#4a4a4a"),
)
_FIXED = {"PER": 0, "PERSON": 0, "NAME": 0, "LOC": 1, "LOCATION": 1, "ORG": 2, "ORGANIZATION": 2, "MISC": 3}


def label_colour(label: str) -> Colour:
    """Return the colour of a label, which depends only on its name."""
    return PALETTE[_preferred(label)]


def label_colours(labels: Sequence[str]) -> dict[str, Colour]:
    """Return a colour for each label, in the order of the labels.

    A label gets the colour of `label_colour`, or the next free one if another label has it. Labels share a
    colour only if there are more labels than colours.
    """
    colours: dict[str, Colour] = {}
    free: set[int] = set()
    for label in sorted(set(labels), key=lambda label: (label.upper() not in _FIXED, label)):
        free = free or set(range(len(PALETTE)))
        preferred = _preferred(label)
        index = min(free, key=lambda index: (index - preferred) % len(PALETTE))
        free.remove(index)
        colours[label] = PALETTE[index]
    return {label: colours[label] for label in labels}


def label_backgrounds(colours: Mapping[str, Colour], color_system: str | None) -> dict[str, str] | None:
    """Return the background of each label's entities in a terminal, for black text; None without colours.

    `color_system` is what `rnner.render.tables.color_system` returns.
    """
    if color_system is None:
        return None
    many = color_system in ("256", "truecolor")
    return {label: colour.light if many else colour.name for label, colour in colours.items()}


def _preferred(label: str) -> int:
    return _FIXED.get(label.upper(), zlib.crc32(label.encode("utf-8", "replace")) % len(PALETTE))

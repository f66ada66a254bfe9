"""A colour for each type of entity: the same everywhere and every time, and never the only sign of it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import NamedTuple


class Colour(NamedTuple):
    """One colour in its uses.

    Attributes:
        name: among the 16 of a terminal, for letters on the terminal's own ground.
        light: a ground for black letters, one of the 256 that every terminal shows alike.
        dark: a ground for white letters.
    """

    name: str
    light: str
    dark: str

    def ground(self, system: str) -> str:
        """What stands behind black letters on a terminal of that colour system, as rich names it."""
        return self.light if system in ("256", "truecolor") else self.name


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
_KNOWN = {
    "PER": 0,
    "PERSON": 0,
    "NAME": 0,
    "LOC": 1,
    "LOCATION": 1,
    "ORG": 2,
    "ORGANIZATION": 2,
    "MISC": 3,
}  # fmt: skip


def colours_of(labels: Sequence[str]) -> dict[str, Colour]:
    """A colour for each label, in the order of the labels.

    A label has its own, by its name alone; where another has that already, the next that is free. No two
    share one as long as there are colours left.
    """
    known_first = sorted(set(labels), key=lambda label: (label.upper() not in _KNOWN, label))
    found: dict[str, Colour] = {}
    free: set[int] = set()
    for label in known_first:
        free = free or set(range(len(PALETTE)))
        own = _own_place(label)
        place = min(free, key=lambda place: (place - own) % len(PALETTE))
        free.remove(place)
        found[label] = PALETTE[place]
    return {label: found[label] for label in labels}


def colour_of(label: str) -> Colour:
    """The colour of a label by its name alone."""
    return PALETTE[_own_place(label)]


def _own_place(label: str) -> int:
    return _KNOWN.get(label.upper(), zlib.crc32(label.encode("utf-8", "replace")) % len(PALETTE))

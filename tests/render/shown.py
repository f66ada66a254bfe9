"""Terminal output, and example entities."""

import io
import re

from rich.console import Console

from rnner.text.entity import Entity

SENTENCE = "Harry Potter and Hermione Granger invented a new spell."


def drawn(renderable, *, width=80, colour=False, no_color=False):
    """Return what a terminal of this width shows."""
    file = io.StringIO()
    system = "256" if colour else None
    Console(
        file=file,
        width=width,
        color_system=system,
        force_terminal=colour,
        no_color=no_color,
        legacy_windows=False,
    ).print(renderable)
    return file.getvalue()


def rows(text):
    """Return the cells of each table row, by the first cell."""
    cells = [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]
    return {row[0]: row[1:] for row in cells}


def entity(text, part, label="PER", score=0.5):
    start = text.index(part)
    return Entity(label=label, start=start, end=start + len(part), text=part, score=score)

"""A text with its entities marked, as an HTML fragment for notebooks."""

from __future__ import annotations

from collections.abc import Sequence

from rnner.render.colours import label_colours
from rnner.render.html_head import escape
from rnner.render.marked_text import text_pieces
from rnner.text.entity import Entity

_LONGEST = 20_000  # characters shown; a notebook with megabytes of HTML becomes slow
_MARK = "padding: 0.1em 0.3em; border-radius: 0.3em; color: #000; background: {ground}"
_TYPE = "font-size: 0.75em; font-weight: bold; padding-left: 0.4em"


def entities_html(text: str, entities: Sequence[Entity]) -> str:
    """Return a text with its entities marked; styles are inline, so that they affect nothing else.

    Args:
        text: at most its first 20,000 characters are shown.
        entities: in text order and not overlapping.
    """
    shown = [entity for entity in entities if entity.end <= _LONGEST]
    colours = label_colours(sorted({entity.label for entity in shown}))
    parts = ['<div dir="auto" style="white-space: pre-wrap; line-height: 1.8">']
    for piece in text_pieces(text[:_LONGEST].rstrip(), shown):
        words = escape(piece.text, keep="\n\t")
        if piece.label is None:
            parts.append(words)
            continue
        style = _MARK.format(ground=colours[piece.label].light)
        label = f'<span style="{_TYPE}"><bdi>{escape(piece.label)}</bdi></span>'
        parts.append(f'<mark style="{style}" title="probability {piece.score:.3f}">{words}{label}</mark>')
    rest = len(text) - _LONGEST
    return "".join([*parts, f" … ({rest:,} more characters)</div>" if rest > 0 else "</div>"])

"""Text in which entities are marked, for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.style import Style
from rich.text import Text

from rnner.render.characters import plain
from rnner.render.colours import colour_of
from rnner.render.pieces import Piece

GLUE = "\x00"  # a space at which no line may end; no piece has this character
LETTERS = Style(color="#000000")  # of an entity, on its colour


def marked(
    pieces: Iterable[Piece],
    grounds: Mapping[str, str] | None,
    *,
    scores: bool = False,
    space: str = " ",
) -> Text:
    """The pieces in a row, those with a label on its colour, or in brackets where there is none.

    Args:
        pieces: of a text.
        grounds: the colour behind entities of each label; None where there is no colour.
        scores: whether the probability stands beside the label.
        space: between an entity and its label.
    """
    text = Text()
    for piece in pieces:
        if piece.label is None:
            text.append(piece.text)
            continue
        told = plain(piece.label)
        if scores and piece.score is not None:
            told += f"{space}{piece.score:.3f}"
        if grounds is None:
            text.append(f"[{told}{space}{piece.text}]")
        else:
            ground = LETTERS + Style(bgcolor=grounds[piece.label])
            text.append(f"{piece.text}{space}", style=ground)
            text.append(f"{told}{space}", style=ground + Style(bold=True))
    return text


def own_marked(pieces: Iterable[Piece], system: str | None) -> Text:
    """The same where nobody knows what other labels there are; `system` as `colour_system` tells it."""
    pieces = list(pieces)
    if system is None:
        return marked(pieces, None)
    labels = {piece.label for piece in pieces if piece.label is not None}
    return marked(pieces, {label: colour_of(label).ground(system) for label in labels})

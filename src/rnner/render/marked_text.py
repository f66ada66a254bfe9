"""A text, or the words of a sentence, cut where an entity begins or ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rich.style import Style
from rich.text import Text

from rnner.render.colours import colour_of
from rnner.system.terminal import plain
from rnner.tags import Span
from rnner.text.entity import Entity


class TextPiece(NamedTuple):
    """Some text; if it is an entity, its label, and its probability in [0, 1] if it is known."""

    text: str
    label: str | None = None
    score: float | None = None


def text_pieces(text: str, entities: Iterable[Entity]) -> Iterator[TextPiece]:
    """A text in pieces, safe to show; line breaks and tabs stay what they are.

    Args:
        text: as it came.
        entities: in the order of the text; they must not overlap.
    """
    at = 0
    for entity in entities:
        if at < entity.start:
            yield TextPiece(_safe(text[at : entity.start]))
        yield TextPiece(_safe(text[entity.start : entity.end]), entity.label, entity.score)
        at = entity.end
    if at < len(text):
        yield TextPiece(_safe(text[at:]))


def word_pieces(words: Sequence[str], spans: Iterable[Span], start: int, end: int) -> Iterator[TextPiece]:
    """The words from `start` to `end` in pieces; dots for what is left out."""
    yield TextPiece("… " if start > 0 else "")
    at = start
    for span in spans:
        yield TextPiece("".join(word + " " for word in words[at : span.start]))
        yield TextPiece(" ".join(words[span.start : span.end]), span.label)
        at = span.end
        yield TextPiece(" " if at < end else "")
    yield TextPiece(" ".join(words[at:end]))
    yield TextPiece(" …" if end < len(words) else "")


def _safe(text: str) -> str:
    return plain(text.replace("\r\n", "\n"), keep="\n\t")


GLUE = "\x00"  # a space at which no line may end; no piece has this character
LETTERS = Style(color="#000000")  # of an entity, on its colour


def marked(
    pieces: Iterable[TextPiece],
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


def own_marked(pieces: Iterable[TextPiece], system: str | None) -> Text:
    """The same where nobody knows what other labels there are; `system` as `colour_system` tells it."""
    pieces = list(pieces)
    if system is None:
        return marked(pieces, None)
    labels = {piece.label for piece in pieces if piece.label is not None}
    return marked(pieces, {label: colour_of(label).ground(system) for label in labels})

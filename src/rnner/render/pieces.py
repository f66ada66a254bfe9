"""A text, or the words of a sentence, cut where an entity begins or ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rnner.render.characters import plain
from rnner.tags import Span
from rnner.text import Entity


class Piece(NamedTuple):
    """Some text; if it is an entity, its label, and its probability in [0, 1] if it is known."""

    text: str
    label: str | None = None
    score: float | None = None


def text_pieces(text: str, entities: Iterable[Entity]) -> Iterator[Piece]:
    """A text in pieces, safe to show; line breaks and tabs stay what they are.

    Args:
        text: as it came.
        entities: in the order of the text; they must not overlap.
    """
    at = 0
    for entity in entities:
        if at < entity.start:
            yield Piece(_safe(text[at : entity.start]))
        yield Piece(_safe(text[entity.start : entity.end]), entity.label, entity.score)
        at = entity.end
    if at < len(text):
        yield Piece(_safe(text[at:]))


def word_pieces(words: Sequence[str], spans: Iterable[Span], start: int, end: int) -> Iterator[Piece]:
    """The words from `start` to `end` in pieces; dots for what is left out."""
    yield Piece("… " if start > 0 else "")
    at = start
    for span in spans:
        yield Piece("".join(word + " " for word in words[at : span.start]))
        yield Piece(" ".join(words[span.start : span.end]), span.label)
        at = span.end
        yield Piece(" " if at < end else "")
    yield Piece(" ".join(words[at:end]))
    yield Piece(" …" if end < len(words) else "")


def _safe(text: str) -> str:
    return plain(text.replace("\r\n", "\n"), keep="\n\t")

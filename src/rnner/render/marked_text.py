"""Text with its entities marked, in colour or in brackets, and its division into lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import regex
from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from rnner.render.colours import label_colour
from rnner.system.terminal import DIRECTION_MARKS, printable
from rnner.tags import Span
from rnner.text.entity import Entity
from rnner.text.spacing import spaced
from rnner.text.unspaced import GRAPHEME

BLACK_TEXT = Style(color="#000000")  # on the background of an entity
LABEL_SPACE = "\x00"  # a space at which a line must not break; no piece contains this character
NO_BREAK_SPACE = "\u00a0"
_NO_BREAK = r"[\u00a0\u2007\u202f]"
_WORD_AND_SPACE = regex.compile(rf"((?:\S|{_NO_BREAK})*+)((?:(?!{_NO_BREAK})\s)*+)")


class TextPiece(NamedTuple):
    """Part of a text. An entity has a label and, if it is known, a probability in [0, 1]."""

    text: str
    label: str | None = None
    score: float | None = None


def text_pieces(text: str, entities: Iterable[Entity]) -> Iterator[TextPiece]:
    """Split a text at its entities and make control characters printable, except line breaks and tabs.

    Direction marks are kept too, for HTML; `rnner.cli.console` escapes them in a terminal.
    `entities` are in text order and do not overlap.
    """

    def clean(start: int, end: int | None) -> str:
        return printable(text[start:end].replace("\r\n", "\n"), keep="\n\t" + DIRECTION_MARKS)

    at = 0
    for entity in entities:
        if at < entity.start:
            yield TextPiece(clean(at, entity.start))
        yield TextPiece(clean(entity.start, entity.end), entity.label, entity.score)
        at = entity.end
    if at < len(text):
        yield TextPiece(clean(at, None))


def word_pieces(words: Sequence[str], spans: Iterable[Span], start: int, end: int) -> Iterator[TextPiece]:
    """Split the words from `start` to `end` at the spans, with an ellipsis for words left out."""
    yield TextPiece("… " if start > 0 else "")
    at, texts = start, spaced(words)
    for span in spans:
        name = "".join(texts[span.start : span.end])
        yield TextPiece("".join(texts[at : span.start]))
        yield TextPiece(name.rstrip(" "), span.label)
        at = span.end
        yield TextPiece(" " if at < end and name.endswith(" ") else "")
    yield TextPiece("".join(texts[at:end]).rstrip(" "))
    yield TextPiece(" …" if end < len(words) else "")


def mark_entities(
    pieces: Iterable[TextPiece],
    backgrounds: Mapping[str, str] | None,
    *,
    scores: bool = False,
    space: str = " ",
) -> Text:
    """Join pieces, each entity on the background of its label, or in brackets if `backgrounds` is None.

    Args:
        pieces: parts of one text.
        backgrounds: colour for each label.
        scores: whether to add the probability to the label.
        space: separates an entity from its label.
    """
    text = Text()
    for piece in pieces:
        if piece.label is None:
            text.append(piece.text)
            continue
        label = printable(piece.label)
        if scores and piece.score is not None:
            label += f"{space}{piece.score:.3f}"
        if backgrounds is None:
            text.append(f"[{label}{space}{piece.text}]")
        else:
            style = BLACK_TEXT + Style(bgcolor=backgrounds[piece.label])
            text.append(f"{piece.text}{space}", style=style)
            text.append(f"{label}{space}", style=style + Style(bold=True))
    return text


def coloured_label(label: str) -> Text:
    """Return a label in its own colour."""
    return Text(printable(label), style=label_colour(label).name)


def wrap_line(line: Text, width: int) -> Iterator[Text]:
    """Break a line into lines of at most `width` columns; `LABEL_SPACE` never ends a line."""
    line.expand_tabs(4)
    for part in line.divide(line_breaks(line.plain.replace(LABEL_SPACE, NO_BREAK_SPACE), width)):
        part.rstrip()
        yield part


def line_breaks(text: str, width: int) -> Iterator[int]:
    """Return the positions at which new lines begin, so that no line has more than `width` columns.

    Lines break after white space, which may exceed the width, but not after a no-break space. A word wider
    than a line is broken between grapheme clusters; a single cluster may exceed the width.
    """
    used = 0
    for match in _WORD_AND_SPACE.finditer(text):
        word, space = match.groups()
        at = match.start()
        for part in [word] if cell_len(word) <= width else GRAPHEME.findall(word):
            columns = cell_len(part)
            if part and used and used + columns > width:
                yield at
                used = 0
            used += columns
            at += len(part)
        used += cell_len(space)

"""Conversion of offsets in any unit to characters.

Programs count in different units: Python in characters, browsers in UTF-16 code units (of which 😀 has two),
others in bytes of UTF-8; some include the end. The text that a span quotes shows which unit was used.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

CHARACTERS, UTF16, BYTES = "characters", "UTF-16 code units", "UTF-8 bytes"

_Span = tuple[int, int]
_SIZES: dict[str, Callable[[str], int]] = {
    CHARACTERS: lambda character: 1,
    UTF16: lambda character: 2 if character > "\uffff" else 1,
    BYTES: lambda character: len(character.encode()),
    "characters, with each \\r\\n as one": lambda character: character != "\r",
}
_MESSAGE = 60  # characters of a quote in a message
_LAST_COUNTED_IN = "characters, with the end included"


class OffsetError(ValueError):
    """Spans that do not fit their text in any unit; `index` is the number of the first, from 0."""

    def __init__(self, message: str, index: int) -> None:
        super().__init__(message)
        self.index = index


class Mark(NamedTuple):
    """A labelled span as a file has it: offsets in some unit, and the text that it quotes (or None)."""

    start: int
    end: int
    label: object
    quote: str | None = None


def positions(text: str, unit: str) -> list[int]:
    """Return the numbers of units before each character and in the whole text, `[n + 1]`.

    Example:
        >>> positions("a😀b", "UTF-16 code units")
        [0, 1, 3, 4]
    """
    return list(accumulate(map(_SIZES[unit], text), initial=0))


def to_characters(text: str, marks: Sequence[Mark], unit: str) -> tuple[str, list[_Span]]:
    """Return the unit that the marks of a text count in, and their spans in characters.

    They count in `unit` if all spans then fit. Otherwise, if some spans quote their text, the other units are
    tried until all spans fit.

    Raises OffsetError if no unit fits.

    Example:
        >>> to_characters("😀 Ada", [Mark(3, 6, "PER", "Ada")], "characters")
        ('UTF-16 code units', [(2, 5)])
    """
    expected = _in_characters(text, marks, unit)
    misfits = (i for i, pair in enumerate(zip(marks, expected, strict=True)) if not _fits(text, *pair))
    if (first := next(misfits, None)) is None:
        return unit, expected
    if any(mark.quote for mark in marks):
        for other in (*_SIZES, _LAST_COUNTED_IN):
            spans = _in_characters(text, marks, other)
            if all(_fits(text, *pair) for pair in zip(marks, spans, strict=True)):
                return other, spans
    raise OffsetError(_problem(text, marks[first], expected[first], unit), first)


def _problem(text: str, mark: Mark, span: _Span, unit: str) -> str:
    """Return what is wrong with a mark and its span in characters."""
    name = f"the span {mark.start}-{mark.end} {mark.label}"
    size = positions(text, unit)[-1]
    if not 0 <= mark.start < mark.end <= size:
        return f"{name} is outside the text ({size:,} {unit})"
    if -1 in span:
        return f"{name} begins or ends within a character (its offsets count {unit})"
    found, quote = text[span[0] : span[1]][:_MESSAGE], str(mark.quote)[:_MESSAGE]
    return f"{name} is {found!r} in the text, but the record says {quote!r}"


def _fits(text: str, mark: Mark, span: _Span) -> bool:
    r"""Return whether a span is within the text and matches its quote, in which `\n` may be a line break."""
    start, end = span
    if not 0 <= start < end <= len(text):
        return False
    return mark.quote is None or _without_spaces(text[start:end]) == _without_spaces(mark.quote)


def _in_characters(text: str, marks: Sequence[Mark], unit: str) -> list[_Span]:
    """Return the spans of marks that count in `unit`; -1 for an offset within a character."""
    if unit == _LAST_COUNTED_IN:
        return [(mark.start, mark.end + 1) for mark in marks]
    if unit == CHARACTERS or (text.isascii() and unit in (UTF16, BYTES)):
        return [(mark.start, mark.end) for mark in marks]
    before = positions(text, unit)

    def character(offset: int) -> int:
        place = bisect_left(before, offset)
        return place if place < len(before) and before[place] == offset else -1

    return [(character(mark.start), character(mark.end)) for mark in marks]


def _without_spaces(text: str) -> str:
    return "".join(text.replace("\\n", "").split())

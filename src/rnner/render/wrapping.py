"""Where lines of text are cut so that they fit."""

from __future__ import annotations

from collections.abc import Iterator

import regex
from rich.cells import cell_len

NO_BREAK_SPACE = "\u00a0"
_NO_BREAK = r"[\u00a0\u2007\u202f]"
_WORD = regex.compile(rf"((?:\S|{_NO_BREAK})*+)((?:(?!{_NO_BREAK})\s)*+)")


def line_breaks(text: str, width: int) -> Iterator[int]:
    """The places at which to begin a new line, so that none has more than `width` columns.

    Lines are cut after white space, which may stand out at the right, but not after a no-break space; a word
    of more than `width` columns is cut within, between what a reader takes for characters.

    Args:
        text: a paragraph; it has no line breaks.
        width: columns of a terminal; a single character that has more stands out.
    """
    used = 0
    for match in _WORD.finditer(text):
        word, space = match.groups()
        at = match.start()
        for part in [word] if cell_len(word) <= width else regex.findall(r"\X", word):
            columns = cell_len(part)
            if part and used and used + columns > width:
                yield at
                used = 0
            used += columns
            at += len(part)
        used += cell_len(space)

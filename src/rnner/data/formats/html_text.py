"""The text of an HTML page, with line breaks between blocks, and the mapping of positions to it."""

from __future__ import annotations

import html
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import pairwise

import regex

_INLINE = """
    a abbr b bdi bdo cite code data del dfn em font i img ins kbd label mark q s samp small span strong
    script style sub sup time u var wbr
"""
_WITHIN_LINES = frozenset(_INLINE.split())
_HIDDEN = ("script", "style")
# Comments, declarations and tags, as browsers parse them. An unclosed one extends to the end of the page.
# Every match consumes all the text that it examines, so the time is linear; html.parser takes quadratic time.
_MARKUP = regex.compile(
    r"<(?:!--(?:-?>|.*?(?:--!?>|\Z))|(?:[!?]|/(?![A-Za-z]|\Z))[^>]*+(?:>|\Z)"
    r"|/?(?P<tag>[A-Za-z][^\s/>]*+)(?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+')?+)*+(?:>|\Z))",
    regex.DOTALL,
)
_LONG_NUMBER = regex.compile(r"&#(?:[0-9]{8,}+|[xX][0-9a-fA-F]{7,}+);?")  # too large for a character
_ENDS = {tag: regex.compile(rf"</{tag}[\s/>]", regex.IGNORECASE) for tag in _HIDDEN}


class HtmlText:
    r"""The text of an HTML page.

    Attributes:
        content: the text as in the `textContent` of a browser, with nothing between two blocks.
        text: the same, with a line break between two blocks.

    Example:
        >>> page = HtmlText("<p>Ada</p><p>wrote &amp; left</p>")
        >>> page.content, page.text, page.place(3, 8)
        ('Adawrote & left', 'Ada\nwrote & left', (4, 9))
    """

    def __init__(self, page: str) -> None:
        parts: list[str] = []
        self._breaks: list[int] = []
        size, ends_line = 0, True
        for new_block, part in _parts(page):
            if new_block and not (ends_line or part.startswith("\n")):
                self._breaks.append(size)
            parts.append(part)
            size, ends_line = size + len(part), part.endswith("\n")
        self.content = "".join(parts)
        self.text = "\n".join(self.content[start:end] for start, end in pairwise([0, *self._breaks, None]))

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Convert the start and end of a span in `content` to positions in `text`."""
        return start + bisect_right(self._breaks, start), end + bisect_left(self._breaks, end)


def _parts(page: str) -> Iterator[tuple[bool, str]]:
    """Yield, for each non-empty text between tags, whether it begins a block, and the text."""
    position, new_block = 0, False
    while True:
        match = _MARKUP.search(page, position)
        text = _unescape(page[position : match.start() if match else len(page)])
        if text:
            yield new_block, text
            new_block = False
        if match is None:
            return
        position = match.end()
        if tag := (match["tag"] or "").lower():
            new_block |= tag not in _WITHIN_LINES
        if tag in _HIDDEN and page[match.start() + 1] != "/":
            end = _ENDS[tag].search(page, position)
            position = end.start() if end else len(page)


def _unescape(text: str) -> str:
    return html.unescape(_LONG_NUMBER.sub("\ufffd", text)) if "&" in text else text

"""The text of an HTML page, with line breaks between blocks, and the new positions of its characters."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from html.parser import HTMLParser
from itertools import pairwise

_INLINE = """
    a abbr b bdi bdo cite code data del dfn em font i img ins kbd label mark q s samp small span strong
    script style sub sup time u var wbr
"""
_WITHIN_LINES = frozenset(_INLINE.split())
_HIDDEN = frozenset(("script", "style"))


class HtmlText(HTMLParser):
    r"""The text of an HTML page.

    Attributes:
        content: the text as a browser counts it (`textContent`), with nothing between two blocks.
        text: the same with a line break between two blocks.

    Example:
        >>> page = HtmlText("<p>Ada</p><p>wrote &amp; left</p>")
        >>> page.content, page.text, page.place(3, 8)
        ('Adawrote & left', 'Ada\nwrote & left', (4, 9))
    """

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.content = ""
        self._breaks: list[int] = []
        self._new_block = False
        self._hidden = 0
        self.feed(page)
        self.close()
        self.text = "\n".join(self.content[start:end] for start, end in pairwise([0, *self._breaks, None]))

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return the start and end in `text` of a span of `content`."""
        return start + bisect_right(self._breaks, start), end + bisect_left(self._breaks, end)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record that a block or hidden text begins."""
        self._hidden += tag in _HIDDEN
        self._new_block |= tag not in _WITHIN_LINES

    def handle_endtag(self, tag: str) -> None:
        """Record that a block or hidden text ends."""
        self._hidden -= tag in _HIDDEN and self._hidden > 0
        self._new_block |= tag not in _WITHIN_LINES

    def handle_data(self, data: str) -> None:
        """Add the text between tags, unless it is hidden."""
        if self._hidden:
            return
        if self._new_block and self.content and not (self.content.endswith("\n") or data.startswith("\n")):
            self._breaks.append(len(self.content))
        self._new_block = False
        self.content += data

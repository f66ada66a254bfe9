"""The text of an HTML page, and where its characters are once lines are broken between blocks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from html.parser import HTMLParser
from itertools import pairwise

_INLINE = frozenset(
    [
        "a",
        "abbr",
        "b",
        "bdi",
        "bdo",
        "cite",
        "code",
        "data",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "img",
        "ins",
        "kbd",
        "label",
        "mark",
        "q",
        "s",
        "samp",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "time",
        "u",
        "var",
        "wbr",
    ]
)
_HIDDEN = frozenset(("script", "style"))


class HtmlText(HTMLParser):
    r"""The text of an HTML page.

    Attributes:
        content: the text as a browser counts it (`textContent`): nothing stands between two blocks.
        text: the same with a line break between two blocks.

    Example:
        >>> page = HtmlText("<p>Ada</p><p>wrote &amp; left</p>")
        >>> page.content, page.text, page.place(3, 8)
        ('Adawrote & left', 'Ada\\nwrote & left', (4, 9))
    """

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._breaks: list[int] = []
        self._length = self._hidden = 0
        self.feed(page)
        self.close()
        self.content = "".join(self._pieces)
        ends = [0, *self._breaks, len(self.content)]
        self.text = "\n".join(self.content[start:end] for start, end in pairwise(ends))

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return the start and end in `text` of a span of `content`."""
        return start + bisect_right(self._breaks, start), end + bisect_left(self._breaks, end)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a line break before a block."""
        self._hidden += tag in _HIDDEN
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note a line break after a block."""
        self._hidden -= tag in _HIDDEN and self._hidden > 0
        self._break(tag)

    def handle_data(self, data: str) -> None:
        """Take the text between tags."""
        if not self._hidden:
            self._pieces.append(data)
            self._length += len(data)

    def _break(self, tag: str) -> None:
        if tag in _BLOCKS and self._length > 0 and self._length not in self._breaks[-1:]:
            self._breaks.append(self._length)

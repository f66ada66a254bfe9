"""The text of an HTML page, and the places of its characters."""

import pytest

from rnner.data.formats.html_text import HtmlText


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("Ada wrote.", "Ada wrote."),
        ("<p>Ada</p>\n<p>wrote</p>", "Ada\nwrote"),
        ("<p>Ada <b>Love</b>lace</p><p>wrote<br>twice</p>", "Ada Lovelace\nwrote\ntwice"),
        ("<div><div>Ada</div></div>", "Ada"),
        ("<style>p {}</style>caf&eacute; &lt;3<script>var x</script>!", "café <3!"),
        ("a < b", "a < b"),
        ("", ""),
    ],
)
def test_the_text_has_a_line_break_between_blocks(page: str, text: str) -> None:
    assert HtmlText(page).text == text


def test_spans_keep_their_words() -> None:
    page = HtmlText("<h1>News</h1><ul><li>Ada</li><li>Bo Li</li></ul>")
    assert page.content == "NewsAdaBo Li"
    for start, end in [(0, 4), (4, 7), (7, 12)]:
        first, last = page.place(start, end)
        assert page.text[first:last] == page.content[start:end]

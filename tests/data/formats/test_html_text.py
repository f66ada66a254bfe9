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


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("Ada <![ wrote", "Ada "),  # html.parser raises AssertionError
        ("Ada<!--> wrote", "Ada wrote"),
        ("Ada<!-- > --> wrote<!-- ever", "Ada wrote"),
        ("Ada</ p> wrote<? x ?>!", "Ada wrote!"),
        ("<a title='>' rel=\">\">Ada</a> <b class=x>wrote", "Ada wrote"),
        ("Ada<b", "Ada"),
        ("Ada<script>if (a < b) { '<p>' }</SCRIPT > wrote<script>var x", "Ada wrote"),
        ("<script/>Ada", ""),
        ("Ada&#" + "1" * 10_000 + "; wrote&#x" + "f" * 50 + ";", "Ada\ufffd wrote\ufffd"),
        ("&#65;da &#x77;rote", "Ada wrote"),
    ],
)
def test_markup_that_is_not_closed_or_not_valid_is_read_as_browsers_do(page: str, text: str) -> None:
    assert HtmlText(page).text == text


@pytest.mark.parametrize("unit", ["<a", "<!--", "<![", "<a b='c", "<a =", "</", "&#1", "<script>"])
def test_long_pages_take_linear_time(unit: str) -> None:
    HtmlText(unit * 200_000)  # quadratic time would be minutes

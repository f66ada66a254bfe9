import io
import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shown import SENTENCE, entity
from test_colours import contrast

from rnner.render.html import html_page
from rnner.render.html_head import escape
from rnner.system.terminal import DIRECTION_MARKS, printable
from rnner.text.entity import Entity

LABELS = ["PER", "LOC", "ORG"]
EMPTY = {"meta", "br", "link", "img", "input", "hr"}


class Tree(HTMLParser):
    """The parts of a page: all tags with attributes, and each text with the elements around it."""

    def __init__(self, page):
        super().__init__()
        self.open, self.texts, self.tags = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in EMPTY:
            self.open.append((tag, dict(attributes).get("class") or ""))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag, f"</{tag}> closes an element that is not open"

    def handle_data(self, data):
        self.texts.append((data, list(self.open)))

    def within(self, tag, kind="", *, but=()):
        """Return the text inside elements of a name and class, without text in the classes `but`."""
        return "".join(
            data
            for data, path in self.texts
            if any(tag == name and kind in ["", *kinds.split(" ")] for name, kinds in path)
            and not any(name in but for _, name in path)
        )


def page(items, labels=LABELS, *, title="Names", **how):
    return "".join(html_page(items, labels, title=title, **how))


def tree(*items, **how):
    found = Tree(page(items, **how))
    assert found.open == []
    return found


def words(found):
    """Return the text of the articles without labels and scores."""
    return found.within("div", "text", but=("type",))


ITEM = (SENTENCE, [entity(SENTENCE, "Harry Potter"), entity(SENTENCE, "Hermione Granger", score=0.25)])
OWN = {tag for tag, _ in Tree(page([ITEM])).tags}


def test_entities_are_marked_and_labelled_in_words():
    found = tree(ITEM)
    assert words(found) == SENTENCE
    assert found.within("mark", "type-0") == "Harry Potter\u00a0PER 0.500Hermione Granger\u00a0PER 0.250PER"
    assert found.within("h1") == "Names" and "Text 1" in found.within("h2")


def test_entities_are_reachable_by_keyboard_and_can_be_skipped():
    found = tree(ITEM, ("It rained.", []))
    marks = [attributes for tag, attributes in found.tags if tag == "mark"]
    assert [mark.get("tabindex") for mark in marks] == ["0", "0", None, None, None]  # legend
    links = [attributes["href"] for tag, attributes in found.tags if tag == "a"]
    assert links == ["#end-1"]
    assert {"end-1", "end-2"} <= {attributes.get("id") for _, attributes in found.tags}


def test_the_legend_counts_every_label():
    found = tree(ITEM, ("Oslo", [entity("Oslo", "Oslo", "LOC")]))
    assert found.within("li") == "PER 2LOC 1ORG 0"
    assert "3 names in 2 texts" in found.within("h2")
    assert "1 name in 1 text" in tree(("Oslo", [entity("Oslo", "Oslo", "LOC")])).within("h2")
    assert "0 names in 0 texts" in tree().within("h2")


def test_probabilities_can_be_made_always_visible():
    assert ("body", {"class": "scores"}) in tree(ITEM, scores=True).tags
    assert ("body", {}) in tree(ITEM).tags


def test_the_page_has_no_external_resources():
    text = page([ITEM])
    assert "url(" not in text and "@import" not in text and "http:" not in text and "https:" not in text
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in Tree(text).tags}
    assert "default-src 'none'" in text


HOSTILE = '</div><script>alert("x")</script><!-- & &amp; \' \x00\x07\x1b[31m \u202e'


@pytest.mark.parametrize("place", ["text", "entity", "label", "title"])
def test_text_is_never_taken_for_markup(place):
    found = [Entity("PER", 0, len(HOSTILE), HOSTILE, 0.5)] if place == "entity" else []
    labels = [HOSTILE] if place == "label" else LABELS
    shown = tree((HOSTILE, found), labels=labels, title=HOSTILE if place == "title" else "Names")
    expected = printable(HOSTILE)
    where = {"text": "div", "entity": "mark", "label": "li", "title": "title"}[place]
    assert expected in shown.within(where)
    assert {tag for tag, _ in shown.tags} <= OWN


def test_quotes_cannot_end_an_attribute():
    assert escape("\"'<>&") == "&quot;&#39;&lt;&gt;&amp;"


def test_a_combining_stroke_does_not_merge_with_a_tag():
    assert "\u0338" not in page([("\u0338a", [])])
    assert words(tree(("\u0338a", []))) == "\u0338a"


@settings(deadline=None, max_examples=60)
@given(st.text(), st.data())
@example("שלום Ada\u0301 👩‍👩‍👧\r\n\ttab\u2028\udcff", None)
def test_text_survives_the_page(text, data):
    start = data.draw(st.integers(0, len(text))) if data else 5
    end = data.draw(st.integers(start, len(text))) if data else 8
    entities = [Entity("PER", start, end, text[start:end], 0.5)] if text[start:end].strip() else []
    entities = [found for found in entities if found.text == found.text.strip()]
    whole = page([(text, entities)])
    whole.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", whole)
    expected = printable(text.rstrip(), keep="\n\t" + DIRECTION_MARKS)
    assert words(Tree(whole)).replace(r"\r", "").strip() == expected.replace(r"\r", "").strip()


def test_the_language_is_unknown_and_the_direction_automatic():
    (text,) = [attributes for tag, attributes in tree(ITEM).tags if attributes.get("class") == "text"]
    assert (text["lang"], text["dir"]) == ("", "auto")


def test_texts_are_written_one_at_a_time():
    """Only one text of a page is in memory at a time."""
    asked = []

    def items():
        for number in range(3):
            asked.append(number)
            yield ITEM

    parts, written = html_page(items(), LABELS, title="Names"), io.StringIO()
    for part in parts:
        written.write(part)
        if "</article>" in part:
            assert written.getvalue().count("</article>") == len(asked)
    assert asked == [0, 1, 2]


def variables(style):
    return dict(re.findall(r"(--\w+): (#\w{6});", style))


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_contrast_in_light_and_dark_mode(mode):
    """WCAG 2.2, level AA: 4.5 to 1 for text, 3 to 1 for the focus outline."""
    style = re.search("<style>(.*)</style>", page([], [f"type {i}" for i in range(10)]), re.DOTALL)[1]
    dark = re.findall(r"prefers-color-scheme: dark\) \{\n(.*?\n)\}\n", style, re.DOTALL)
    light = style.replace(dark[0], "").replace(dark[1], "")
    found = variables(light if mode == "light" else dark[0])
    grounds = re.findall(r"\.type-\d+ \{ --ground: (#\w{6}); \}", light if mode == "light" else dark[1])
    assert len(grounds) == len(set(grounds)) == 10
    for ground in (found["--page"], *grounds):
        assert contrast(found["--ink"], ground) >= 4.5
    assert contrast(found["--quiet"], found["--page"]) >= 4.5
    assert contrast(found["--focus"], found["--page"]) >= 3

import io
import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shown import SENTENCE, entity
from test_colours import contrast

from rnner.render.html import escaped, html_page
from rnner.text.entity import Entity

LABELS = ["PER", "LOC", "ORG"]
EMPTY = {"meta", "br", "link", "img", "input", "hr"}


class Tree(HTMLParser):
    """What a page consists of: elements that are open at each text, and all attributes."""

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
        assert self.open.pop()[0] == tag, f"</{tag}> closes what is not open"

    def handle_data(self, data):
        self.texts.append((data, list(self.open)))

    def within(self, tag, kind="", *, but=()):
        """The text within elements of that name and class, that in the classes `but` left out."""
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
    """The text of the articles without what was added to it."""
    return found.within("div", "text", but=("type",))


ITEM = (SENTENCE, [entity(SENTENCE, "Harry Potter"), entity(SENTENCE, "Hermione Granger", score=0.25)])
OWN = {tag for tag, _ in Tree(page([ITEM])).tags}


def test_a_text_stands_with_its_entities_marked_and_each_told_in_words():
    found = tree(ITEM)
    assert words(found) == SENTENCE
    assert found.within("mark", "type-0") == "Harry Potter\u00a0PER 0.500Hermione Granger\u00a0PER 0.250PER"
    assert found.within("h1") == "Names" and "Text 1" in found.within("h2")


def test_every_entity_can_be_reached_from_the_keyboard_and_all_of_a_text_be_skipped():
    found = tree(ITEM, ("It rained.", []))
    marks = [attributes for tag, attributes in found.tags if tag == "mark"]
    assert [mark.get("tabindex") for mark in marks] == ["0", "0", None, None, None]  # those of the legend
    links = [attributes["href"] for tag, attributes in found.tags if tag == "a"]
    assert links == ["#end-1"]
    assert {"end-1", "end-2"} <= {attributes.get("id") for _, attributes in found.tags}


def test_the_legend_counts_every_type_of_the_model():
    found = tree(ITEM, ("Oslo", [entity("Oslo", "Oslo", "LOC")]))
    assert found.within("li") == "PER 2LOC 1ORG 0"
    assert "3 names in 2 texts" in found.within("h2")
    assert "1 name in 1 text" in tree(("Oslo", [entity("Oslo", "Oslo", "LOC")])).within("h2")
    assert "0 names in 0 texts" in tree().within("h2")


def test_probabilities_are_always_seen_on_demand():
    assert ("body", {"class": "scores"}) in tree(ITEM, scores=True).tags
    assert ("body", {}) in tree(ITEM).tags


def test_the_page_needs_nothing_from_elsewhere():
    text = page([ITEM])
    assert "url(" not in text and "@import" not in text and "http:" not in text and "https:" not in text
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in Tree(text).tags}
    assert "default-src 'none'" in text


HOSTILE = '</div><script>alert("x")</script><!-- & &amp; \' \x00\x07\x1b[31m \u202e'


@pytest.mark.parametrize("place", ["text", "entity", "label", "title"])
def test_what_looks_like_markup_is_shown_as_it_is(place):
    found = [Entity("PER", 0, len(HOSTILE), HOSTILE, 0.5)] if place == "entity" else []
    labels = [HOSTILE] if place == "label" else LABELS
    shown = tree((HOSTILE, found), labels=labels, title=HOSTILE if place == "title" else "Names")
    told = HOSTILE.replace("\x00", "␀").replace("\x07", "␇").replace("\x1b", "␛")
    where = {"text": "div", "entity": "mark", "label": "li", "title": "title"}[place]
    assert told in shown.within(where)
    assert {tag for tag, _ in shown.tags} <= OWN


def test_quotes_cannot_end_an_attribute():
    assert escaped("\"'<>&") == "&quot;&#39;&lt;&gt;&amp;"


def test_a_combining_stroke_does_not_melt_into_a_tag():
    assert "\u0338" not in page([("\u0338a", [])])
    assert words(tree(("\u0338a", []))) == "\u0338a"


@settings(deadline=None, max_examples=60)
@given(st.text(), st.data())
@example("שלום Ada\u0301 👩‍👩‍👧\r\n\ttab\u2028\udcff", None)
def test_every_text_comes_back_and_can_be_written(text, data):
    start = data.draw(st.integers(0, len(text))) if data else 5
    end = data.draw(st.integers(start, len(text))) if data else 8
    entities = [Entity("PER", start, end, text[start:end], 0.5)] if text[start:end].strip() else []
    entities = [found for found in entities if found.text == found.text.strip()]
    whole = page([(text, entities)])
    whole.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", whole)
    expected = re.sub(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", "", text.replace("\r\n", "\n")
    )
    kept = re.sub("[\u2400-\u2421\ufffd]", "", words(Tree(whole)))
    assert kept.strip() == re.sub("[\u2400-\u2421\ufffd]", "", expected).strip()


def test_a_text_says_nothing_of_its_language_and_finds_its_direction():
    (text,) = [attributes for tag, attributes in tree(ITEM).tags if attributes.get("class") == "text"]
    assert (text["lang"], text["dir"]) == ("", "auto")


def test_texts_are_written_as_they_come():
    """A page is no more in memory at once than one text of it."""
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
def test_everything_can_be_read_in_light_and_dark(mode):
    """WCAG 2.2, level AA: letters 4.5 to 1, what only shows where things are 3 to 1."""
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

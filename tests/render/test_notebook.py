"""Documents in notebooks: marked names, escaped text."""

from rnner.decoding.document import Document
from rnner.decoding.spans import ScoredSpan
from rnner.render.notebook import entities_html
from rnner.text.entity import Entity
from rnner.text.tokenizer import tokenize

TEXT = "Ada Lovelace met <b>Babbage</b>."


def test_names_are_marked_with_type_and_probability():
    html = entities_html(TEXT, [Entity("PER", 0, 12, "Ada Lovelace", 0.98765)])
    assert '<mark style="' in html and 'title="probability 0.988">Ada Lovelace<span' in html
    assert "<bdi>PER</bdi>" in html


def test_the_text_and_its_labels_are_escaped():
    html = entities_html(TEXT, [Entity("<i>", 20, 27, "Babbage", 0.5)])
    assert "<b>" not in html and "&lt;b&gt;" in html and "<i>" not in html


def test_of_a_long_text_only_the_beginning_is_shown():
    html = entities_html("Ada wrote. " * 10_000, [Entity("PER", 99_000, 99_003, "Ada", 0.9)])
    assert len(html) < 25_000 and "90,000 more characters" in html and "<mark" not in html


def test_a_document_renders_itself():
    document = Document(TEXT, [tokenize(TEXT)], [[ScoredSpan(0, 2, "PER", 0.9)]])
    assert document._repr_html_() == entities_html(TEXT, document.entities())

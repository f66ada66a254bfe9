import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shown import SENTENCE, entity

from rnner.render.json_output import entities_json, to_json


def test_json_gives_text_and_entities():
    items = [(SENTENCE, [entity(SENTENCE, "Harry Potter")]), ("", [])]
    told = {"label": "PER", "start": 0, "end": 12, "text": "Harry Potter", "score": 0.5}
    assert entities_json(items) == [{"text": SENTENCE, "entities": [told]}, {"text": "", "entities": []}]


def test_json_keeps_letters_readable():
    assert to_json({"text": "Zoë 東京 🧙"}) == '{"text": "Zoë 東京 🧙"}'


@settings(deadline=None, max_examples=60)
@given(st.text())
@example("line\u2028paragraph\u2029next\x85old\x0cpage\r\n\udcff")
def test_every_text_is_one_line_of_json_that_can_be_written(text):
    line = to_json(entities_json([(text, [])])[0])
    assert len(line.splitlines()) == 1
    assert json.loads(line.encode("utf-8"))["text"] == text


def test_numbers_that_json_cannot_say_are_refused():
    with pytest.raises(ValueError, match="JSON"):
        to_json([float("nan")])

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shown import SENTENCE, entity

from rnner.render.json_output import entities_json, to_json


def test_text_and_entities():
    expected = {"label": "PER", "start": 0, "end": 12, "text": "Harry Potter", "score": 0.5}
    found = entities_json(SENTENCE, [entity(SENTENCE, "Harry Potter")])
    assert found == {"text": SENTENCE, "entities": [expected]}
    assert entities_json("", []) == {"text": "", "entities": []}


def test_characters_stay_readable():
    assert to_json({"text": "Zoë 東京 🧙"}) == '{"text": "Zoë 東京 🧙"}'


@settings(deadline=None, max_examples=60)
@given(st.text())
@example("line\u2028paragraph\u2029next\x85old\x0cpage\r\n\udcff")
def test_any_text_is_one_line_of_valid_utf8(text):
    line = to_json(entities_json(text, []))
    assert len(line.splitlines()) == 1
    assert json.loads(line.encode("utf-8"))["text"] == text


def test_numbers_outside_json_are_errors():
    with pytest.raises(ValueError, match="JSON"):
        to_json([float("nan")])

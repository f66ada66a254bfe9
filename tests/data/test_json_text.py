"""JSON values within a text."""

import json

import pytest

from rnner.data.json_text import decode_at, shorten, skip, surrogate_problem
from rnner.errors import DataError

TEXT = '{"text": "Ada"}\n\n  [1,\n 2] {"text": "Grace",\n "label": }'


def test_values_are_read_one_after_the_other():
    value, end = decode_at(TEXT, 0, "letters.json", 1)
    assert value == {"text": "Ada"} and decode_at(TEXT, end, "letters.json", 1)[0] == [1, 2]


def test_an_error_is_on_the_line_of_the_fault_not_of_the_value():
    with pytest.raises(DataError, match=r"^letters.json:5: not valid JSON: Expecting value at character 11$"):
        decode_at(TEXT, TEXT.index('{"text": "Grace'), "letters.json", 4)


@pytest.mark.parametrize("text", ["[" * 100_000, "1" * 10_000])
def test_json_that_python_cannot_hold_is_an_error(text):
    with pytest.raises(DataError, match=r"^a.json:3: this JSON cannot be read: "):
        decode_at(text, 0, "a.json", 3)


def test_another_decoder_may_refuse_more():
    strict = json.JSONDecoder(parse_constant=lambda constant: int(constant))
    with pytest.raises(DataError, match=r"a.json:1: this JSON cannot be read: .*NaN"):
        decode_at("[NaN]", 0, "a.json", 1, strict)


def test_characters_are_skipped_up_to_the_end():
    assert skip(" \n\tAda", 0) == 3 and skip("  ", 0) == 2 and skip(", ,x", 0, " ,") == 3


def test_long_values_are_shortened_and_can_be_printed():
    assert shorten({"name": "Zoë"}) == '{"name": "Zoë"}'
    assert len(shorten("a" * 500)) == 120 and shorten("a" * 500).endswith("...")
    assert shorten("\ud83d") == '"\\ud83d"'


def test_a_lone_surrogate_is_found():
    assert surrogate_problem("Ada 😀") == ""
    assert surrogate_problem("Ada \ud83d") == "has a lone surrogate, \\ud83d, at position 4"

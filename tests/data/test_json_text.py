"""JSON values within a text."""

import json

import pytest

from rnner.data.json_text import JsonText, decode_line, shorten, surrogate_problem
from rnner.data.lines import longest_record
from rnner.errors import DataError

TEXT = '{"text": "Ada"}\n\n  [1,\n 2] {"text": "Grace",\n "label": }'


def pieces(text, size):
    return (text[i : i + size] for i in range(0, len(text), size))


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_values_are_read_one_after_the_other_whatever_the_pieces(size):
    text = JsonText(pieces(TEXT, size), "letters.json")
    assert text.peek() == "{" and text.decode() == {"text": "Ada"} and text.raw == '{"text": "Ada"}'
    assert text.peek() == "[" and text.line == 3 and text.decode() == [1, 2]
    assert text.peek() == "{" and text.line == 4
    with pytest.raises(DataError, match=r"^letters.json:5: not valid JSON: Expecting value at character 11$"):
        text.decode()


@pytest.mark.parametrize(
    "value", ['"a\\u00e9b"', "[true, false, null]", "-1.5e-3", '{"é": [{"b": ""}]}', "12"]
)
def test_a_value_may_be_cut_anywhere(value):
    for cut in range(1, len(value)):
        text = JsonText([f" {value[:cut]}", value[cut:], " 7"], "a.json")
        text.peek()
        assert text.decode() == json.loads(value)
        assert text.peek() == "7" and text.decode() == 7 and text.peek() == ""


def test_an_error_after_a_cut_has_its_place_in_the_line():
    text = JsonText(['{"a": 1', '} {"b": ', "x}"], "a.json")
    text.peek(), text.decode(), text.peek()
    with pytest.raises(DataError, match=r"^a.json:1: not valid JSON: Expecting value at character 16$"):
        text.decode()


def test_invalid_json_is_reported_before_the_rest_is_read():
    def endless():
        yield '[{"a": nothing, "b": "and the rest of a text"}, '
        pytest.fail("read on after an error")

    text = JsonText(endless(), "a.json")
    text.peek(), text.skip(), text.peek()
    with pytest.raises(DataError, match=r"a.json:1: not valid JSON: Expecting value at character 8$"):
        text.decode()


@pytest.mark.parametrize("begin", ['{"text": "', "[", '{"a":'])
def test_a_value_without_end_is_an_error_when_it_is_too_long(begin):
    read = 0

    def endless():
        nonlocal read
        yield "[1,\n"
        yield begin
        while True:
            read += 1 << 20
            yield "   " * (1 << 18) + " " * (1 << 18)

    text = JsonText(endless(), "a.json")
    text.peek(), text.skip(), text.peek(), text.decode(), text.peek(commas=True)
    with pytest.raises(
        DataError, match=r"^a.json:2: this JSON value is longer than 16 MB; to read it, set RNNER_"
    ):
        text.decode()
    assert read <= 4 * longest_record()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 100_000, "lists and objects are nested too deeply"),
        ("1" * 10_000, "a number has thousands of digits"),
    ],
)
def test_json_that_python_cannot_hold_is_an_error(text, reason):
    with pytest.raises(DataError, match=f"^a.json:3: this JSON cannot be read: {reason}$"):
        decode_line(text, "a.json", 3)
    stream = JsonText([f"\n\n{text} "], "a.json")
    stream.peek()
    with pytest.raises(DataError, match=f"^a.json:3: this JSON cannot be read: {reason}$"):
        stream.decode()


def test_another_decoder_may_refuse_more():
    strict = json.JSONDecoder(parse_constant=lambda constant: int(constant))
    with pytest.raises(DataError, match=r"a.json:1: this JSON cannot be read: .*NaN"):
        decode_line("[NaN]", "a.json", 1, strict)


def test_a_line_holds_one_value():
    assert decode_line(' {"a": 1}\r', "a.json", 3) == {"a": 1}
    with pytest.raises(DataError, match=r"^a.json:3: not valid JSON: two values on one line$"):
        decode_line("1 2", "a.json", 3)


def test_long_values_are_shortened_and_can_be_printed():
    assert shorten({"name": "Zoë"}) == '{"name": "Zoë"}'
    assert len(shorten("a" * 500)) == 120 and shorten("a" * 500).endswith("...")
    assert shorten("\ud83d") == '"\\ud83d"'
    nested = []
    for _ in range(100_000):
        nested = [nested]
    assert shorten(nested) == "lists and objects that are nested deeply"


def test_a_lone_surrogate_is_found():
    assert surrogate_problem("Ada 😀") == ""
    assert surrogate_problem("Ada \ud83d") == "has a lone surrogate, \\ud83d, at position 4"

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from rnner.render.marked_text import line_breaks


def wrapped(text, width):
    cuts = [0, *line_breaks(text, width), len(text)]
    return [text[start:end] for start, end in pairwise(cuts)]


def test_lines_end_after_white_space():
    assert wrapped("Harry Potter and Ron", 12) == ["Harry Potter ", "and Ron"]
    assert wrapped("Harry Potter and Ron", 11) == ["Harry ", "Potter and ", "Ron"]
    assert wrapped("  Harry   Potter", 9) == ["  Harry   ", "Potter"]
    assert wrapped("", 5) == [""]


def test_a_no_break_space_keeps_words_together():
    assert wrapped("Harry Potter\u00a0PER and", 12) == ["Harry ", "Potter\u00a0PER ", "and"]
    assert wrapped("a \u00a0b c", 4) == ["a \u00a0b ", "c"]


def test_a_word_wider_than_a_line_is_broken_between_characters():
    assert wrapped("see https://a.example/b ok", 10) == ["see https:", "//a.exampl", "e/b ok"]
    assert wrapped("東京に行く", 4) == ["東京", "に行", "く"]
    assert wrapped("e\u0301" * 4, 3) == ["e\u0301" * 3, "e\u0301"]


@pytest.mark.parametrize("width", [1, 2])
def test_a_character_wider_than_the_line_exceeds_it(width):
    assert wrapped("東京", width) == ["東", "京"]


@settings(deadline=None, max_examples=80)
@given(st.text("aé東🧙 \u00a0\u0301-", max_size=60), st.integers(2, 20))
def test_every_line_fits_and_begins_with_a_word(text, width):
    lines = wrapped(text, width)
    assert "".join(lines) == text
    for number, line in enumerate(lines):
        assert cell_len(line.rstrip(" ")) <= width
        assert number == 0 or line[0] != " "

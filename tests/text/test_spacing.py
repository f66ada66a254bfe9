"""White space between words: by the rules of print, and from the original text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnner.text.spacing import join, spacing, spacing_in

# Each case is the printed text; | separates words that have no white space between them.
READS = [
    "Dr. Nwosu flew to Oslo|.",
    "Wait|, what|?!",
    "He paid $|5 (|US$|3|)|: 5|% more|...",
    "They|'re sure John|’s is|n’t|.",
    "the students|' books",
    '"|Well|,|" he said|, "|so be it|.|"',
    "a '|quoted|' word",
    "“|Yes|” and ``|no|''",
    "won 6 - 4 [|sic|]",
    "either|/|or",
]


@pytest.mark.parametrize("reads", READS)
def test_words_are_spaced_as_in_print(reads):
    words = [word for part in reads.split() for word in part.split("|")]
    text = reads.replace("|", "")
    assert spacing_in(text, words) == spacing(words)


def test_letters_and_digits_of_a_sentence_split_into_characters_are_joined():
    assert join(list("用iPhone15拍")) == "用iPhone15拍"
    assert join(["共", "有", "1", "2", "0", "人"]) == "共有120人"
    assert join(["我", "有", "iPhone", "1", "5"]) == "我有iPhone 1 5"
    assert join(["1", "2", "0"]) == "1 2 0"


def test_a_sentence_needs_no_words():
    assert spacing([]) == []
    assert spacing_in("", []) is None


@given(st.lists(st.text("aB.,'\"/($s!😀", min_size=1, max_size=3), min_size=1))
def test_spacing_has_one_value_per_word_and_none_after_the_last(words):
    spaces = spacing(words)
    text = "".join(word + " " * space for word, space in zip(words, spaces, strict=True))
    assert len(spaces) == len(words) and spaces[-1] is False
    assert spacing_in(text, words) == spaces


def test_spacing_in_a_text_is_read_from_the_text():
    assert spacing_in(" I like it (a  lot ) ", ["I", "like", "it", "(", "a", "lot", ")"]) == [
        True, True, True, False, True, True, False
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["I like", "I like it not", "I liked it", ""])
def test_a_text_of_other_words_is_refused(text):
    assert spacing_in(text, ["I", "like", "it"]) is None

"""Words found where they stand: the ids of a dictionary, without making one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.data import word_index as sortedwords
from rnner.data.word_index import SortedIds, SortedWords, ids_of

WORDS = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1)


def text_of(words):
    return "".join(f"{word}\n" for word in sorted(words))


@settings(max_examples=40)
@given(st.sets(WORDS), st.sets(WORDS))
def test_words_have_the_ids_that_a_dictionary_gives_them(words, others):
    first = {word: i for i, word in enumerate(others)}
    quick = ids_of(SortedWords(text_of(words)), 1000, first)
    plain = ids_of(sorted(words), 1000, {}) | first
    asked = words | others | {"harry", "\ud800", "\U0001f600"}
    assert isinstance(quick, SortedIds)
    assert {word: quick.get(word) for word in asked} == {word: plain.get(word) for word in asked}
    assert dict(quick) == plain and len(quick) == len(plain)


@settings(max_examples=40)
@given(st.sets(WORDS, min_size=1))
def test_they_are_a_sequence_of_words(words):
    found = SortedWords(text_of(words))
    assert list(found) == [found[i] for i in range(len(found))] == sorted(words)
    assert found[-1] == max(words) and found[1:3] == sorted(words)[1:3]
    with pytest.raises(IndexError):
        found[len(words)]


def test_whoever_asks_often_gets_the_same_answers(monkeypatch):
    monkeypatch.setattr(sortedwords, "_MANY", 3)
    ids = SortedIds(SortedWords("a\nb\nc\n"), 10, {"b": 1, "z": 2})
    answers = [[ids.get(word) for word in "abcxz"] for _ in range(3)]
    assert answers == [[10, 1, 12, None, 2]] * 3


@pytest.mark.parametrize("text", ["a", "a\nb", "a\n\nb\n", "\n"])
def test_a_text_that_is_no_list_of_words_is_refused(text):
    with pytest.raises(ValueError, match="a line each"):
        SortedWords(text)
    assert len(SortedWords("")) == 0

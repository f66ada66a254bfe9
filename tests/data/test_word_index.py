"""Sorted words give the ids that a dictionary gives."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.data import word_index as sortedwords
from rnner.data.word_index import SortedIds, SortedWords, word_ids

WORDS = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1)


def text_of(words):
    return "".join(f"{word}\n" for word in sorted(words))


@settings(max_examples=40)
@given(st.sets(WORDS), st.sets(WORDS))
def test_words_have_the_ids_that_a_dictionary_gives_them(words, others):
    first = {word: i for i, word in enumerate(others)}
    quick = word_ids(SortedWords(text_of(words)), 1000, first)
    plain = word_ids(sorted(words), 1000, {}) | first
    asked = words | others | {"harry", "\ud800", "\U0001f600"}
    assert isinstance(quick, SortedIds)
    assert {word: quick.get(word) for word in asked} == {word: plain.get(word) for word in asked}
    assert dict(quick) == plain and len(quick) == len(plain)


@settings(max_examples=40)
@given(st.sets(WORDS, min_size=1))
def test_sorted_words_are_a_collection(words):
    found = SortedWords(text_of(words))
    assert list(found) == sorted(words) and len(found) == len(words)
    assert max(words) in found and max(words) + "x" not in found and 1 not in found
    assert [found.find(word) for word in found] == list(range(len(words)))


def test_ids_stay_the_same_after_the_dictionary_is_built(monkeypatch):
    monkeypatch.setattr(sortedwords, "_MAX_SEARCHES", 3)
    ids = SortedIds(SortedWords("a\nb\nc\n"), 10, {"b": 1, "z": 2})
    answers = [[ids.get(word) for word in "abcxz"] for _ in range(3)]
    assert answers == [[10, 1, 12, None, 2]] * 3


@pytest.mark.parametrize("text", ["a", "a\nb", "a\n\nb\n", "\n"])
def test_a_text_that_is_not_a_list_of_words_is_refused(text):
    with pytest.raises(ValueError, match="one word per line"):
        SortedWords(text)
    assert len(SortedWords("")) == 0

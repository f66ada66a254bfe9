"""Word look-up: the known spelling of a form, and an index for word lists too long for a dictionary."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Container, Iterator, Mapping
from functools import cached_property

import numpy as np

_MAX_SEARCHES = 2000  # number of binary searches that take as long as building a dictionary of all words


class SortedWords(Collection[str]):
    """Distinct, non-empty words, one per line of a text, sorted by code points.

    Raises:
        ValueError: a line is empty, or the last line has no newline.
    """

    def __init__(self, text: str) -> None:
        self._bytes = text.encode()
        ends = np.flatnonzero(np.frombuffer(self._bytes, dtype=np.uint8) == ord("\n"))
        self._starts = np.concatenate([[0], ends + 1])
        if self._starts[-1] != len(self._bytes) or (np.diff(self._starts) < 2).any():
            raise ValueError("expected one word per line")

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.find(word) is not None

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __iter__(self) -> Iterator[str]:
        return iter(self._bytes.decode().split("\n")[:-1])

    def find(self, word: str) -> int | None:
        """Return the index of a word, or None."""
        encoded = word.encode(errors="surrogatepass")
        place = bisect_left(range(len(self)), encoded, key=self._at)  # UTF-8 sorts like code points
        return place if place < len(self) and self._at(place) == encoded else None

    def _at(self, place: int) -> bytes:
        return self._bytes[self._starts[place] : self._starts[place + 1] - 1]


class SortedIds(Mapping[str, int]):
    """The ids of sorted words, counted from `first`, and the ids in `others`, which take precedence.

    The first 2,000 look-ups search the sorted words, because a dictionary of 400,000 words takes a fifth of a
    second to build. The next look-up builds it.
    """

    def __init__(self, words: SortedWords, first: int, others: Mapping[str, int]) -> None:
        self._words, self._first, self._others, self._searches = words, first, others, 0

    def __getitem__(self, word: str) -> int:
        if self._searches >= _MAX_SEARCHES:
            return self._all[word]
        self._searches += 1
        if word in self._others:
            return self._others[word]
        place = self._words.find(word)
        if place is None:
            raise KeyError(word)
        return self._first + place

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @cached_property
    def _all(self) -> dict[str, int]:
        return {word: i for i, word in enumerate(self._words, start=self._first)} | dict(self._others)


def word_ids(words: Collection[str], first: int, others: Mapping[str, int]) -> Mapping[str, int]:
    """Return the ids of distinct words, counted from `first`, together with the ids in `others`."""
    if isinstance(words, SortedWords):
        return SortedIds(words, first, others)
    return {**others, **{word: i for i, word in enumerate(words, start=first)}}


def normal_form(form: str) -> str:
    """Return a form in lower case with every decimal digit of any script replaced by "0"."""
    lowered = form.lower()
    if lowered.isalpha():  # fast path for most words
        return lowered
    return "".join("0" if character.isdecimal() else character for character in lowered)


def known_spelling(form: str, known: Container[str]) -> str:
    """Return the first of `form`, its lower case and its normal form that is known, else the normal form."""
    if form in known:
        return form
    lowered = form.lower()
    return lowered if lowered in known else normal_form(lowered)

"""How words are looked up: by which spellings, and in lists too long for a dictionary."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterator, Mapping, Sequence
from functools import cached_property
from typing import overload

import numpy as np

_MANY = 2000  # look-ups by bisection that take as long as a dictionary of all words


class SortedWords(Sequence[str]):
    """Distinct words that stand in a text line by line, in the order of code points, none of them empty.

    Raises ValueError if a line is empty, or the last has no end.
    """

    def __init__(self, text: str) -> None:
        self._bytes = text.encode()
        ends = np.flatnonzero(np.frombuffer(self._bytes, dtype=np.uint8) == ord("\n"))
        self._starts = np.concatenate([[0], ends + 1])
        if self._starts[-1] != len(self._bytes) or (np.diff(self._starts) < 2).any():
            raise ValueError("words are wanted a line each")

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        return self._at(range(len(self))[place]).decode()

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __iter__(self) -> Iterator[str]:
        return iter(self._bytes.decode().split("\n")[:-1])

    def find(self, word: str) -> int | None:
        """The place of a word, None if it is not there."""
        wanted = word.encode(errors="surrogatepass")
        place = bisect_left(range(len(self)), wanted, key=self._at)  # UTF-8 keeps the order of code points
        return place if place < len(self) and self._at(place) == wanted else None

    def _at(self, place: int) -> bytes:
        return self._bytes[self._starts[place] : self._starts[place + 1] - 1]


class SortedIds(Mapping[str, int]):
    """The ids of sorted words, counted from `first`, and of `others`, which come first where both have one.

    Some of 400,000 words are found without the fifth of a second that a dictionary of all takes to make;
    whoever looks up many gets that.
    """

    def __init__(self, words: SortedWords, first: int, others: Mapping[str, int]) -> None:
        self._words, self._first, self._others, self._asked = words, first, others, 0

    def __getitem__(self, word: str) -> int:
        if self._asked >= _MANY:
            return self._all[word]
        self._asked += 1
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


def ids_of(words: Sequence[str], first: int, others: Mapping[str, int]) -> Mapping[str, int]:
    """The ids of distinct words, counted from `first`, and of `others`."""
    if isinstance(words, SortedWords):
        return SortedIds(words, first, others)
    return {**others, **{word: i for i, word in enumerate(words, start=first)}}


def normal_form(form: str) -> str:
    """Lower-case, with every decimal digit of any script as "0": the form that rare spellings share."""
    lowered = form.lower()
    if lowered.isalpha():  # by far the most, and quick to tell
        return lowered
    return "".join("0" if character.isdecimal() else character for character in lowered)


def spelling_in(form: str, known: Container[str]) -> str:
    """The first of `form`, its lower-case and its normal form that is `known`; the normal form if none is."""
    if form in known:
        return form
    lowered = form.lower()
    return lowered if lowered in known else normal_form(lowered)

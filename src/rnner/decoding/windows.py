"""Sentences too long for memory, in windows that overlap.

Each window is read like a sentence of its own. What it finds near an edge, where it lacks the words beyond,
does not count: the seam between two windows is the middle of their overlap, and a window decides about the
words between its seams.

    words       0 . . . . . . . . . . . . . . . . . . .
    windows     |---------------|
                        |---------------|
    seam                    ^

The rule for entities that cross a seam: the first word decides. An entity is taken, whole, from the window
that decides about its first word; what the next window finds in its words gives way.
"""

from __future__ import annotations

import heapq
import math
import sys
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Protocol, TypeVar

LONGEST = 1024
"""Sentences of more words are read in windows of so many, unless another number is given."""
_OVERLAP = 4  # a window shares a fourth of its words with the next
_LEAST = sys.float_info.min  # of a probability whose logarithm is taken


class Window(NamedTuple):
    """Words `start` to `end` of a sentence, of which `first` to `last` are decided on; half-open both."""

    start: int
    end: int
    first: int
    last: int


class Placed(Protocol):
    """A span of words, half-open, as a named tuple."""

    @property
    def start(self) -> int:
        """Its first word."""
        ...

    @property
    def end(self) -> int:
        """The word after its last."""
        ...

    def _replace(self, *, start: int, end: int) -> Any:
        """The same with another place."""
        ...


S = TypeVar("S", bound=Placed)


def windows(length: int, most: int) -> list[Window]:
    """The windows of a sentence of `length` words, `most` in each; every word is decided on in just one."""
    step = most - most // _OVERLAP
    starts = [*range(0, length - most, step), max(0, length - most)]
    ends = [min(length, start + most) for start in starts]
    seams = [0, *((start + end) // 2 for start, end in zip(starts[1:], ends, strict=False)), length]
    return [Window(start, end, *seam) for start, end, seam in zip(starts, ends, pairwise(seams), strict=True)]


def join_spans(cuts: Sequence[Window], found: Sequence[Sequence[S]]) -> list[S]:
    """The entities of a sentence from those of its windows: the first word decides."""
    joined: list[S] = []
    for window, spans in zip(cuts, found, strict=True):
        _append(joined, _decided(window, spans))
    return joined


def _decided(window: Window, spans: Sequence[S]) -> list[S]:
    """The entities that begin where the window decides, in the words of the sentence."""
    moved: list[S] = [
        span._replace(start=span.start + window.start, end=span.end + window.start) for span in spans
    ]
    return [span for span in moved if window.first <= span.start < window.last]


def _append(joined: list[S], spans: Sequence[S]) -> None:
    """Add the entities of the next window, but for those that begin within the last one."""
    border = joined[-1].end if joined else 0
    joined += [span for span in spans if span.start >= border]


def join_readings(
    cuts: Sequence[Window], found: Sequence[Sequence[tuple[Sequence[S], float]]], n: int
) -> list[tuple[list[S], float]]:
    """The n best ways to tag a sentence, entities and probability, from those of its windows.

    As if no window knew of the others: the probability is the product of those of what the windows decide.
    """
    best: list[tuple[float, list[list[S]]]] = [(0.0, [])]  # logarithm, entities window by window
    for window, readings in zip(cuts, found, strict=True):
        sums: dict[tuple[S, ...], float] = defaultdict(float)
        for spans, probability in readings:
            sums[tuple(_decided(window, spans))] += probability
        ways = [
            (log + math.log(max(share, _LEAST)), [*before, list(spans)])
            for log, before in best
            for spans, share in sums.items()
        ]
        best = heapq.nlargest(n, ways, key=lambda way: way[0])
    return [(_put_together(parts), math.exp(log)) for log, parts in best]


def _put_together(parts: Sequence[Sequence[S]]) -> list[S]:
    joined: list[S] = []
    for spans in parts:
        _append(joined, spans)
    return joined

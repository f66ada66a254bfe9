"""Overlapping windows over sentences that are too long to read at once.

Each window is read like a sentence. Predictions near its edges lack context, so two windows meet at a seam in
the middle of their overlap, and each window handles only the words between its seams.

    words       0 . . . . . . . . . . . . . . . . . . .
    windows     |---------------|
                        |---------------|
    seam                    ^

An entity that crosses a seam belongs to the window that handles its first word. It is kept whole, and
entities of the next window that overlap it are dropped.
"""

from __future__ import annotations

import heapq
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

from rnner.decoding.spans import Reading, ScoredSpan
from rnner.tags import Span

WINDOW = 1024
"""Default length of a window, in words. Longer sentences are read in windows."""
_OVERLAP = 4  # consecutive windows share a quarter of their words
_TINY = sys.float_info.min  # keeps the logarithm of a probability finite

S = TypeVar("S", Span, ScoredSpan)


class Window(NamedTuple):
    """Words start to end of a sentence; only results between the seams are used."""

    start: int
    end: int
    left_seam: int
    right_seam: int


def split_into_windows(length: int, size: int) -> list[Window]:
    """Return the windows of a sentence of `length` words, at most `size` words each."""
    step = size - size // _OVERLAP
    starts = [*range(0, length - size, step), max(0, length - size)]
    ends = [min(length, start + size) for start in starts]
    seams = [0, *((start + end) // 2 for start, end in zip(starts[1:], ends, strict=False)), length]
    return [Window(start, end, *seam) for start, end, seam in zip(starts, ends, pairwise(seams), strict=True)]


def decided_rows(windows: Sequence[Window], found: Sequence[Any]) -> list[Any]:
    """Return the rows between the seams, from arrays with one row per word of each window."""
    return [
        rows[window.left_seam - window.start : window.right_seam - window.start]
        for window, rows in zip(windows, found, strict=True)
    ]


def join_spans(windows: Sequence[Window], found: Sequence[Sequence[S]]) -> list[S]:
    """Return the entities of a sentence, given those of each window."""
    return _without_overlaps(_decided(window, spans) for window, spans in zip(windows, found, strict=True))


def _decided(window: Window, spans: Sequence[S]) -> list[S]:
    """Return the entities that begin between the seams, counted in words of the sentence."""
    moved = [span._replace(start=span.start + window.start, end=span.end + window.start) for span in spans]
    return [span for span in moved if window.left_seam <= span.start < window.right_seam]


def _without_overlaps(spans_of_windows: Iterable[Sequence[S]]) -> list[S]:
    """Concatenate the entities of windows, dropping any that begin within an entity of an earlier window."""
    joined: list[S] = []
    for spans in spans_of_windows:
        border = joined[-1].end if joined else 0
        joined += [span for span in spans if span.start >= border]
    return joined


def join_readings(windows: Sequence[Window], found: Sequence[Sequence[Reading]], n: int) -> list[Reading]:
    """Return the n best readings of a sentence, given those of each window.

    Windows are treated as independent: the probability of a reading is the product, over all windows, of the
    probability of the entities that begin between the seams of the window.
    """
    best: list[tuple[float, list[list[Span]]]] = [(0.0, [])]  # log-probability, entities of each window
    for window, readings in zip(windows, found, strict=True):
        sums: dict[tuple[Span, ...], float] = defaultdict(float)
        for spans, probability in readings:
            sums[tuple(_decided(window, spans))] += probability
        extended = [
            (log + math.log(max(probability, _TINY)), [*before, list(spans)])
            for log, before in best
            for spans, probability in sums.items()
        ]
        best = heapq.nlargest(n, extended, key=lambda reading: reading[0])
    return [Reading(_without_overlaps(spans), math.exp(log)) for log, spans in best]

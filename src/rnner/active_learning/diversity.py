"""Keep texts that are almost equal apart, in time that grows linearly with their number.

A text is a vector of hashed character n-grams (feature hashing: Weinberger et al. 2009), with case and digits
ignored, so that "Flight 17 is late." and "Flight 18 is late." have the same vector. The cosine of two vectors
is the similarity of the texts. Choosing greedily, and avoiding what resembles an earlier choice, is maximal
marginal relevance (Carbonell and Goldstein 1998), with a fixed limit of similarity and a short memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

SIMILAR = 0.5
"""Texts with a larger cosine are near-duplicates: they share about this part of their n-grams."""
_MEMORY = 100  # a text is compared to this many texts before it
_PASSES = 3
_LENGTH = 5  # bytes of an n-gram
_BITS = 8
_DIMENSION = 1 << _BITS
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio (Knuth): spreads out hashes
_DIGIT = re.compile(r"\d")


def spread(texts: Sequence[str], order: Iterable[int]) -> Iterator[int]:
    """Yield the numbers in `order` so that near-duplicates do not follow each other.

    A text that resembles one of the hundred texts before it waits for a second pass, or a third one. What
    still waits then has nothing else to stand between, and comes last.

    Args:
        texts: the texts.
        order: the numbers of texts, the most useful first. The first one stays first.
    """
    waiting = list(order)
    for _ in range(_PASSES):
        recent, position, texts_left, waiting = np.zeros((_MEMORY, _DIMENSION)), 0, waiting, []
        for number in texts_left:
            vector = hashed_n_grams(texts[number])
            if (recent @ vector).max() > SIMILAR:
                waiting.append(number)
            else:
                recent[position % _MEMORY] = vector
                position += 1
                yield number
    yield from waiting


def hashed_n_grams(text: str) -> NDArray[np.float64]:
    """Return the vector `[256]` of a text, of length 1; 0 for an empty text."""
    plain = " ".join(_DIGIT.sub("0", text.lower()).split())
    data = np.frombuffer(f"  {plain}  ".encode(errors="replace"), dtype=np.uint8).astype(np.uint64)
    hashes = np.zeros(max(0, len(data) - _LENGTH + 1), dtype=np.uint64)
    for i in range(_LENGTH):
        hashes = hashes << np.uint64(8) | data[i : len(data) - _LENGTH + 1 + i]
    hashes *= _MULTIPLIER
    slots = (hashes >> np.uint64(64 - _BITS)).astype(np.int64)
    signs = 1.0 - 2.0 * (hashes >> np.uint64(63 - _BITS) & np.uint64(1)).astype(np.float64)
    vector = np.bincount(slots, weights=signs, minlength=_DIMENSION)
    unit: NDArray[np.float64] = vector.astype(np.float64) / max(1.0, np.sqrt(vector @ vector))
    return unit

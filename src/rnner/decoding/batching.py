"""Split sentences into batches of similar length, and return results in the order of the sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from rnner.data.batches import Integers, batch_indices
from rnner.data.token_table import NO_DOCUMENT
from rnner.decoding.windows import WINDOW, Window, split_into_windows

T = TypeVar("T")
Sentences = Sequence[list[str]]
"""Sentences as lists of words."""
DocumentNumbers = Sequence[int] | None
"""The document number of each sentence, -1 for a separate document; None is -1 for every sentence."""
_BLOCK_WORDS = 1 << 16


class SentencePart(NamedTuple):
    """Words `start` to `end` (half-open) of sentence number `sentence`: all its words, or a window."""

    sentence: int
    start: int
    end: int

    @property
    def length(self) -> int:
        """The number of words."""
        return self.end - self.start


EmissionsOf = Callable[[list[SentencePart]], Any]
"""Returns the emissions `[b, t, k]` (scores of each tag at each word) of b parts; padding is arbitrary."""
Emitter = Callable[[Sequence[list[str]], list[int]], EmissionsOf]
"""Prepares a block of s sentences, given the document number `[s]` of each; it contains whole documents."""


class Limits(NamedTuple):
    """Maximum number of sentences and tokens (with padding) per batch, and of words per window."""

    sentences: int = 256
    tokens: int = 8192
    window: int = WINDOW


def blocks(sentences: Sequence[Sequence[object]], documents: Sequence[int]) -> Iterator[range]:
    """Split the sentences into blocks of tens of thousands of words, never dividing a document.

    Results for the words of a document can then be used for all its sentences, while memory use does not
    grow with the number of sentences.

    Args:
        sentences: s sentences.
        documents: `[s]` document number of each sentence, -1 for none.
    """
    last = {number: i for i, number in enumerate(documents) if number != NO_DOCUMENT}
    start, words, until = 0, 0, -1
    for i, (sentence, number) in enumerate(zip(sentences, documents, strict=True)):
        words += len(sentence)
        until = max(until, last.get(number, -1))
        if words >= _BLOCK_WORDS and until <= i:
            yield range(start, i + 1)
            start, words = i + 1, 0
    if start < len(sentences):
        yield range(start, len(sentences))


def batches(sentences: Sequence[Sequence[object]], limits: Limits) -> Iterator[list[SentencePart]]:
    """Yield batches of parts of similar length: whole sentences, then the windows of each longer sentence.

    Empty sentences are skipped.
    """
    sizes = [len(words) for words in sentences]
    whole = [SentencePart(i, 0, size) for i, size in enumerate(sizes) if 0 < size <= limits.window]
    windowed = (
        [SentencePart(i, window.start, window.end) for window in split_into_windows(size, limits.window)]
        for i, size in enumerate(sizes)
        if size > limits.window
    )
    for parts in (whole, *windowed):
        lengths = np.array([part.length for part in parts], dtype=np.int64)
        for rows in batch_indices(lengths, sentences=limits.sentences, tokens=limits.tokens):
            yield [parts[row] for row in rows]


def in_order(
    sentences: Sequence[Sequence[object]],
    results: Mapping[SentencePart, T],
    limits: Limits,
    *,
    join: Callable[[list[Window], list[T]], T],
    empty: T,
) -> list[T]:
    """Return one result per sentence, given the results of all parts in `batches`.

    Args:
        sentences: the sentences that were batched.
        results: the result of each part.
        limits: the limits of the batches.
        join: combines the results of the windows of a long sentence.
        empty: the result of a sentence without words.
    """
    ordered = []
    for i, words in enumerate(sentences):
        if not words:
            ordered.append(empty)
        elif len(words) <= limits.window:
            ordered.append(results[SentencePart(i, 0, len(words))])
        else:
            windows = split_into_windows(len(words), limits.window)
            ordered.append(join(windows, [results[SentencePart(i, w.start, w.end)] for w in windows]))
    return ordered


class WordPositions:
    """The positions of the words of sentences when all sentences are concatenated.

    Attributes:
        lengths: `[s]` number of words of each sentence.
    """

    def __init__(self, sentences: Sequence[Sequence[object]]) -> None:
        self.lengths = np.array([len(words) for words in sentences], dtype=np.int64)
        self._starts = np.cumsum(self.lengths) - self.lengths

    def grid(self, parts: Sequence[SentencePart]) -> tuple[Integers, NDArray[np.bool_]]:
        """Return the positions `[b, t]` of the words of b parts, 0 in the padding, and the mask of words."""
        sentence, start, end = np.array(parts, dtype=np.int64).T
        steps = np.arange((end - start).max())
        inside = steps < (end - start)[:, None]
        return ((self._starts[sentence] + start)[:, None] + steps) * inside, inside

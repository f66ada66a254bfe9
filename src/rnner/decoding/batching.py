"""Sentences in batches of near-equal length, and the results in the order of the sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from rnner.data.batches import batch_indices
from rnner.data.token_table import UNMARKED
from rnner.decoding.windows import Window, windows

T = TypeVar("T")
_BLOCK = 1 << 16  # words


class SentencePart(NamedTuple):
    """Words `start` to `end` (half-open) of the sentence with a number: all of it, or a window."""

    sentence: int
    start: int
    end: int

    @property
    def length(self) -> int:
        """How many words."""
        return self.end - self.start


def by_batches(
    sentences: Sequence[Sequence[object]],
    found_in: Callable[[list[SentencePart]], list[T]],
    join: Callable[[list[Window], list[T]], T],
    empty: T,
    *,
    most_sentences: int,
    most_tokens: int,
    window: int,
) -> list[T]:
    """What `found_in` finds in batches of sentences of near-equal length, in the order of the sentences.

    A sentence of more than `window` words is given to it in windows, apart from the others, and `join` makes
    one of what is found in them. A sentence without words is in no batch; `empty` stands for what is found
    there.
    """

    def batched(pieces: list[SentencePart]) -> list[T]:
        found: list[T] = [empty for _ in pieces]
        lengths = np.array([piece.length for piece in pieces], dtype=np.int64)
        for rows in batch_indices(lengths, sentences=most_sentences, tokens=most_tokens):
            for row, result in zip(rows.tolist(), found_in([pieces[row] for row in rows]), strict=True):
                found[row] = result
        return found

    found = [empty for _ in sentences]
    whole = [SentencePart(i, 0, len(words)) for i, words in enumerate(sentences) if 0 < len(words) <= window]
    for piece, result in zip(whole, batched(whole), strict=True):
        found[piece.sentence] = result
    for i, words in enumerate(sentences):
        if len(words) > window:
            cuts = windows(len(words), window)
            found[i] = join(cuts, batched([SentencePart(i, cut.start, cut.end) for cut in cuts]))
    return found


def blocks(sentences: Sequence[Sequence[object]], documents: Sequence[int]) -> Iterator[range]:
    """All sentences in blocks of some ten thousand words; those of one document are in one block.

    What is known of a document's words is then still at hand when its sentences are read, and memory does not
    grow with the number of sentences.

    Args:
        sentences: s of them.
        documents: `[s]` the number of each one's document, -1 if it has none.
    """
    last = {number: i for i, number in enumerate(documents) if number != UNMARKED}
    start, words, until = 0, 0, -1
    for i, (sentence, number) in enumerate(zip(sentences, documents, strict=True)):
        words += len(sentence)
        until = max(until, last.get(number, -1))
        if words >= _BLOCK and until <= i:
            yield range(start, i + 1)
            start, words = i + 1, 0
    if start < len(sentences):
        yield range(start, len(sentences))


def words_of(sentences: Sequence[list[str]], pieces: Sequence[SentencePart]) -> list[list[str]]:
    """The words of pieces of the sentences."""
    return [sentences[piece.sentence][piece.start : piece.end] for piece in pieces]

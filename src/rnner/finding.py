"""From words to entities, whatever computes the scores: batches in, spans out, in the order they came."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from rnner import tags
from rnner.data.batches import Batch, batch_indices
from rnner.data.conll import UNMARKED
from rnner.data.documents import bags_of, separate
from rnner.data.vocabulary import Vocabulary
from rnner.tags import Span
from rnner.windows import LONGEST, Window, join_readings, join_spans, windows

T = TypeVar("T")


class ScoredSpan(NamedTuple):
    """An entity of a sentence: words start to end (half-open), its label, its probability in [0, 1]."""

    start: int
    end: int
    label: str
    score: float


class Reading(NamedTuple):
    """One way to tag a sentence: its entities, and the probability in [0, 1] that it is the right way."""

    spans: list[Span]
    probability: float


class Finder(Protocol):
    """What finds entities, be it one tagger or several: all that scoring needs."""

    @property
    def vocabulary(self) -> Vocabulary:
        """Whose scheme and labels the entities are of."""
        ...

    def spans(
        self, sentences: Sequence[list[str]], documents: Sequence[int] | None = None
    ) -> list[list[Span]]:
        """The entities of each sentence (a list of words), see `Decoder`."""
        ...


class Piece(NamedTuple):
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
    found_in: Callable[[list[Piece]], list[T]],
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

    def batched(pieces: list[Piece]) -> list[T]:
        found: list[T] = [empty for _ in pieces]
        lengths = np.array([piece.length for piece in pieces], dtype=np.int64)
        for rows in batch_indices(lengths, sentences=most_sentences, tokens=most_tokens):
            for row, result in zip(rows.tolist(), found_in([pieces[row] for row in rows]), strict=True):
                found[row] = result
        return found

    found = [empty for _ in sentences]
    whole = [Piece(i, 0, len(words)) for i, words in enumerate(sentences) if 0 < len(words) <= window]
    for piece, result in zip(whole, batched(whole), strict=True):
        found[piece.sentence] = result
    for i, words in enumerate(sentences):
        if len(words) > window:
            cuts = windows(len(words), window)
            found[i] = join(cuts, batched([Piece(i, cut.start, cut.end) for cut in cuts]))
    return found


class Lattice(Protocol):
    """The scores of all tag sequences of a batch of b sentences; positions are padded to the longest."""

    def best(self) -> list[list[int]]:
        """The most probable legal tags of each sentence."""
        ...

    def probabilities(self, places: list[tuple[int, int, int]]) -> list[float]:
        """The exact probability of each entity, given by row, start and end, as the best tags have it."""
        ...

    def n_best(self, n: int) -> tuple[list[list[list[int]]], list[list[float]]]:
        """The n most probable legal tags of each sentence and their log-probabilities (-inf: no more)."""
        ...


class BatchDecoder(ABC):
    """Finds the best legal tags of sentences, whatever they are batched with.

    Its methods take sentences as lists of words and, for models that look at whole documents, the number of
    each sentence's document; a sentence with the number -1, or without one, is a document of its own.

    Args:
        vocabulary: the model's.
        sentences, tokens: bounds of a batch.
        window: a sentence of more words is read in overlapping windows of so many (`rnner.windows`), so that
            memory does not grow with it; its words are all tagged, and know its whole document.
    """

    def __init__(
        self, vocabulary: Vocabulary, *, sentences: int = 64, tokens: int = 8192, window: int = LONGEST
    ) -> None:
        self.vocabulary = vocabulary
        self.sentences, self.tokens, self.window = sentences, tokens, window

    @property
    @abstractmethod
    def documents(self) -> bool:
        """Whether the model looks at whole documents."""

    @abstractmethod
    def lattice(self, batch: Batch[NDArray[Any]]) -> Lattice:
        """What the model makes of a batch."""

    def spans(
        self, sentences: Sequence[list[str]], documents: Sequence[int] | None = None
    ) -> list[list[Span]]:
        """The entities of each sentence, without probabilities."""
        return self.by_batches(sentences, documents, self._spans, join_spans, [])

    def scored_spans(
        self, sentences: Sequence[list[str]], documents: Sequence[int] | None = None
    ) -> list[list[ScoredSpan]]:
        """The entities of each sentence with the probability of each.

        It is the summed probability of all legal tag sequences that hold precisely this entity.
        """
        return self.by_batches(sentences, documents, self._scored_spans, join_spans, [])

    def readings(
        self, sentences: Sequence[list[str]], n: int, documents: Sequence[int] | None = None
    ) -> list[list[Reading]]:
        """The n most probable ways to tag each sentence, best first; fewer where there are no more."""

        def join(cuts: list[Window], found: list[list[Reading]]) -> list[Reading]:
            return [Reading(*way) for way in join_readings(cuts, found, n)]

        return self.by_batches(
            sentences, documents, lambda batch, pieces: self._readings(batch, pieces, n), join, []
        )

    def by_batches(
        self,
        sentences: Sequence[list[str]],
        documents: Sequence[int] | None,
        found_in: Callable[[Batch[NDArray[Any]], list[Piece]], list[T]],
        join: Callable[[list[Window], list[T]], T],
        empty: T,
    ) -> list[T]:
        """What `found_in` finds in batches of sentences, in the order of the sentences."""
        bags = None
        if self.documents:
            numbers = separate([UNMARKED] * len(sentences) if documents is None else documents).tolist()
            bags = bags_of(sentences, numbers, self.vocabulary.row)

        def found(pieces: list[Piece]) -> list[T]:
            words = [sentences[piece.sentence][piece.start : piece.end] for piece in pieces]
            own = None if bags is None else [bags[piece.sentence] for piece in pieces]
            return found_in(self.vocabulary.encode(words, bags=own), pieces)

        limits = {"most_sentences": self.sentences, "most_tokens": self.tokens, "window": self.window}
        return by_batches(sentences, found, join, empty, **limits)

    def _to_spans(self, path: list[int], piece: Piece) -> list[Span]:
        names = self.vocabulary.tags
        return tags.to_spans([names[tag] for tag in path[: piece.length]], self.vocabulary.scheme)

    def _spans(self, batch: Batch[NDArray[Any]], pieces: list[Piece]) -> list[list[Span]]:
        paths = self.lattice(batch).best()
        return [self._to_spans(path, piece) for path, piece in zip(paths, pieces, strict=True)]

    def _scored_spans(self, batch: Batch[NDArray[Any]], pieces: list[Piece]) -> list[list[ScoredSpan]]:
        lattice = self.lattice(batch)
        spans = [self._to_spans(path, piece) for path, piece in zip(lattice.best(), pieces, strict=True)]
        places = [(row, span.start, span.end) for row, found in enumerate(spans) for span in found]
        score = iter(lattice.probabilities(places) if places else [])
        return [[ScoredSpan(*span, next(score)) for span in found] for found in spans]

    def _readings(self, batch: Batch[NDArray[Any]], pieces: list[Piece], n: int) -> list[list[Reading]]:
        rows = zip(*self.lattice(batch).n_best(n), pieces, strict=True)
        return [
            [
                Reading(self._to_spans(path, piece), math.exp(log))
                for path, log in zip(best, own, strict=True)
                if log > -math.inf
            ]
            for best, own, piece in rows
        ]

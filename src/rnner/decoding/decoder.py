"""From words to entities, whatever computes the scores: batches in, spans out, in the order they came."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from rnner import tags
from rnner.data.bags import bags_of, separate
from rnner.data.batches import Batch, Floats, Integers
from rnner.data.token_table import UNMARKED
from rnner.data.vocabulary import Vocabulary
from rnner.decoding.agreement import agree, alike
from rnner.decoding.batching import SentencePart, T, blocks, by_batches, words_of
from rnner.decoding.lattice import Lattice, TagTable
from rnner.decoding.threshold import apart
from rnner.decoding.windows import LONGEST, Window, join_readings, join_spans
from rnner.system.process_memory import collecting_later
from rnner.tags import Span


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


class SpanFinder(Protocol):
    """What finds entities, be it one tagger or several: all that scoring needs."""

    @property
    def vocabulary(self) -> Vocabulary:
        """Whose scheme and labels the entities are of."""
        ...

    def spans(
        self, sentences: Sequence[list[str]], documents: Sequence[int] | None = None
    ) -> list[list[Span]]:
        """The entities of each sentence (a list of words), see `TaggerDecoder`."""
        ...


Reader = Callable[[list[SentencePart]], Lattice]
"""Makes the lattice of a batch of pieces of sentences."""


class Decoder(ABC):
    """Finds the best legal tags of sentences, whatever they are batched with.

    Its methods take sentences as lists of words and, for models that look at whole documents, the number of
    each sentence's document; a sentence with the number -1, or without one, is a document of its own.

    Args:
        vocabulary: the model's.
        sentences, tokens: bounds of a batch.
        window: a sentence of more words is read in overlapping windows of so many (`rnner.decoding.windows`), so that
            memory does not grow with it; its words are all tagged, and know its whole document.
    """

    def __init__(
        self, vocabulary: Vocabulary, *, sentences: int = 256, tokens: int = 8192, window: int = LONGEST
    ) -> None:
        self.vocabulary = vocabulary
        self.sentences, self.tokens, self.window = sentences, tokens, window
        self._tags = TagTable(vocabulary.tags, vocabulary.scheme)

    @property
    @abstractmethod
    def documents(self) -> bool:
        """Whether the model looks at whole documents."""

    @property
    @abstractmethod
    def threshold(self) -> float | None:
        """What entities must be more probable than; None: those of the most probable tags are found."""

    @property
    @abstractmethod
    def agreement(self) -> float | None:
        """The share of its scores that a word has in common with its like (`rnner.decoding.agreement`), or None."""

    @abstractmethod
    def lattice(self, batch: Batch[NDArray[Any]]) -> Lattice:
        """What the model makes of a batch."""

    @abstractmethod
    def lattice_of(self, emissions: Floats, lengths: Integers) -> Lattice:
        """The lattice of emissions [b, t, k] of sentences of so many words [b]."""

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

    def candidates(
        self, sentences: Sequence[list[str]], threshold: float, documents: Sequence[int] | None = None
    ) -> list[list[ScoredSpan]]:
        """All entities more probable than a threshold, whether or not they overlap."""
        return self.by_batches(
            sentences,
            documents,
            lambda lattice, pieces: self._candidates(lattice, pieces, threshold),
            join_spans,
            [],
        )

    def readings(
        self, sentences: Sequence[list[str]], n: int, documents: Sequence[int] | None = None
    ) -> list[list[Reading]]:
        """The n most probable ways to tag each sentence, best first; fewer where there are no more."""

        def join(cuts: list[Window], found: list[list[Reading]]) -> list[Reading]:
            return [Reading(*way) for way in join_readings(cuts, found, n)]

        return self.by_batches(
            sentences, documents, lambda lattice, pieces: self._readings(lattice, pieces, n), join, []
        )

    def by_batches(
        self,
        sentences: Sequence[list[str]],
        documents: Sequence[int] | None,
        found_in: Callable[[Lattice, list[SentencePart]], list[T]],
        join: Callable[[list[Window], list[T]], T],
        empty: T,
    ) -> list[T]:
        """What `found_in` finds in batches of sentences, in the order of the sentences."""
        numbers = [UNMARKED] * len(sentences) if documents is None else documents
        begin = self.reader()
        found: list[T] = []
        for block in blocks(sentences, numbers):
            with collecting_later():
                own = sentences[block.start : block.stop]
                own_documents = separate(numbers[block.start : block.stop]).tolist()
                read = begin(own, own_documents)
                if self.agreement is not None:
                    read = self._agreeing(read, own, own_documents, self.agreement)
                at_once = partial(_found, read, found_in, block.start)
                found += by_batches(own, at_once, join, empty, **self._limits)
        return found

    @property
    def _limits(self) -> dict[str, int]:
        return {"most_sentences": self.sentences, "most_tokens": self.tokens, "window": self.window}

    def _agreeing(
        self, read: Reader, sentences: Sequence[list[str]], documents: list[int], share: float
    ) -> Reader:
        """What reads sentences as `read` does, once the words of each document have come to agree."""

        def rows(pieces: list[SentencePart]) -> list[Floats]:
            return [own[: piece.length] for own, piece in zip(read(pieces).scores(), pieces, strict=True)]

        nothing = np.zeros((0, len(self.vocabulary.tags)), dtype=np.float32)
        emitted = np.concatenate(by_batches(sentences, rows, _join_rows, nothing, **self._limits))
        agreed = agree(emitted, alike(sentences, documents), share)
        lengths = np.array([len(words) for words in sentences], dtype=np.int64)
        starts = np.cumsum(lengths) - lengths

        def again(pieces: list[SentencePart]) -> Lattice:
            sentence, start, end = np.array(pieces, dtype=np.int64).T
            steps = np.arange((end - start).max())
            places = (starts[sentence] + start)[:, None] + steps * (steps < (end - start)[:, None])
            return self.lattice_of(agreed[places], end - start)

        return again

    def reader(self) -> Callable[[Sequence[list[str]], list[int]], Reader]:
        """What makes lattices of sentences whose documents (numbers from 0) are whole, block by block."""

        def begin(sentences: Sequence[list[str]], documents: list[int]) -> Reader:
            bags = bags_of(sentences, documents, self.vocabulary.row) if self.documents else None

            def read(pieces: list[SentencePart]) -> Lattice:
                own = None if bags is None else [bags[piece.sentence] for piece in pieces]
                return self.lattice(self.vocabulary.encode(words_of(sentences, pieces), bags=own))

            return read

        return begin

    def _places(self, lattice: Lattice, pieces: list[SentencePart]) -> tuple[Integers, list[str]]:
        """The entities of the best tags: places [n, 3] (row, start, end) in their order, and labels."""
        paths = lattice.best()
        return self._tags.entities(paths, np.array([piece.length for piece in pieces]))

    def _candidates(
        self, lattice: Lattice, pieces: list[SentencePart], threshold: float
    ) -> list[list[ScoredSpan]]:
        """All entities more probable than a threshold, in no order; they may overlap."""
        found: list[list[ScoredSpan]] = [[] for _ in pieces]
        for row, start, end, label, score in lattice.probable(self._tags.label_numbers, threshold):
            found[row].append(ScoredSpan(start, end, self._tags.labels[label], score))
        return found

    def _spans(self, lattice: Lattice, pieces: list[SentencePart]) -> list[list[Span]]:
        if self.threshold is not None:
            return [[Span(*span[:3]) for span in own] for own in self._scored_spans(lattice, pieces)]
        places, labels = self._places(lattice, pieces)
        found: list[list[Span]] = [[] for _ in pieces]
        for (row, start, end), label in zip(places.tolist(), labels, strict=True):
            found[row].append(Span(start, end, label))
        return found

    def _scored_spans(self, lattice: Lattice, pieces: list[SentencePart]) -> list[list[ScoredSpan]]:
        if self.threshold is not None:
            bound = self.threshold
            return [apart(own, bound) for own in self._candidates(lattice, pieces, bound)]
        found: list[list[ScoredSpan]] = [[] for _ in pieces]
        places, labels = self._places(lattice, pieces)
        scores = lattice.probabilities(places) if labels else []
        for (row, start, end), label, score in zip(places.tolist(), labels, scores, strict=True):
            found[row].append(ScoredSpan(start, end, label, score))
        return found

    def _to_spans(self, path: list[int], piece: SentencePart) -> list[Span]:
        names = self.vocabulary.tags
        return tags.to_spans([names[tag] for tag in path[: piece.length]], self.vocabulary.scheme)

    def _readings(self, lattice: Lattice, pieces: list[SentencePart], n: int) -> list[list[Reading]]:
        rows = zip(*lattice.n_best(n), pieces, strict=True)
        return [
            [
                Reading(self._to_spans(path, piece), math.exp(log))
                for path, log in zip(best, own, strict=True)
                if log > -math.inf
            ]
            for best, own, piece in rows
        ]


def _found(
    read: Reader,
    found_in: Callable[[Lattice, list[SentencePart]], list[T]],
    first: int,
    pieces: list[SentencePart],
) -> list[T]:
    """What is found in pieces of a block whose first sentence has the number `first`."""
    return found_in(read(pieces), [piece._replace(sentence=piece.sentence + first) for piece in pieces])


def _join_rows(cuts: Sequence[Window], found: Sequence[Floats]) -> Floats:
    """The rows `[t, k]` of a sentence's words from those of its windows."""
    pairs = zip(cuts, found, strict=True)
    return np.concatenate([rows[cut.first - cut.start : cut.last - cut.start] for cut, rows in pairs])

"""From words to entities, whatever computes the scores: batches in, spans out, in the order they came."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from rnner import tags
from rnner.agreement import agree, alike
from rnner.data.batches import Batch, batch_indices
from rnner.data.conll import UNMARKED
from rnner.data.documents import bags_of, separate
from rnner.data.vocabulary import Vocabulary
from rnner.memory import collecting_later
from rnner.selection import Entity, apart
from rnner.tags import Span
from rnner.windows import LONGEST, Window, join_readings, join_spans, windows

T = TypeVar("T")
Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.int64]

_BLOCK = 1 << 16  # words


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


def words_of(sentences: Sequence[list[str]], pieces: Sequence[Piece]) -> list[list[str]]:
    """The words of pieces of the sentences."""
    return [sentences[piece.sentence][piece.start : piece.end] for piece in pieces]


class TagTable:
    """Reads the entities off the legal tags of many sentences at once, as `rnner.tags.to_spans` does of one.

    Args:
        names: k tags, by their ids.
        scheme: theirs.

    Attributes:
        labels: l of them.
        label_numbers: [k] which of them is that of each tag, -1 for none.
    """

    def __init__(self, names: Sequence[str], scheme: str) -> None:
        self._labels = [tags.label_of(name) for name in names]
        self.labels = sorted({label for label in self._labels if label is not None})
        self.label_numbers = np.array(
            [-1 if name is None else self.labels.index(name) for name in self._labels]
        )
        # The edge of a sentence is one more tag, with the id k.
        self._named = np.array([*(label is not None for label in self._labels), False])
        self._boundary = np.pad(np.array(tags.boundaries(names, scheme)), (0, 1), constant_values=True)

    def entities(self, paths: Integers, lengths: Integers) -> tuple[Integers, list[str]]:
        """The n entities of legal tags [b, t] of sentences of so many words [b].

        Returns:
            Their places [n, 3] (row, start, end), ascending, and their labels.
        """
        b, t = paths.shape
        edged = np.full((b, t + 2), len(self._labels))
        np.copyto(edged[:, 1:-1], paths, where=np.arange(t) < lengths[:, None])
        borders, named = self._boundary[edged[:, :-1], edged[:, 1:]], self._named[edged[:, 1:-1]]
        row, start = np.nonzero(named & borders[:, :-1])
        _, last = np.nonzero(named & borders[:, 1:])
        labels = [self._labels[tag] or "" for tag in paths[row, start].tolist()]
        return np.stack([row, start, last + 1], axis=1), labels


class Lattice(Protocol):
    """The scores of all tag sequences of a batch of b sentences; positions are padded to the longest."""

    def scores(self) -> Floats:
        """The emissions [b, t, k] that it is made of."""
        ...

    def best(self) -> Integers:
        """The most probable legal tags of each sentence, [b, t]; 0 in the padding."""
        ...

    def probabilities(self, places: Integers) -> list[float]:
        """The exact probability of n entities [n, 3] (row, start, end), as the best tags have them."""
        ...

    def probable(self, labels: Integers, threshold: float) -> list[Entity]:
        """All entities more probable than a threshold, see `rnner.selection`; labels [k] by number, or -1."""
        ...

    def n_best(self, n: int) -> tuple[list[list[list[int]]], list[list[float]]]:
        """The n most probable legal tags of each sentence and their log-probabilities (-inf: no more)."""
        ...


Reader = Callable[[list[Piece]], Lattice]
"""Makes the lattice of a batch of pieces of sentences."""


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
        """The share of its scores that a word has in common with its like (`rnner.agreement`), or None."""

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
        found_in: Callable[[Lattice, list[Piece]], list[T]],
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

        def rows(pieces: list[Piece]) -> list[Floats]:
            return [own[: piece.length] for own, piece in zip(read(pieces).scores(), pieces, strict=True)]

        nothing = np.zeros((0, len(self.vocabulary.tags)), dtype=np.float32)
        emitted = np.concatenate(by_batches(sentences, rows, _join_rows, nothing, **self._limits))
        agreed = agree(emitted, alike(sentences, documents), share)
        lengths = np.array([len(words) for words in sentences], dtype=np.int64)
        starts = np.cumsum(lengths) - lengths

        def again(pieces: list[Piece]) -> Lattice:
            sentence, start, end = np.array(pieces, dtype=np.int64).T
            steps = np.arange((end - start).max())
            places = (starts[sentence] + start)[:, None] + steps * (steps < (end - start)[:, None])
            return self.lattice_of(agreed[places], end - start)

        return again

    def reader(self) -> Callable[[Sequence[list[str]], list[int]], Reader]:
        """What makes lattices of sentences whose documents (numbers from 0) are whole, block by block."""

        def begin(sentences: Sequence[list[str]], documents: list[int]) -> Reader:
            bags = bags_of(sentences, documents, self.vocabulary.row) if self.documents else None

            def read(pieces: list[Piece]) -> Lattice:
                own = None if bags is None else [bags[piece.sentence] for piece in pieces]
                return self.lattice(self.vocabulary.encode(words_of(sentences, pieces), bags=own))

            return read

        return begin

    def _places(self, lattice: Lattice, pieces: list[Piece]) -> tuple[Integers, list[str]]:
        """The entities of the best tags: places [n, 3] (row, start, end) in their order, and labels."""
        paths = lattice.best()
        return self._tags.entities(paths, np.array([piece.length for piece in pieces]))

    def _candidates(self, lattice: Lattice, pieces: list[Piece], threshold: float) -> list[list[ScoredSpan]]:
        """All entities more probable than a threshold, in no order; they may overlap."""
        found: list[list[ScoredSpan]] = [[] for _ in pieces]
        for row, start, end, label, score in lattice.probable(self._tags.label_numbers, threshold):
            found[row].append(ScoredSpan(start, end, self._tags.labels[label], score))
        return found

    def _spans(self, lattice: Lattice, pieces: list[Piece]) -> list[list[Span]]:
        if self.threshold is not None:
            return [[Span(*span[:3]) for span in own] for own in self._scored_spans(lattice, pieces)]
        places, labels = self._places(lattice, pieces)
        found: list[list[Span]] = [[] for _ in pieces]
        for (row, start, end), label in zip(places.tolist(), labels, strict=True):
            found[row].append(Span(start, end, label))
        return found

    def _scored_spans(self, lattice: Lattice, pieces: list[Piece]) -> list[list[ScoredSpan]]:
        if self.threshold is not None:
            bound = self.threshold
            return [apart(own, bound) for own in self._candidates(lattice, pieces, bound)]
        found: list[list[ScoredSpan]] = [[] for _ in pieces]
        places, labels = self._places(lattice, pieces)
        scores = lattice.probabilities(places) if labels else []
        for (row, start, end), label, score in zip(places.tolist(), labels, scores, strict=True):
            found[row].append(ScoredSpan(start, end, label, score))
        return found

    def _to_spans(self, path: list[int], piece: Piece) -> list[Span]:
        names = self.vocabulary.tags
        return tags.to_spans([names[tag] for tag in path[: piece.length]], self.vocabulary.scheme)

    def _readings(self, lattice: Lattice, pieces: list[Piece], n: int) -> list[list[Reading]]:
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
    read: Reader, found_in: Callable[[Lattice, list[Piece]], list[T]], first: int, pieces: list[Piece]
) -> list[T]:
    """What is found in pieces of a block whose first sentence has the number `first`."""
    return found_in(read(pieces), [piece._replace(sentence=piece.sentence + first) for piece in pieces])


def _join_rows(cuts: Sequence[Window], found: Sequence[Floats]) -> Floats:
    """The rows `[t, k]` of a sentence's words from those of its windows."""
    pairs = zip(cuts, found, strict=True)
    return np.concatenate([rows[cut.first - cut.start : cut.last - cut.start] for cut, rows in pairs])

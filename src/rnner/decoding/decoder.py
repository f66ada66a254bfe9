"""`Decoder`: find entities in sentences, for any backend."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from rnner import tags
from rnner.data.bags import bags_of_words, number_documents
from rnner.data.batches import Batch, Integers
from rnner.data.token_table import NO_DOCUMENT
from rnner.data.vocabulary import Vocabulary
from rnner.decoding.agreement import with_agreement
from rnner.decoding.batching import (
    DocumentNumbers,
    EmissionsOf,
    Emitter,
    Limits,
    SentencePart,
    Sentences,
    T,
    batches,
    blocks,
    in_order,
)
from rnner.decoding.lattice import EntityExtractor, Lattice
from rnner.decoding.spans import Reading, ScoredSpan
from rnner.decoding.threshold import best_non_overlapping
from rnner.decoding.windows import Window, join_readings, join_spans
from rnner.errors import ModelError
from rnner.system.process_memory import garbage_collection_paused
from rnner.tags import Span


class Decoder(ABC):
    """Finds entities with a model. Results do not depend on how sentences are batched.

    Methods take sentences as lists of words. `documents` are the document numbers of the sentences, for
    models that use whole documents; a sentence without a number, or with -1, is a separate document.

    Args:
        vocabulary: the model's vocabulary.
        threshold: the probability that entities must exceed, or None; see `rnner.decoding.threshold`.
        agreement: the weight of the mean over equal spellings, or None; see `rnner.decoding.agreement`.
        uses_documents: whether the model uses whole documents.
        limits: fields of `rnner.decoding.batching.Limits`. A sentence longer than `window` words is read in
            overlapping windows (`rnner.decoding.windows`), which bounds memory; each window still sees the
            whole document.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        threshold: float | None,
        agreement: float | None,
        uses_documents: bool,
        **limits: int,
    ) -> None:
        self.vocabulary, self.limits = vocabulary, Limits(**limits)
        self.threshold, self.agreement, self.uses_documents = threshold, agreement, uses_documents
        self._extractor = EntityExtractor(vocabulary.tags, vocabulary.scheme)

    def emitter(self) -> Emitter:
        """Return an emitter, which computes the emissions for one call; by default, batch by batch."""
        return self._emissions_of_block

    @abstractmethod
    def emissions(self, batch: Batch[NDArray[Any]]) -> Any:
        """Run the model on a batch; return the emissions [b, t, k], an array or a tensor."""

    @abstractmethod
    def lattice(self, emissions: Any, lengths: Integers) -> Lattice:
        """Return the lattice of emissions [b, t, k], an array or the emitter's result; lengths are [b]."""

    def prediction_mode(self) -> AbstractContextManager[None]:
        """Return a context manager that prepares the model for prediction."""
        return nullcontext()

    def spans(self, sentences: Sentences, documents: DocumentNumbers = None) -> list[list[Span]]:
        """Return the entities of each sentence, without probabilities."""
        if self.threshold is not None:
            scored = self.scored_spans(sentences, documents)
            return [[Span(*span[:3]) for span in spans] for spans in scored]
        return self.decode(sentences, documents, self._best_spans, join_spans, [])

    def scored_spans(self, sentences: Sentences, documents: DocumentNumbers = None) -> list[list[ScoredSpan]]:
        """Return the entities of each sentence with their probabilities.

        The probability of an entity is the summed probability of all legal tag sequences that contain it.
        """
        read = self._best_scored_spans if self.threshold is None else self._best_non_overlapping
        return self.decode(sentences, documents, read, join_spans, [])

    def candidates(
        self, sentences: Sentences, threshold: float, documents: DocumentNumbers = None
    ) -> list[list[ScoredSpan]]:
        """Return all entities above a threshold; they may overlap."""
        return self.decode(
            sentences, documents, partial(self.candidates_in, threshold=threshold), join_spans, []
        )

    def readings(
        self, sentences: Sentences, n: int, documents: DocumentNumbers = None
    ) -> list[list[Reading]]:
        """Return the n most probable ways to tag each sentence, best first; fewer if there are no more.

        Raises:
            ValueError: n is below 1.
        """
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}")
        return self.decode(
            sentences, documents, partial(self._readings, n=n), partial(join_readings, n=n), []
        )

    def decode(
        self,
        sentences: Sentences,
        documents: DocumentNumbers,
        read: Callable[[Lattice, list[SentencePart]], list[T]],
        join: Callable[[list[Window], list[T]], T],
        empty: T,
    ) -> list[T]:
        """Compute the lattices of all sentences, batch by batch, and return what `read` finds in them.

        Args:
            sentences: lists of words.
            documents: the document number of each sentence.
            read: (lattice of a batch, its sentence parts) -> the result for each part.
            join: combines the results for the windows of a long sentence.
            empty: the result of a sentence without words.
        """
        numbers = [NO_DOCUMENT] * len(sentences) if documents is None else documents
        found: list[T] = []
        with self.prediction_mode():
            emitter = self.emitter()
            for block in blocks(sentences, numbers):
                with garbage_collection_paused():
                    words = sentences[block.start : block.stop]
                    document_of = number_documents(numbers[block.start : block.stop]).tolist()
                    emissions_of = emitter(words, document_of)
                    if self.agreement is not None:
                        emissions_of = with_agreement(
                            emissions_of, words, document_of, self.agreement, self.limits
                        )
                    results: dict[SentencePart, T] = {}
                    for parts in batches(words, self.limits):
                        lattice = self.lattice(emissions_of(parts), _lengths(parts))
                        results.update(zip(parts, read(lattice, _moved(parts, block.start)), strict=True))
                    found += in_order(words, results, self.limits, join=join, empty=empty)
        return found

    def candidates_in(
        self, lattice: Lattice, parts: list[SentencePart], threshold: float
    ) -> list[list[ScoredSpan]]:
        """Return all entities above a threshold in each part of a batch, for `decode`; they may overlap."""
        names, found = self._extractor.labels, lattice.candidates(self._extractor.label_numbers, threshold)
        return _by_row(parts, ScoredSpan, ((*place, names[label], score) for *place, label, score in found))

    def _emissions_of_block(self, sentences: Sequence[list[str]], documents: list[int]) -> EmissionsOf:
        bags = bags_of_words(sentences, documents, self.vocabulary.row) if self.uses_documents else None

        def emissions_of(parts: list[SentencePart]) -> Any:
            words = [sentences[number][start:end] for number, start, end in parts]
            own = None if bags is None else [bags[part.sentence] for part in parts]
            return self.emissions(self.vocabulary.encode(words, bags=own))

        return emissions_of

    def _best_spans(self, lattice: Lattice, parts: list[SentencePart]) -> list[list[Span]]:
        places, labels = self._extractor.extract(lattice.best_tags(), _lengths(parts))
        return _by_row(parts, Span, zip(*places.T.tolist(), labels, strict=True))

    def _best_scored_spans(self, lattice: Lattice, parts: list[SentencePart]) -> list[list[ScoredSpan]]:
        places, labels = self._extractor.extract(lattice.best_tags(), _lengths(parts))
        scores = lattice.probabilities(places) if labels else []
        if any(map(math.isnan, scores)):
            raise ModelError("the model's weights are so large that its scores overflow; train it again")
        return _by_row(parts, ScoredSpan, zip(*places.T.tolist(), labels, scores, strict=True))

    def _best_non_overlapping(self, lattice: Lattice, parts: list[SentencePart]) -> list[list[ScoredSpan]]:
        threshold = cast(float, self.threshold)
        candidates = self.candidates_in(lattice, parts, threshold)
        return [best_non_overlapping(found, threshold) for found in candidates]

    def _readings(self, lattice: Lattice, parts: list[SentencePart], n: int) -> list[list[Reading]]:
        names, scheme = self.vocabulary.tags, self.vocabulary.scheme
        return [
            [
                Reading(tags.to_spans([names[tag] for tag in path[: part.length]], scheme), math.exp(log))
                for path, log in zip(paths, logs, strict=True)
                if log > -math.inf
            ]
            for paths, logs, part in zip(*lattice.n_best(n), parts, strict=True)
        ]


def _lengths(parts: list[SentencePart]) -> Integers:
    return np.array([part.length for part in parts], dtype=np.int64)


def _moved(parts: list[SentencePart], first: int) -> list[SentencePart]:
    """Add `first`, the number of the block's first sentence, to the sentence number of each part."""
    return [part._replace(sentence=part.sentence + first) for part in parts]


def _by_row(
    parts: list[SentencePart], kind: Callable[..., T], found: Iterable[tuple[Any, ...]]
) -> list[list[T]]:
    """Return the entities of each part, given the row of each entity and its fields."""
    grouped: list[list[T]] = [[] for _ in parts]
    for row, *fields in found:
        grouped[row].append(kind(*fields))
    return grouped

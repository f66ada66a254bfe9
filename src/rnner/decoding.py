"""From words to entities with a trained tagger: batches in, spans out, in the order they came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from rnner import tags
from rnner.data.batches import Batch, batch_indices
from rnner.data.conll import UNMARKED
from rnner.data.documents import bags_of, separate
from rnner.data.vocabulary import Vocabulary
from rnner.tagger import Tagger
from rnner.tags import Span

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


def by_batches(
    sentences: Sequence[list[str]],
    found_in: Callable[[list[int]], list[T]],
    empty: T,
    *,
    most_sentences: int,
    most_tokens: int,
) -> list[T]:
    """What `found_in` finds in batches of sentences of near-equal length, in the order of the sentences.

    It is given the places of a batch's sentences. A sentence without words is in no batch; `empty` stands for
    what is found there.
    """
    found = [empty for _ in sentences]
    filled = [i for i, words in enumerate(sentences) if words]
    lengths = np.array([len(sentences[i]) for i in filled], dtype=np.int64)
    for rows in batch_indices(lengths, sentences=most_sentences, tokens=most_tokens):
        places = [filled[row] for row in rows]
        for place, result in zip(places, found_in(places), strict=True):
            found[place] = result
    return found


class Decoder:
    """Finds the best legal tags of sentences, whatever they are batched with.

    Its methods take sentences as lists of words and, for taggers that look at whole documents, the number of
    each sentence's document; a sentence with the number -1, or without one, is a document of its own.

    Args:
        tagger: put into evaluation mode while decoding, and back as it was.
        vocabulary: the tagger's.
        sentences, tokens: bounds of a batch; a longer sentence goes alone, none is cut.
    """

    def __init__(
        self, tagger: Tagger, vocabulary: Vocabulary, *, sentences: int = 64, tokens: int = 8192
    ) -> None:
        self.tagger, self.vocabulary = tagger, vocabulary
        self.sentences, self.tokens = sentences, tokens

    @property
    def device(self) -> torch.device:
        """Where the tagger's weights are."""
        return self.tagger.emission.weight.device

    def spans(
        self, sentences: Sequence[list[str]], documents: Sequence[int] | None = None
    ) -> list[list[Span]]:
        """The entities of each sentence, without probabilities."""
        return self._by_batches(sentences, documents, self._spans, [])

    def scored_spans(
        self, sentences: Sequence[list[str]], documents: Sequence[int] | None = None
    ) -> list[list[ScoredSpan]]:
        """The entities of each sentence with the probability of each.

        It is the summed probability of all legal tag sequences that hold precisely this entity.
        """
        return self._by_batches(sentences, documents, self._scored_spans, [])

    def marginals(
        self, sentences: Sequence[list[str]], documents: Sequence[int] | None = None
    ) -> list[Tensor]:
        """The probability of each tag at each word, given the sentence: [t, k] for each sentence.

        Over legal tag sequences, on the tagger's device, in the order of `vocabulary.tags`.
        """
        nothing = torch.zeros(0, len(self.vocabulary.tags), device=self.device)
        return self._by_batches(sentences, documents, self._marginals, nothing)

    def readings(
        self, sentences: Sequence[list[str]], n: int, documents: Sequence[int] | None = None
    ) -> list[list[Reading]]:
        """The n most probable ways to tag each sentence, best first; fewer where there are no more."""
        return self._by_batches(
            sentences, documents, lambda batch, words: self._readings(batch, words, n), []
        )

    @torch.inference_mode()
    def _by_batches(
        self,
        sentences: Sequence[list[str]],
        documents: Sequence[int] | None,
        found_in: Callable[[Batch, list[list[str]]], list[T]],
        empty: T,
    ) -> list[T]:
        """What `found_in` finds in batches of sentences, in the order of the sentences."""
        bags = None
        if self.tagger.document is not None:
            numbers = separate([UNMARKED] * len(sentences) if documents is None else documents).tolist()
            bags = bags_of(sentences, numbers, self.vocabulary.row)

        def found(places: list[int]) -> list[T]:
            words = [sentences[i] for i in places]
            own = None if bags is None else [bags[i] for i in places]
            return found_in(self.vocabulary.encode(words, bags=own).to(self.device), words)

        training = self.tagger.training
        self.tagger.eval()
        try:
            return by_batches(sentences, found, empty, most_sentences=self.sentences, most_tokens=self.tokens)
        finally:
            self.tagger.train(training)

    def _to_spans(self, path: list[int], words: list[str]) -> list[Span]:
        names = self.vocabulary.tags
        return tags.to_spans([names[tag] for tag in path[: len(words)]], self.vocabulary.scheme)

    def _marginals(self, batch: Batch, sentences: list[list[str]]) -> list[Tensor]:
        marginals = self.tagger.head.marginals(self.tagger(batch), batch.lengths)
        return [row[: len(words)] for row, words in zip(marginals, sentences, strict=True)]

    def _spans(self, batch: Batch, sentences: list[list[str]]) -> list[list[Span]]:
        paths = self.tagger.head.decode(self.tagger(batch), batch.lengths).tolist()
        return [self._to_spans(path, words) for path, words in zip(paths, sentences, strict=True)]

    def _scored_spans(self, batch: Batch, sentences: list[list[str]]) -> list[list[ScoredSpan]]:
        emissions, lengths = self.tagger(batch), batch.lengths
        paths = self.tagger.head.decode(emissions, lengths)
        spans = [self._to_spans(path, words) for path, words in zip(paths.tolist(), sentences, strict=True)]
        places = [(row, span.start, span.end) for row, found in enumerate(spans) for span in found]
        scores: list[float] = []
        if places:
            where = torch.tensor(places, device=self.device)
            scores = self.tagger.head.entity_probabilities(emissions, lengths, paths, where).tolist()
        score = iter(scores)
        return [[ScoredSpan(*span, next(score)) for span in found] for found in spans]

    def _readings(self, batch: Batch, sentences: list[list[str]], n: int) -> list[list[Reading]]:
        paths, logs = self.tagger.head.n_best(self.tagger(batch), batch.lengths, n)
        rows = zip(paths.tolist(), logs.exp().tolist(), sentences, strict=True)
        return [
            [
                Reading(self._to_spans(path, words), probability)
                for path, probability in zip(best, probabilities, strict=True)
                if probability > 0
            ]
            for best, probabilities, words in rows
        ]

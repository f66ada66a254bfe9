"""From words to entities with a trained tagger: batches in, spans out, in the order they came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from rnner import tags
from rnner.data.batches import batch_indices
from rnner.data.vocabulary import Vocabulary
from rnner.tagger import Tagger
from rnner.tags import Span


class ScoredSpan(NamedTuple):
    """An entity of a sentence: words start to end (half-open), its label, its probability in [0, 1]."""

    start: int
    end: int
    label: str
    score: float


class Decoder:
    """Finds the best legal tags of sentences, whatever they are batched with.

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

    def spans(self, sentences: Sequence[list[str]]) -> list[list[Span]]:
        """The entities of each sentence (a list of words), without probabilities."""
        return [
            [Span(start, end, label) for start, end, label, _ in found]
            for found in self._run(sentences, False)
        ]

    def scored_spans(self, sentences: Sequence[list[str]]) -> list[list[ScoredSpan]]:
        """The entities of each sentence with the probability of each.

        It is the summed probability of all legal tag sequences that hold precisely this entity.
        """
        return self._run(sentences, True)

    @torch.inference_mode()
    def _run(self, sentences: Sequence[list[str]], scored: bool) -> list[list[ScoredSpan]]:
        found: list[list[ScoredSpan]] = [[] for _ in sentences]
        filled = [i for i, words in enumerate(sentences) if words]
        lengths = np.array([len(sentences[i]) for i in filled], dtype=np.int64)
        training = self.tagger.training
        self.tagger.eval()
        try:
            for rows in batch_indices(lengths, sentences=self.sentences, tokens=self.tokens):
                places = [filled[row] for row in rows]
                for place, spans in zip(
                    places, self._batch([sentences[i] for i in places], scored), strict=True
                ):
                    found[place] = spans
        finally:
            self.tagger.train(training)
        return found

    def _batch(self, sentences: list[list[str]], scored: bool) -> list[list[ScoredSpan]]:
        batch = self.vocabulary.encode(sentences).to(self.device)
        emissions = self.tagger(batch)
        path = self.tagger.head.decode(emissions, batch.lengths)
        names, scheme = self.vocabulary.tags, self.vocabulary.scheme
        spans = [
            tags.to_spans([names[tag] for tag in row[: len(words)]], scheme)
            for row, words in zip(path.tolist(), sentences, strict=True)
        ]
        places = [(row, span.start, span.end) for row, found in enumerate(spans) for span in found]
        scores = [1.0] * len(places)
        if scored and places:
            where = torch.tensor(places, device=self.device)
            scores = self.tagger.head.entity_probabilities(emissions, batch.lengths, path, where).tolist()
        score = iter(scores)
        return [[ScoredSpan(*span, next(score)) for span in found] for found in spans]

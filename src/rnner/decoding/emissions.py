"""Emissions, the scores of each tag at each word, for parts of sentences.

A decoder gets the emissions of a block of sentences from an `Emitter`, batch by batch. Two are available:
`PlainEmitter` runs the whole model on each batch; `rnner.decoding.cached_emitter.CachedEmitter` reuses what
depends only on a word's form or only on its document.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from rnner.data.bags import bags_of_words
from rnner.data.batches import Batch
from rnner.data.vocabulary import Vocabulary
from rnner.decoding.batching import SentencePart

EmissionsOf = Callable[[list[SentencePart]], Any]
"""Returns the emissions `[b, t, k]` of b parts of sentences, an array or a tensor; padding is arbitrary."""


class Emitter(Protocol):
    """Computes emissions of sentences, one block at a time."""

    def for_block(self, sentences: Sequence[list[str]], documents: list[int]) -> EmissionsOf:
        """Return a function that computes the emissions of parts of a block.

        Args:
            sentences: s sentences as words; their documents are complete.
            documents: `[s]` document number of each sentence, counted from 0.
        """
        ...


class PlainEmitter:
    """Encodes each batch and runs the model on it.

    Args:
        run: batch -> emissions.
        vocabulary: the model's.
        uses_documents: whether batches need the words of whole documents.
    """

    def __init__(
        self, run: Callable[[Batch[NDArray[Any]]], Any], vocabulary: Vocabulary, *, uses_documents: bool
    ) -> None:
        self._run, self._vocabulary, self._uses_documents = run, vocabulary, uses_documents

    def for_block(self, sentences: Sequence[list[str]], documents: list[int]) -> EmissionsOf:
        """Prepare a block; see `Emitter`."""
        bags = bags_of_words(sentences, documents, self._vocabulary.row) if self._uses_documents else None

        def emissions(parts: list[SentencePart]) -> Any:
            words = [sentences[number][start:end] for number, start, end in parts]
            own = None if bags is None else [bags[part.sentence] for part in parts]
            return self._run(self._vocabulary.encode(words, bags=own))

        return emissions

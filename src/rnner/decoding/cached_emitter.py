"""Fast emissions: features that depend only on a word's form or only on its document are computed once.

This is most of the work: vector, casing, characters and lexicon, and their products with the input weights of
the first layer (`rnner.nn.projected`). Only the recurrence, the upper layers and the emission layer run for
every word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor

from rnner.data.batches import UNKNOWN, Integers
from rnner.data.vocabulary import Vocabulary
from rnner.decoding.batching import EmissionsOf, SentencePart, WordPositions
from rnner.decoding.form_cache import FormCache
from rnner.model.tagger import Tagger
from rnner.nn.projected import ProjectedRecurrence
from rnner.nn.recurrent import RecurrentLayer, Stack

_SUMMED_WORDS = 1 << 14  # number of words summed at a time for document vectors


class CachedEmitter:
    """Runs a tagger with a cache of word forms; its emissions equal the tagger's up to rounding.

    Args:
        tagger: on the CPU, in evaluation mode; its weights must not change.
        vocabulary: the tagger's vocabulary.
    """

    def __init__(self, tagger: Tagger, vocabulary: Vocabulary) -> None:
        self._tagger = tagger
        self._layers = [cast(RecurrentLayer, layer) for layer in cast(Stack, tagger.encoder).layers]
        self._first = ProjectedRecurrence.from_layer(self._layers[0])
        self._tables = _FormTables(tagger, vocabulary, self._first)
        self._forms = FormCache(self._tables, self._tables.widths)

    def for_block(self, sentences: Sequence[list[str]], documents: list[int]) -> EmissionsOf:
        """Prepare a block; see `rnner.decoding.batching.Emitter`."""
        words = BlockWords(sentences)
        vectors = None if self._tagger.document is None else self._document_vectors(words, documents)

        def emissions(parts: list[SentencePart]) -> Tensor:
            own = None if vectors is None else vectors[[documents[part.sentence] for part in parts]]
            return self._emissions(words, parts, own)

        return emissions

    def _document_vectors(self, words: BlockWords, documents: list[int]) -> Tensor:
        """Return the vectors `[d, w]` of documents, given the number `[s]` of each sentence's document."""
        document = self._tagger.document
        assert document is not None
        sums = torch.zeros(max(documents, default=-1) + 1, document.output_size + 1, dtype=torch.float64)
        own = torch.from_numpy(np.repeat(np.array(documents, dtype=np.int64), words.lengths))
        for start in range(0, len(own), _SUMMED_WORDS):
            forms, which = words.distinct(slice(start, start + _SUMMED_WORDS))
            (*_, terms), rows = self._forms.rows(forms)
            numbers, of = torch.unique(own[start : start + _SUMMED_WORDS], return_inverse=True)
            part = terms.new_zeros(len(numbers), terms.shape[1])
            sums[numbers] += part.index_add_(0, of, terms.index_select(0, rows[torch.from_numpy(which)]))
        return document.means(sums.to(self._tagger.emission.weight.dtype))

    def _emissions(self, words: BlockWords, parts: list[SentencePart], documents: Tensor | None) -> Tensor:
        """Return emissions `[b, t, k]`, given the document vector `[b, w]` of each part."""
        positions, inside = words.grid(parts)
        lengths = torch.from_numpy(inside.sum(1))
        forms, which = words.distinct(positions[inside])
        tables, found = self._forms.rows(forms)
        first, rows = tables[: len(self._tables.first_widths)], torch.from_numpy(positions)
        rows.masked_scatter_(torch.from_numpy(inside), found[torch.from_numpy(which)])
        if self._first is None:
            x = first[0].index_select(0, rows.view(-1)).view(*rows.shape, -1)
            if documents is not None:
                x = torch.cat([x, documents[:, None].expand(-1, x.shape[1], -1)], dim=-1)
            x, _ = self._layers[0](x, lengths)
        else:
            shares = None
            if documents is not None:
                shares = self._first.project(documents, self._tables.features, biased=False)
            x = self._first.run(first, rows, lengths, shares)
        for layer in self._layers[1:]:
            x, _ = layer(x, lengths)
        return cast(Tensor, self._tagger.emission(x).float())


class BlockWords(WordPositions):
    """The words of a block of sentences, stored as numbers of distinct forms."""

    def __init__(self, sentences: Sequence[list[str]]) -> None:
        super().__init__(sentences)
        numbers: dict[str, int] = {}
        numbered = [numbers.setdefault(word, len(numbers)) for words in sentences for word in words]
        self._forms = np.array(list(numbers), dtype=object)
        self._numbers = np.array(numbered, dtype=np.int64)

    def distinct(self, positions: slice | Integers) -> tuple[list[str], Integers]:
        """Return the distinct forms at n positions, and the index `[n]` of each position's form."""
        numbers = self._numbers[positions]
        present = np.zeros(len(self._forms), dtype=bool)
        present[numbers] = True
        rank = np.cumsum(present) - 1
        return self._forms[present].tolist(), rank[numbers]


class _FormTables:
    """Computes the cached tables of word forms: those of the first layer, then that of document vectors.

    This is not a method of `CachedEmitter`, because a bound method in its cache would form a reference cycle.

    Attributes:
        features: number of features of a word that depend only on its form.
        first_widths: widths of the tables of the first layer.
        widths: widths of all tables.
    """

    def __init__(self, tagger: Tagger, vocabulary: Vocabulary, first: ProjectedRecurrence | None) -> None:
        self._tagger, self._vocabulary, self._first = tagger, vocabulary, first
        document = 0 if tagger.document is None else tagger.document.output_size
        self.features = tagger.encoder.input_size - document
        self.first_widths = [self.features] if first is None else first.widths
        self.widths = [*self.first_widths, document + 1] if document else self.first_widths

    @torch.inference_mode()
    def __call__(self, forms: list[str]) -> list[Tensor]:
        batch = self._vocabulary.encode_forms(forms).to("cpu")
        features = self._tagger.features(batch)
        x = features if batch.lexicon is None else torch.cat([features, batch.lexicon[0]], dim=1)
        tables = [x] if self._first is None else self._first.project(x, 0, biased=True)
        document = self._tagger.document
        if document is not None:
            terms = document.terms(features[:, : document.output_size])
            tables.append(terms.masked_fill(batch.words[:, None] == UNKNOWN, 0))
        return tables

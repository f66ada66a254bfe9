"""A tagger made ready to predict: what depends on a word's form alone, and on its document alone, done once.

That is most of it: vector, casing, characters and lexicon, and their share of the first layer's input product
(`rnner.nn.projected`). What is left for each word is the recurrence, the upper layers and the emission.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnner.data.batches import UNKNOWN, Integers
from rnner.data.vocabulary import Vocabulary
from rnner.decoding.batching import SentencePart
from rnner.decoding.form_cache import FormCache
from rnner.model.tagger import Tagger
from rnner.nn.projected import Projected
from rnner.nn.recurrent import RecurrentLayer, Stack

_WORDS = 1 << 14  # of documents that are summed together


class NumberedWords:
    """The words of some sentences, by the numbers of their forms.

    Args:
        sentences: as words.
    """

    def __init__(self, sentences: Sequence[list[str]]) -> None:
        numbers: dict[str, int] = {}
        listed = [numbers.setdefault(word, len(numbers)) for words in sentences for word in words]
        self._forms = np.array(list(numbers), dtype=object)
        self._numbers = np.array(listed, dtype=np.int64)
        self.lengths = np.array([len(words) for words in sentences], dtype=np.int64)
        """`[s]` words of each sentence."""
        self._starts = np.cumsum(self.lengths) - self.lengths

    def grid(self, pieces: Sequence[SentencePart]) -> tuple[Integers, NDArray[np.bool_]]:
        """Places `[b, t]` of the words of b pieces, counted through all sentences, and which are words."""
        sentence, start, end = np.array(pieces, dtype=np.int64).T
        steps = np.arange((end - start).max())
        inside = steps < (end - start)[:, None]
        return ((self._starts[sentence] + start)[:, None] + steps) * inside, inside

    def distinct(self, places: slice | Integers) -> tuple[list[str], Integers]:
        """The distinct forms of the words at n places, and for each place which of them it has, `[n]`."""
        numbers = self._numbers[places]
        present = np.zeros(len(self._forms), dtype=bool)
        present[numbers] = True
        rank = np.cumsum(present) - 1
        return self._forms[present].tolist(), rank[numbers]


class CachedTagger:
    """Emissions of sentences, equal to those of the tagger but for the order in which numbers are summed.

    Args:
        tagger: on the CPU, in evaluation mode; its weights must stay as they are.
        vocabulary: the tagger's.
    """

    def __init__(self, tagger: Tagger, vocabulary: Vocabulary) -> None:
        self._tagger = tagger
        self._layers = [cast(RecurrentLayer, layer) for layer in cast(Stack, tagger.encoder).layers]
        self._first = Projected.of(self._layers[0])
        self._of_forms = _OfForms(tagger, vocabulary, self._first)
        self._forms = FormCache(self._of_forms, self._of_forms.widths)

    def about(self, words: NumberedWords, documents: Sequence[int]) -> Tensor:
        """What documents are about, `[d, w]`, from the number (0 to d - 1) of each sentence's."""
        document = self._tagger.document
        assert document is not None
        sums = torch.zeros(max(documents, default=-1) + 1, document.output_size + 1, dtype=torch.float64)
        own = torch.from_numpy(np.repeat(np.array(documents, dtype=np.int64), words.lengths))
        for start in range(0, len(own), _WORDS):
            forms, place = words.distinct(slice(start, start + _WORDS))
            (*_, summands), rows = self._forms.rows(forms)
            numbers, of = torch.unique(own[start : start + _WORDS], return_inverse=True)
            part = summands.new_zeros(len(numbers), summands.shape[1])
            sums[numbers] += part.index_add_(0, of, summands.index_select(0, rows[torch.from_numpy(place)]))
        return document.means(sums.to(self._tagger.emission.weight.dtype))

    def emissions(
        self, words: NumberedWords, pieces: Sequence[SentencePart], about: Tensor | None = None
    ) -> Tensor:
        """Scores `[b, t, k]` of b pieces of sentences; of no meaning in the padding.

        Args:
            words: the sentences.
            pieces: of at least one word each.
            about: `[b, w]` of each piece's document, for a tagger that looks at documents.
        """
        places, inside = words.grid(pieces)
        lengths = torch.from_numpy(inside.sum(1))
        forms, which = words.distinct(places[inside])
        known, found = self._forms.rows(forms)
        tables, rows = known[: len(self._of_forms.first)], torch.from_numpy(places)
        rows.masked_scatter_(torch.from_numpy(inside), found[torch.from_numpy(which)])
        if self._first is None:
            x = tables[0].index_select(0, rows.view(-1)).view(*rows.shape, -1)
            if about is not None:
                x = torch.cat([x, about[:, None].expand(-1, x.shape[1], -1)], dim=-1)
            x, _ = self._layers[0](x, lengths)
        else:
            shares = None if about is None else self._first.tables(about, self._of_forms.size, biased=False)
            x = self._first.run(tables, rows, lengths, shares)
        for layer in self._layers[1:]:
            x, _ = layer(x, lengths)
        return cast(Tensor, self._tagger.emission(x).float())


class _OfForms:
    """Computes the tables of forms: of the first layer, then, if the tagger looks at them, of documents."""

    def __init__(self, tagger: Tagger, vocabulary: Vocabulary, first: Projected | None) -> None:
        self._tagger, self._vocabulary, self._first = tagger, vocabulary, first
        about = 0 if tagger.document is None else tagger.document.output_size
        self.size = tagger.encoder.input_size - about
        """Features of a word that depend on its form alone."""
        self.first = [self.size] if first is None else first.widths
        """Widths of the tables of the first layer."""
        self.widths = [*self.first, about + 1] if about else self.first
        """Widths of all."""

    @torch.inference_mode()
    def __call__(self, forms: list[str]) -> list[Tensor]:
        batch = self._vocabulary.encode_forms(forms).to("cpu")
        features = self._tagger.features(batch)
        x = features if batch.lexicon is None else torch.cat([features, batch.lexicon[0]], dim=1)
        tables = [x] if self._first is None else self._first.tables(x, 0, biased=True)
        document = self._tagger.document
        if document is not None:
            summands = document.summands(features[:, : document.output_size])
            tables.append(summands.masked_fill(batch.words[:, None] == UNKNOWN, 0))
        return tables

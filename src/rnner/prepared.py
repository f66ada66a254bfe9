"""A tagger made ready to predict: what depends on a word's form alone, and on its document alone, done once.

That is most of it: vector, casing, characters and lexicon, and their share of the first layer's input product
(`rnner.nn.projected`). What is left for each word is the recurrence, the upper layers and the emission.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor

from rnner.data.documents import UNKNOWN
from rnner.data.vocabulary import Vocabulary
from rnner.knownforms import KnownForms
from rnner.nn.projected import Projected
from rnner.nn.recurrent import RecurrentLayer, Stack
from rnner.tagger import Tagger

_WORDS = 1 << 14  # of documents that are summed together


class Prepared:
    """Emissions of sentences, equal to those of the tagger but for the order in which numbers are summed.

    Args:
        tagger: on the CPU, in evaluation mode; its weights must stay as they are.
        vocabulary: the tagger's.
    """

    def __init__(self, tagger: Tagger, vocabulary: Vocabulary) -> None:
        self._tagger, self._vocabulary = tagger, vocabulary
        self._layers = [cast(RecurrentLayer, layer) for layer in cast(Stack, tagger.encoder).layers]
        self._first = Projected.of(self._layers[0])
        about = 0 if tagger.document is None else tagger.document.output_size
        self._of_form = tagger.encoder.input_size - about  # features of a word that depend on its form alone
        self._widths = [self._of_form] if self._first is None else self._first.widths
        self._forms = KnownForms(self._compute, [*self._widths, *([about + 1] if about else [])])

    def about(self, sentences: Sequence[list[str]], documents: Sequence[int]) -> Tensor:
        """What documents are about, `[d, w]`, from the number (0 to d - 1) of each sentence's."""
        document = self._tagger.document
        assert document is not None
        sums = torch.zeros(max(documents, default=-1) + 1, document.output_size + 1, dtype=torch.float64)
        for words, numbers in _slabs(sentences, documents):
            distinct, places = _distinct(words)
            (summands,) = self._forms.rows(distinct, slice(len(self._widths), None))
            own, place = torch.unique(_integers(numbers), return_inverse=True)
            part = summands.new_zeros(len(own), summands.shape[1])
            sums[own] += part.index_add_(0, place, summands.index_select(0, _integers(places)))
        return document.means(sums.to(self._tagger.emission.weight.dtype))

    def emissions(
        self, sentences: Sequence[list[str]], lengths: Tensor, about: Tensor | None = None
    ) -> Tensor:
        """Scores `[b, t, k]` of b sentences of `lengths` `[b]` words; of no meaning in the padding.

        Args:
            sentences: as words, at least one each.
            lengths: int64.
            about: `[b, w]` of each sentence's document, for a tagger that looks at documents.
        """
        distinct, flat = _distinct([word for words in sentences for word in words])
        spare = 0 if about is None else len(about)
        tables = self._forms.rows(distinct, slice(len(self._widths)), spare)
        inside = torch.arange(int(lengths.max())) < lengths[:, None]
        forms = torch.zeros(inside.shape, dtype=torch.int64).masked_scatter_(inside, _integers(flat))
        if self._first is None:
            x = tables[0].index_select(0, forms.view(-1)).view(*forms.shape, -1)
            if about is not None:
                x = torch.cat([x, about[:, None].expand(-1, x.shape[1], -1)], dim=-1)
            x, _ = self._layers[0](x, lengths)
        else:
            x = self._read(self._first, tables, forms, lengths, about)
        for layer in self._layers[1:]:
            x, _ = layer(x, lengths)
        return cast(Tensor, self._tagger.emission(x).float())

    def _read(
        self, first: Projected, tables: list[Tensor], forms: Tensor, lengths: Tensor, about: Tensor | None
    ) -> Tensor:
        rows = forms[None]
        if about is not None:
            spare = len(tables[0]) - len(about)  # the first of the rows that are left for documents
            rows = torch.stack([forms, torch.arange(spare, len(tables[0]))[:, None].expand_as(forms)])
            for table, share in zip(tables, first.tables(about, self._of_form, biased=False), strict=True):
                table[spare:] = share
        return first.run(tables, rows, lengths)

    @torch.inference_mode()
    def _compute(self, forms: list[str]) -> list[Tensor]:
        """The tables of `KnownForms`: of the first layer, and of documents."""
        batch = self._vocabulary.encode([forms]).to("cpu")
        features = self._tagger.features(batch)
        x = features if batch.lexicon is None else torch.cat([features, batch.lexicon[0]], dim=1)
        tables = [x] if self._first is None else self._first.tables(x, 0, biased=True)
        document = self._tagger.document
        if document is not None:
            summands = document.summands(features[:, : document.output_size])
            tables.append(summands.masked_fill(batch.words[:, None] == UNKNOWN, 0))
        return tables


def _slabs(sentences: Sequence[list[str]], documents: Sequence[int]) -> Iterator[tuple[list[str], list[int]]]:
    """Words, and the document of each, some thousands at a time."""
    words: list[str] = []
    numbers: list[int] = []
    for sentence, number in zip(sentences, documents, strict=True):
        words += sentence
        numbers += [number] * len(sentence)
        if len(words) >= _WORDS:
            yield words, numbers
            words, numbers = [], []
    if words:
        yield words, numbers


def _integers(values: list[int]) -> Tensor:
    return torch.from_numpy(np.array(values))  # a fraction of torch.tensor's time


def _distinct(words: Sequence[str]) -> tuple[list[str], list[int]]:
    """The distinct words, and which of them each is."""
    places: dict[str, int] = {}
    which = [places.setdefault(word, len(places)) for word in words]
    return list(places), which

"""A split encoded once as arrays, so that a training batch needs only a few array look-ups.

Data that grows with the number of words may be on disk. Memory holds the distinct forms and a few numbers per
sentence.

Letters: s sentences, w words in all, f distinct word forms; b, t, n, c as in `rnner.data.batches`.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from rnner.data.bags import number_documents
from rnner.data.batches import UNKNOWN, Batch, DocumentBags, Integers
from rnner.data.lexicon import HeldOutLexicon
from rnner.data.splits import Split
from rnner.data.subwords import WeightedRows, collate_compositions
from rnner.data.tag_sets import masks
from rnner.data.token_table import Indices
from rnner.data.vocabulary import Vocabulary

_LOWER_CASE_SHARE = 2 / 3  # share of the recased sentences; the others are in upper case


class EncodedSplit:
    """The sentences and tags of a split as vocabulary ids. `batch` returns what `Vocabulary.encode` would.

    Only the order of the distinct forms in a batch differs: it does not depend on the order of the sentences.
    Both kinds of dropout draw from torch's global generator for each batch.

    Args:
        vocabulary: the vocabulary to encode with; its scheme must be that of the split's tags.
        split: the sentences.
        bags: whether batches include the bags of words of documents.
        document_dropout: share of the sentences whose bag contains only their own words.
        casing_dropout: share of the sentences that are converted to lower case (two thirds) or upper case.
            The lexicon features stay the same, because the lexicon ignores case.

    Raises:
        ValueError: a tag that the vocabulary lacks.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        split: Split,
        *,
        bags: bool = False,
        document_dropout: float = 0.0,
        casing_dropout: float = 0.0,
    ) -> None:
        forms, self._forms = split.tokens
        self._casing_dropout, self._recased = casing_dropout, None
        if casing_dropout:
            forms, self._recased = _recase(forms)
        tags, self._tags = split.tags
        self._allowed = (
            masks(tags, vocabulary.tags, vocabulary.scheme) if split.partial else None
        )  # [distinct tags, k]
        ids = vocabulary.tag_ids(tags) if self._allowed is None else self._allowed.argmax(axis=1)
        self._tag_ids = np.array(ids, dtype=np.int64)
        self._lengths = split.lengths
        self._starts = _starts(self._lengths)
        self._words = np.empty(len(forms), dtype=np.int32)
        self._casing = np.empty(len(forms), dtype=np.int8)
        composes = vocabulary.n_grams is not None
        self._compositions: list[WeightedRows | None] | None = [] if composes else None
        characters, ends = array("i"), np.empty(len(forms), dtype=np.int64)
        for number, form in enumerate(forms):
            features = vocabulary.features(form)
            self._words[number], self._casing[number] = features.word, features.casing
            characters.frombytes(features.characters)
            ends[number] = len(characters)
            if self._compositions is not None:
                self._compositions.append(features.composition)
        characters.append(0)  # an empty last form starts here
        self._characters = np.frombuffer(characters, dtype=np.int32)
        self._form_lengths = np.diff(ends, prepend=0)
        self._form_starts = _starts(self._form_lengths)
        self._lexicon = HeldOutLexicon(vocabulary.lexicon, split) if vocabulary.lexicon is not None else None
        self._documents = number_documents(split.documents) if bags else None
        self._document_dropout = document_dropout

    def batch(self, sentences: ArrayLike) -> Batch[NDArray[Any]]:
        """Return a batch of the sentences with these indices `[b]` in the split, with their tags."""
        rows = np.asarray(sentences, dtype=np.int64)
        starts, lengths = self._starts[rows], self._lengths[rows]
        tokens, inside = _grid(starts, lengths)
        distinct, forms = np.unique(self._drop_casing(self._forms[tokens]), return_inverse=True)
        characters, in_form = _grid(self._form_starts[distinct], self._form_lengths[distinct])
        return Batch(
            words=_int64(self._words[distinct]),
            casing=_int64(self._casing[distinct]),
            characters=_int64(self._characters[characters] * in_form),
            forms=_int64(forms.reshape(tokens.shape) * inside),
            lengths=_int64(lengths),
            tags=_int64(self._tag_ids[self._tags[tokens]] * inside),
            allowed=None if self._allowed is None else self._allowed_tags(self._allowed[self._tags[tokens]]),
            lexicon=None if self._lexicon is None else self._lexicon.features(tokens),
            composition=None
            if self._compositions is None
            else collate_compositions([self._compositions[form] for form in distinct]),
            bags=None if self._documents is None else self._bags(rows, self._documents),
        )

    @staticmethod
    def _allowed_tags(allowed: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
        """Return which tags are allowed `[b, t, k]`; None if that is one for each word."""
        return None if (allowed.sum(axis=2) == 1).all() else allowed

    def _drop_casing(self, forms: Indices) -> Indices:
        """Return the forms `[b, t]`, with randomly chosen sentences in lower or upper case."""
        if self._recased is None:
            return forms
        drawn = torch.rand(len(forms), 1).numpy() / self._casing_dropout
        lower, upper = self._recased
        return np.where(drawn < _LOWER_CASE_SHARE, lower[forms], np.where(drawn < 1, upper[forms], forms))

    def _bags(self, rows: Integers, documents: Integers) -> DocumentBags[NDArray[Any]]:
        """Return the bags of the sentences `rows` `[b]`; `documents` `[s]` are those of all sentences."""
        chosen = documents[rows]
        if self._document_dropout:
            alone = torch.rand(len(rows)).numpy() < self._document_dropout
            chosen = np.where(alone, documents.max() + 1 + rows, chosen)
        distinct, document_of = np.unique(chosen, return_inverse=True)
        first, sentences = self._members
        positions, inside = _grid(first[distinct], first[distinct + 1] - first[distinct])
        members = sentences[positions[inside]]
        owners = np.repeat(np.nonzero(inside)[0], self._lengths[members])
        tokens, inside = _grid(self._starts[members], self._lengths[members])
        forms = self._forms[tokens[inside]]
        known = self._words[forms] != UNKNOWN
        number_forms = len(self._words)
        pairs, counts = np.unique(owners[known] * number_forms + forms[known], return_counts=True)
        forms = pairs % number_forms
        compositions = [self._compositions[form] for form in forms] if self._compositions else []
        return DocumentBags(
            words=_int64(self._words[forms]),
            counts=counts.astype(np.float32),
            composition=collate_compositions(compositions),
            documents=_int64(pairs // number_forms),
            document_of=_int64(document_of),
            number_documents=len(distinct),
        )

    @cached_property
    def _members(self) -> tuple[Integers, Integers]:
        """The sentences of each document, followed by each sentence as a separate document.

        Returns two arrays: where each document starts in the second array, and the sentences.
        """
        assert self._documents is not None
        sizes = np.append(np.bincount(self._documents), np.ones_like(self._documents))
        members = np.append(np.argsort(self._documents, kind="stable"), np.arange(len(self._documents)))
        return np.append(0, np.cumsum(sizes)), members


def _recase(forms: Sequence[str]) -> tuple[list[str], NDArray[np.int32]]:
    """Return the f forms and their recased forms, and the indices `[2, f]` of lower- and upper-case forms."""
    numbers = {form: number for number, form in enumerate(forms)}
    cased = [
        [numbers.setdefault(change(form), len(numbers)) for form in forms]
        for change in (str.lower, str.upper)
    ]
    return list(numbers), np.array(cased, dtype=np.int32)


def _starts(lengths: Integers) -> Integers:
    """Return the start of each sequence, given the lengths of consecutive sequences."""
    return np.cumsum(lengths) - lengths


def _grid(starts: Indices, lengths: Indices) -> tuple[Integers, NDArray[np.bool_]]:
    """Return the positions `[r, longest]` of sequences in a flat array, and which of them are not padding."""
    # Padding repeats the first position of the sequence, so that it adds no form to the batch.
    steps = np.arange(max(1, int(lengths.max())))
    inside = steps < lengths[:, None]
    return np.where(inside, starts[:, None] + steps, starts[:, None]), inside


def _int64(values: Indices) -> Integers:
    return values.astype(np.int64)

"""A split as numbers, made once, so that a training batch is a few look-ups in arrays.

What grows with the words of the split may be on disk; in memory are its distinct forms and a few numbers a
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

from rnner.data.bags import separate
from rnner.data.batches import UNKNOWN, Bags, Batch
from rnner.data.lexicon import HeldOutLexicon
from rnner.data.splits import Split
from rnner.data.subwords import WeightedRows, composition
from rnner.data.vocabulary import Vocabulary

Integers = NDArray[np.integer]

_LOWER = 2 / 3  # of the sentences in another case


class EncodedSplit:
    """The sentences and tags of a split under a vocabulary; `batch` gives what `Vocabulary.encode` would.

    Only the order of the distinct forms in a batch is another: here it does not depend on the sentences'.

    Args:
        vocabulary: knows the words, characters and tags.
        split: its tags are written in the vocabulary's scheme.
        bags: whether batches bring the words of the sentences' documents.
        alone: share of the sentences whose bag holds their own words only, drawn anew for each batch from
            torch's global generator.
        recased: share of the sentences that are all in lower-case, or (a third of these) all in upper-case,
            drawn likewise. What the lexicon knows of a word stays: it goes by lower-case.

    Raises:
        ValueError: a tag that the vocabulary lacks.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        split: Split,
        *,
        bags: bool = False,
        alone: float = 0.0,
        recased: float = 0.0,
    ) -> None:
        forms, self._forms = split.tokens
        self._share_recased, self._cases = recased, None
        if recased:
            forms, self._cases = _in_other_cases(forms)
        tags, self._tags = split.tags
        self._tag_ids = np.array(vocabulary.tag_ids(tags), dtype=np.int64)
        self._lengths = split.lengths
        self._starts = _starts(self._lengths)
        self._words = np.empty(len(forms), dtype=np.int32)
        self._casing = np.empty(len(forms), dtype=np.int8)
        self._pieces: list[WeightedRows | None] | None = [] if vocabulary.n_grams is not None else None
        spelling, ends = array("i"), np.empty(len(forms), dtype=np.int64)
        for number, form in enumerate(forms):
            known = vocabulary.features(form)
            self._words[number], self._casing[number] = known.word, known.casing
            spelling.frombytes(known.characters)
            ends[number] = len(spelling)
            if self._pieces is not None:
                self._pieces.append(known.pieces)
        spelling.append(0)  # an empty form begins there
        self._spelling = np.frombuffer(spelling, dtype=np.int32)
        self._spelling_lengths = np.diff(ends, prepend=0)
        self._spelling_starts = _starts(self._spelling_lengths)
        self._lexicon = HeldOutLexicon(vocabulary.lexicon, split) if vocabulary.lexicon is not None else None
        self._documents = separate(split.documents) if bags else None
        self._alone = alone

    def batch(self, sentences: ArrayLike) -> Batch[NDArray[Any]]:
        """Some sentences, by their places `[b]` in the split, with their tags."""
        rows = np.asarray(sentences, dtype=np.int64)
        starts, lengths = self._starts[rows], self._lengths[rows]
        grid, inside = _grid(starts, lengths)
        distinct, forms = np.unique(self._shown(self._forms[grid]), return_inverse=True)
        spelling, spelt = _grid(self._spelling_starts[distinct], self._spelling_lengths[distinct])
        return Batch(
            words=_int64(self._words[distinct]),
            casing=_int64(self._casing[distinct]),
            characters=_int64(self._spelling[spelling] * spelt),
            forms=_int64(forms.reshape(grid.shape) * inside),
            lengths=_int64(lengths),
            tags=_int64(self._tag_ids[self._tags[grid]] * inside),
            lexicon=None if self._lexicon is None else self._lexicon.features(grid),
            composition=None
            if self._pieces is None
            else composition([self._pieces[form] for form in distinct]),
            bags=None if self._documents is None else self._bags(rows, self._documents),
        )

    def _shown(self, forms: Integers) -> Integers:
        """Forms `[b, t]` as they stand in the split, or in another case."""
        if self._cases is None:
            return forms
        drawn = torch.rand(len(forms), 1).numpy() / self._share_recased
        lower, upper = self._cases
        return np.where(drawn < _LOWER, lower[forms], np.where(drawn < 1, upper[forms], forms))

    def _bags(self, rows: NDArray[np.int64], documents: NDArray[np.int64]) -> Bags[NDArray[Any]]:
        """The words of the documents `[s]` of a batch's sentences `[b]`, or of some of these alone."""
        chosen = documents[rows]
        if self._alone:
            own = torch.rand(len(rows)).numpy() < self._alone
            chosen = np.where(own, documents.max() + 1 + rows, chosen)
        distinct, of = np.unique(chosen, return_inverse=True)
        first, sentences = self._members
        places, inside = _grid(first[distinct], first[distinct + 1] - first[distinct])
        members = sentences[places[inside]]
        owners = np.repeat(np.nonzero(inside)[0], self._lengths[members])
        grid, inside = _grid(self._starts[members], self._lengths[members])
        forms = self._forms[grid[inside]]
        known = self._words[forms] != UNKNOWN
        kinds = len(self._words)
        pairs, counts = np.unique(owners[known] * kinds + forms[known], return_counts=True)
        members = pairs % kinds
        return Bags(
            words=_int64(self._words[members]),
            counts=counts.astype(np.float32),
            composition=composition([self._pieces[form] for form in members] if self._pieces else []),
            documents=_int64(pairs // kinds),
            of=_int64(of),
            number=len(distinct),
        )

    @cached_property
    def _members(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the sentences of documents begin, and those sentences: of documents, then of each alone."""
        assert self._documents is not None
        sizes = np.append(np.bincount(self._documents), np.ones_like(self._documents))
        members = np.append(np.argsort(self._documents, kind="stable"), np.arange(len(self._documents)))
        return np.append(0, np.cumsum(sizes)), members


def _in_other_cases(forms: Sequence[str]) -> tuple[list[str], NDArray[np.int32]]:
    """The f forms, and those that they are in lower- and upper-case, and which these are: `[2, f]`."""
    numbers = {form: number for number, form in enumerate(forms)}
    cased = [
        [numbers.setdefault(change(form), len(numbers)) for form in forms]
        for change in (str.lower, str.upper)
    ]
    return list(numbers), np.array(cased, dtype=np.int32)


def _starts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of several pieces begins that lie one after the other."""
    return np.cumsum(lengths) - lengths


def _grid(starts: Integers, lengths: Integers) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Places `[r, longest]` of pieces in a flat array, and which of them are inside."""
    # What is outside repeats the piece's first place: it brings in no form that the batch does not have.
    steps = np.arange(max(1, int(lengths.max())))
    inside = steps < lengths[:, None]
    return np.where(inside, starts[:, None] + steps, starts[:, None]), inside


def _int64(values: Integers) -> NDArray[np.int64]:
    return values.astype(np.int64)

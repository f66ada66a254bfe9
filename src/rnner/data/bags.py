"""What stands in the document of a sentence: the bag of its words, made once a document.

Letters: s sentences, b of them in a batch, d documents, m distinct words of documents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnner.data.batches import UNKNOWN, Bags
from rnner.data.subwords import WeightedRows, composition
from rnner.data.token_table import UNMARKED


class Bag(NamedTuple):
    """The distinct forms of a document that have a row (id 1 has not), or are composed of others' (id 0).

    Attributes:
        words: `[m]` int64, word ids.
        counts: `[m]` float32, how often each form is there.
        pieces: `[m]` what each is composed of, or None.
    """

    words: NDArray[np.int64]
    counts: NDArray[np.float32]
    pieces: list[WeightedRows | None]


def separate(documents: ArrayLike) -> NDArray[np.int64]:
    """Numbers `[s]` from 0 for the documents `[s]`; each unmarked sentence (-1) is a document of its own."""
    given = np.asarray(documents, dtype=np.int64)
    alone = np.where(given == UNMARKED, -1 - np.arange(len(given)), given)
    return np.unique(alone, return_inverse=True)[1].astype(np.int64)


def bags_of(
    sentences: Iterable[Sequence[str]],
    documents: Sequence[Hashable],
    row: Callable[[str], tuple[int, WeightedRows | None]],
) -> list[Bag]:
    """The bag `[s]` of each sentence's document; sentences of one document share the object.

    Args:
        sentences: as words.
        documents: `[s]` what tells the document of each.
        row: the id of a form, and what it is composed of, as `Vocabulary.row` tells.
    """
    forms: dict[Hashable, Counter[str]] = {}
    for words, document in zip(sentences, documents, strict=True):
        forms.setdefault(document, Counter()).update(words)
    bags = {document: _bag(counts, row) for document, counts in forms.items()}
    return [bags[document] for document in documents]


def _bag(forms: Counter[str], row: Callable[[str], tuple[int, WeightedRows | None]]) -> Bag:
    entries = [(*row(form), count) for form, count in forms.items()]
    entries = [entry for entry in entries if entry[0] != UNKNOWN]
    return Bag(
        words=np.array([word for word, _, _ in entries], dtype=np.int64),
        counts=np.array([count for _, _, count in entries], dtype=np.float32),
        pieces=[pieces for _, pieces, _ in entries],
    )


def collate(bags: Sequence[Bag]) -> Bags[NDArray[Any]]:
    """The bags `[b]` of a batch's sentences together."""
    distinct = list({id(bag): bag for bag in bags}.values())
    places = {id(bag): place for place, bag in enumerate(distinct)}
    sizes = [len(bag.words) for bag in distinct]
    return Bags(
        words=np.concatenate([bag.words for bag in distinct]),
        counts=np.concatenate([bag.counts for bag in distinct]),
        composition=composition([pieces for bag in distinct for pieces in bag.pieces]),
        documents=np.repeat(np.arange(len(distinct)), sizes),
        of=np.array([places[id(bag)] for bag in bags]),
        number=len(distinct),
    )

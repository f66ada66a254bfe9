"""Bags of words, one for each document.

Letters: s sentences, b of them in a batch, d documents, m distinct words of a document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnner.data.batches import UNKNOWN, DocumentBags
from rnner.data.subwords import WeightedRows, collate_compositions
from rnner.data.token_table import NO_DOCUMENT


class BagOfWords(NamedTuple):
    """The distinct forms of a document that have a word table row or are composed. Unknown words are omitted.

    Attributes:
        words: `[m]` int64, word ids; 0 for a composed form.
        counts: `[m]` float32, occurrences of each form.
        compositions: `[m]` rows and weights of a composed form; None for any other form.
    """

    words: NDArray[np.int64]
    counts: NDArray[np.float32]
    compositions: list[WeightedRows | None]


def number_documents(documents: ArrayLike) -> NDArray[np.int64]:
    """Renumber documents `[s]` from 0; each unmarked sentence (-1) becomes a separate document."""
    given = np.asarray(documents, dtype=np.int64)
    distinct = np.where(given == NO_DOCUMENT, -1 - np.arange(len(given)), given)
    return np.unique(distinct, return_inverse=True)[1].astype(np.int64)


def bags_of_words(
    sentences: Iterable[Sequence[str]],
    documents: Sequence[Hashable],
    row: Callable[[str], tuple[int, WeightedRows | None]],
) -> list[BagOfWords]:
    """Return the bag of words of each sentence's document `[s]`; sentences of a document share one object.

    Args:
        sentences: the words of each sentence.
        documents: `[s]` an identifier of the document of each sentence.
        row: function that returns the word id and composition of a form, see `Vocabulary.row`.
    """
    forms: dict[Hashable, Counter[str]] = {}
    for words, document in zip(sentences, documents, strict=True):
        forms.setdefault(document, Counter()).update(words)
    bags = {}
    for document, counts in forms.items():
        rows = [(*row(form), count) for form, count in counts.items()]
        known = [(word, count, composition) for word, composition, count in rows if word != UNKNOWN]
        bags[document] = BagOfWords(
            words=np.array([word for word, _, _ in known], dtype=np.int64),
            counts=np.array([count for _, count, _ in known], dtype=np.float32),
            compositions=[composition for _, _, composition in known],
        )
    return [bags[document] for document in documents]


def collate_bags(bags: Sequence[BagOfWords]) -> DocumentBags[NDArray[Any]]:
    """Collate the bags `[b]` of a batch's sentences. Sentences of one document must share one bag object."""
    distinct = list({id(bag): bag for bag in bags}.values())
    number = {id(bag): i for i, bag in enumerate(distinct)}
    return DocumentBags(
        words=np.concatenate([bag.words for bag in distinct]),
        counts=np.concatenate([bag.counts for bag in distinct]),
        composition=collate_compositions([each for bag in distinct for each in bag.compositions]),
        documents=np.repeat(np.arange(len(distinct)), [len(bag.words) for bag in distinct]),
        document_of=np.array([number[id(bag)] for bag in bags]),
        number_documents=len(distinct),
    )

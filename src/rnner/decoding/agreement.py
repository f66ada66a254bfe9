"""Agreement: words with the same spelling in a document share their emissions.

Within a document, a name usually keeps its type. "Blackburn" in a line of a results table may be a club, a
town or a surname; the report around it says which. Let e_j be the emissions of the n words of a document that
begin with a capital and are spelled like word i, ignoring case. With a share s,

    e_i <- (1 - s) e_i + (s / n) sum_j e_j

One-letter words and words that do not begin with a capital are left alone. Finkel, Grenager and Manning
(2005) and Krishnan and Manning (2006) make the labels of a document agree. Here the scores agree, before
decoding and without training.

Letters: n words in all, k tags.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnner.data.batches import Floats, Integers
from rnner.decoding.batching import EmissionsOf, Limits, SentencePart, WordPositions, batches, in_order
from rnner.decoding.windows import decided_rows

_NO_GROUP = -1


def with_agreement(
    emissions: EmissionsOf,
    sentences: Sequence[list[str]],
    documents: Sequence[int],
    share: float,
    limits: Limits,
) -> EmissionsOf:
    """Return a version of `emissions` in which words of a document with the same spelling agree.

    Args:
        emissions: returns the emissions of parts of a block of sentences.
        sentences: the block, as lists of words.
        documents: the document number of each sentence.
        share: s, above 0, at most 1.
        limits: the limits of the batches.
    """
    rows: dict[SentencePart, Floats] = {}
    for parts in batches(sentences, limits):
        scores = emissions(parts)
        array: Floats = scores if isinstance(scores, np.ndarray) else scores.numpy(force=True)
        rows.update((part, own[: part.length]) for part, own in zip(parts, array, strict=True))
    if not rows:
        return emissions
    k = next(iter(rows.values())).shape[1]
    of_sentences = in_order(
        sentences,
        rows,
        limits,
        join=lambda windows, found: np.concatenate(decided_rows(windows, found)),
        empty=np.zeros((0, k), dtype=np.float32),
    )
    agreed = average_groups(np.concatenate(of_sentences), same_spelling(sentences, documents), share)
    positions = WordPositions(sentences)
    return lambda parts: agreed[positions.grid(parts)[0]]


def average_groups(emissions: Floats, groups: Integers, share: float) -> Floats:
    """Move the emissions of each word towards the mean of its group.

    Args:
        emissions: [n, k].
        groups: [n] group of each word, counted from 0, or -1 for none; see `same_spelling`.
        share: s, above 0, at most 1.
    """
    grouped = groups != _NO_GROUP
    own = groups[grouped]
    if not len(own):
        return emissions
    order = np.argsort(own, kind="stable")  # keeps the order of words within a group
    sizes = np.bincount(own)
    starts = np.cumsum(sizes) - sizes
    means = np.add.reduceat(emissions[grouped][order].astype(np.float64), starts) / sizes[:, None]
    agreed: Floats = emissions.copy()
    agreed[grouped] += share * (means[own] - agreed[grouped])
    return agreed


def same_spelling(sentences: Sequence[Sequence[str]], documents: Sequence[int]) -> Integers:
    """Return the group [n] of each word: capitalised words of a document with one spelling share a group.

    Args:
        sentences: lists of words.
        documents: the document number of each sentence.
    """
    numbers: dict[tuple[int, str], int] = {}
    return np.array(
        [
            numbers.setdefault((document, word.lower()), len(numbers))
            if len(word) > 1 and word[0].isupper()
            else _NO_GROUP
            for words, document in zip(sentences, documents, strict=True)
            for word in words
        ],
        dtype=np.int64,
    )

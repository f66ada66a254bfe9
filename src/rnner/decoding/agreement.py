"""Words of a document that are spelt alike share their scores: a name is one thing all through most texts.

"Blackburn" in a line of a results table may be a club, a town or a surname; the report that it belongs to
tells which, a few sentences on. With the emissions e_j of the n words of a document that begin with a capital
and are spelt like word i, case aside, and a share s,

    e_i <- (1 - s) e_i + (s / n) sum_j e_j

Words of one letter, and words that do not begin with a capital, keep theirs. Finkel, Grenager and Manning
(2005) and Krishnan and Manning (2006) had the labels of a document agree; here its scores do, before the tags
are decided on, and nothing is trained for it.

Letters: n words in all, k tags.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnner.data.batches import Floats, Integers

_ALONE = -1


def agree(emissions: Floats, groups: Integers, share: float) -> Floats:
    """The emissions [n, k] of words, a share of each the mean over its group.

    Args:
        emissions: [n, k].
        groups: [n] the number of each word's group, from 0 on, or -1 for none; see `alike`.
        share: above 0, at most 1.
    """
    grouped = groups != _ALONE
    own = groups[grouped]
    order = np.argsort(own, kind="stable")  # within a group, as the words stand
    sizes = np.bincount(own)
    starts = np.cumsum(sizes) - sizes
    if not len(sizes):
        return emissions
    sums = np.add.reduceat(emissions[grouped][order].astype(np.float64), starts)
    means = sums / sizes[:, None]
    agreed: Floats = emissions.copy()
    agreed[grouped] += share * (means[own] - agreed[grouped])
    return agreed


def alike(sentences: Sequence[Sequence[str]], documents: Sequence[int]) -> Integers:
    """The groups [n] of words that are to agree, for `agree`.

    Args:
        sentences: as words.
        documents: the number of each sentence's document.
    """
    numbers: dict[tuple[int, str], int] = {}
    return np.array(
        [
            numbers.setdefault((document, word.lower()), len(numbers))
            if len(word) > 1 and word[0].isupper()
            else _ALONE
            for words, document in zip(sentences, documents, strict=True)
            for word in words
        ],
        dtype=np.int64,
    )

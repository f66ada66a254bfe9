"""The order in which to annotate texts: most uncertainty per effort first, without repeating itself.

Annotating a text resolves the uncertainty about its names. If n earlier texts have the same possible name,
1 / (1 + n) of its bits count, since a name that has been annotated once teaches little more. The effort for a
text is its number of words plus a constant: annotators need more time for longer texts, but not in proportion
(Settles, Craven and Friedland 2008). A score that is divided by the words alone (MNLP) prefers fragments, one
that is not divided prefers long texts.

Gains only shrink while texts are chosen, so the greedy choice needs few of them to be computed again (Minoux
1978). The number is bounded, so ranking takes n log n steps.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from rnner.active_learning.diversity import spread
from rnner.active_learning.uncertainty import Bits

EXTRA_WORDS = 50
"""The effort for a text beyond reading its words: to open it, and to decide that nothing is missing."""
_MOST_UPDATES = 16  # a gain that has been computed so often is used as it is


def uncertain_first(texts: Sequence[str], names: Sequence[Bits], words: Sequence[int]) -> Iterator[int]:
    """Yield the numbers of n texts, the most useful first, with near-duplicates apart.

    Args:
        texts: n texts.
        names: the uncertainty of the possible names of each text, from `uncertain_names`.
        words: the number of words of each text.
    """
    return spread(texts, _greedy(names, words))


def random_order(count: int, seed: int) -> list[int]:
    """Return the numbers from 0 to `count` - 1 in an order that depends only on the seed."""
    order: list[int] = np.random.default_rng(seed).permutation(count).tolist()
    return order


def _greedy(names: Sequence[Bits], words: Sequence[int]) -> Iterator[int]:
    """Yield the numbers of the texts by decreasing gain; equal gains keep their order."""
    annotated: Counter[str] = Counter()

    def gain(number: int) -> float:
        bits = sum(own / (1 + annotated[name]) for name, own in names[number].items())
        return bits / (EXTRA_WORDS + words[number])

    heap = [(-gain(number), number, 0) for number in range(len(names))]
    heapq.heapify(heap)
    while heap:
        known, number, updates = heap[0]
        now = -gain(number)
        if now > known and updates < _MOST_UPDATES:
            heapq.heapreplace(heap, (now, number, updates + 1))
        else:
            heapq.heappop(heap)
            annotated.update(names[number].keys())
            yield number

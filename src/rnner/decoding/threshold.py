"""Entities by how probable each is by itself, in the place of the one most probable sequence of tags.

The most probable sequence leaves out what it is not sure of: where nothing at all is likelier than any one
entity, it finds nothing, even if one entity of three like these were right. For F1 that is too careful. The
F1 to be expected is highest with the entities more probable than half of it (Lipton, Elkan and Naryanaswamy
2014), so a tagger that reaches 0.5 does best with those above 0.25. Of entities that overlap, those are taken
whose probabilities less the threshold have the largest sum: weighted interval scheduling.

Letters: b sentences, t positions, k tags, l labels, m beginnings of entities, n entities. Sums over sequences
are those of `rnner.decoding.crf_numpy`: logarithms, with a place more at either end, and the edge of a sentence as tag k.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from rnner.data.batches import Floats, Integers


class Sums(NamedTuple):
    """Logarithms of sums over sequences; a place more at either end than positions, where the edge stands.

    alpha [t + 2, b, k + 1]: all that leads to a tag, with the tag; gamma: all that follows, with the tag;
    after: all that follows, without it; log_z [b]: all. moves [k + 1, k + 1]: less the largest, and 0 from
    edge to edge.
    """

    alpha: Floats
    gamma: Floats
    after: Floats
    log_z: Floats
    moves: Floats


class Candidate(NamedTuple):
    """Words start to end (half-open) of the sentence in a row, the number of its label, its probability."""

    row: int
    start: int
    end: int
    label: int
    score: float


class Scored(Protocol):
    """Words start to end (half-open) of a sentence, and how probable it is that they are an entity."""

    @property
    def start(self) -> int:
        """The first word."""
        ...

    @property
    def end(self) -> int:
        """The word after the last."""
        ...

    @property
    def score(self) -> float:
        """The probability."""
        ...


S = TypeVar("S", bound=Scored)


def probable(sums: Sums, boundary: NDArray[np.bool_], labels: Integers, threshold: float) -> list[Candidate]:
    """All entities that are more probable than the threshold, in no order; they may overlap.

    Each possible beginning is followed for as long as an entity that goes on there may still be so probable.
    `under_way` [m, k + 1] is the probability that an entity has begun there and stands at this tag.

    Args:
        sums: of b sentences.
        boundary: [k + 1, k + 1], whether no entity goes on from a tag to the next.
        labels: [k + 1] the number of each tag's label, -1 for none.
        threshold: above 0 and below 1.
    """
    member = labels[:, None] == np.arange(labels.max(initial=-1) + 1)  # [k + 1, l]
    here = np.exp(sums.alpha + sums.after - sums.log_z[:, None]) * (labels >= 0)
    start, row = np.nonzero(((here @ member) > threshold).any(-1))
    before = _shares(sums.alpha[start - 1, row][:, None] + sums.moves.T)  # P(tag before | tag) [m, k+1, k+1]
    under_way = here[start, row] * (before * boundary.T).sum(-1)
    found: list[Candidate] = []
    place = start
    while len(row):
        onward = _shares(sums.gamma[place + 1, row][:, None] + sums.moves)  # P(next tag | tag)
        complete = (under_way * (onward * boundary).sum(-1)) @ member
        which, label = np.nonzero(complete > threshold)
        columns = (row[which], start[which] - 1, place[which], label, complete[which, label])
        found += [Candidate(*values) for values in zip(*(c.tolist() for c in columns), strict=True)]
        under_way = (under_way[:, None] @ (onward * ~boundary))[:, 0]
        going = ((under_way @ member) > threshold).any(-1)
        row, start, place, under_way = row[going], start[going], place[going] + 1, under_way[going]
    return found


def apart(found: Iterable[S], threshold: float) -> list[S]:
    """Of the entities of a sentence, all more probable than the threshold, the best that do not overlap.

    In the order of their words. A sum over the entities up to a word is the largest there is (Kleinberg and
    Tardos 2005, section 6.1).
    """
    by_end = sorted(found, key=lambda entity: (entity.end, entity.start))
    if all(a.end <= b.start for a, b in pairwise(by_end)):
        return by_end
    best: list[tuple[float, list[S]]] = [(0.0, [])]
    ends = [0]
    for entity in by_end:
        until = bisect_right(ends, entity.start) - 1
        total = best[until][0] + entity.score - threshold
        better = total > best[-1][0]
        best.append((total, [*best[until][1], entity]) if better else best[-1])
        ends.append(entity.end)
    return best[-1][1]


def _shares(logarithms: Floats) -> Floats:
    """Probabilities in the last dimension; all 0 where nothing is possible."""
    peak = logarithms.max(-1, keepdims=True)
    weights = np.exp(logarithms - np.where(np.isneginf(peak), 0, peak))
    shares: Floats = weights / np.maximum(weights.sum(-1, keepdims=True), np.finfo(np.float64).tiny)
    return shares

"""Entities above a probability threshold, instead of those of the most probable tag sequence.

The most probable sequence omits uncertain entities: where "no entity" is likelier than any one entity, it
finds nothing, even if one in three such entities would be right. That lowers F1. Expected F1 is highest for
the entities that are more probable than half that F1 (Lipton, Elkan and Naryanaswamy 2014), so a tagger that
reaches 0.5 does best with a threshold of 0.25. Of overlapping entities, the set with the largest sum of
probability minus threshold is chosen: weighted interval scheduling.

Letters: b sentences, t positions, k tags, l labels, m possible starts of entities. The edge of a sentence is
tag k, at an extra position on either side.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from rnner.data.batches import Floats, Integers
from rnner.decoding.spans import ScoredSpan


class LogSums(NamedTuple):
    """Logarithms of the sums over tag sequences, from `rnner.decoding.crf_numpy`.

    Attributes:
        alpha: [t + 2, b, k + 1] all sequences up to a tag, including its emission.
        gamma: [t + 2, b, k + 1] all sequences from a tag on, including its emission.
        after: [t + 2, b, k + 1] all sequences from a tag on, without its emission.
        log_z: [b] all sequences.
        transitions: [k + 1, k + 1] transition scores minus the largest; 0 from sentence edge to edge.
    """

    alpha: Floats
    gamma: Floats
    after: Floats
    log_z: Floats
    transitions: Floats


class Candidate(NamedTuple):
    """An entity in a batch: its sentence, words start to end (half-open), label number and probability."""

    row: int
    start: int
    end: int
    label: int
    score: float


S = TypeVar("S", bound="ScoredSpan | Candidate")


def candidates(
    sums: LogSums, boundary: NDArray[np.bool_], labels: Integers, threshold: float
) -> list[Candidate]:
    """Return all entities above the threshold, in no particular order; they may overlap.

    Entities are extended from each possible start while their probability may still exceed the threshold.
    `under_way` [m, k + 1] is the probability that an entity started there and has reached this tag.

    Args:
        sums: the sums over the tag sequences of b sentences.
        boundary: [k + 1, k + 1] bool, True where no entity continues from a tag (row) to the next (column).
        labels: [k + 1] index of each tag's label, -1 for none.
        threshold: above 0 and below 1.
    """
    member = labels[:, None] == np.arange(labels.max(initial=-1) + 1)  # [k + 1, l]
    here = np.exp(sums.alpha + sums.after - sums.log_z[:, None]) * (labels >= 0)
    start, row = np.nonzero(((here @ member) > threshold).any(-1))
    # P(tag before | tag) [m, k + 1, k + 1]
    before = softmax(sums.alpha[start - 1, row][:, None] + sums.transitions.T)
    under_way = here[start, row] * (before * boundary.T).sum(-1)
    found: list[Candidate] = []
    position = start
    while len(row):
        onward = softmax(sums.gamma[position + 1, row][:, None] + sums.transitions)  # P(next tag | tag)
        complete = (under_way * (onward * boundary).sum(-1)) @ member
        which, label = np.nonzero(complete > threshold)
        columns = (row[which], start[which] - 1, position[which], label, complete[which, label])
        found += [Candidate(*values) for values in zip(*(c.tolist() for c in columns), strict=True)]
        under_way = (under_way[:, None] @ (onward * ~boundary))[:, 0]
        going = ((under_way @ member) > threshold).any(-1)
        row, start, position, under_way = row[going], start[going], position[going] + 1, under_way[going]
    return found


def best_non_overlapping(found: Iterable[S], threshold: float) -> list[S]:
    """Return the best entities of a sentence that do not overlap, in the order of their words.

    Of all sets of non-overlapping entities, this one has the largest sum of probability minus threshold
    (weighted interval scheduling; Kleinberg and Tardos 2005, section 6.1).

    Args:
        found: entities of one sentence, all above the threshold.
        threshold: the probability that they all exceed.
    """
    by_end = sorted(found, key=lambda entity: (entity.end, entity.start))
    if all(a.end <= b.start for a, b in pairwise(by_end)):
        return by_end
    best: list[tuple[float, list[S]]] = [(0.0, [])]  # largest sum and its entities, up to each entity
    ends = [0]
    for entity in by_end:
        until = bisect_right(ends, entity.start) - 1
        total = best[until][0] + entity.score - threshold
        better = total > best[-1][0]
        best.append((total, [*best[until][1], entity]) if better else best[-1])
        ends.append(entity.end)
    return best[-1][1]


def softmax(scores: Floats) -> Floats:
    """Return the softmax over the last dimension; zeros where all scores are -inf."""
    peak = scores.max(-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isneginf(peak), 0, peak))
    return cast(Floats, weights / np.maximum(weights.sum(-1, keepdims=True), np.finfo(np.float64).tiny))

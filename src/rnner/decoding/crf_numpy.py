"""Decoding a linear chain of tags in numpy, where there is no torch: what `rnner.nn.crf.loss` does for taggers.

Letters: b sentences, t positions, k tags, n entities or sequences. As there, the edge of a sentence is one
more tag with index k, the scores of all moves are one matrix [k + 1, k + 1], and illegal moves are -inf. The
best tags are computed in the emissions' type, as in `rnner.nn.crf.viterbi`; sums are logarithms in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnner.data.batches import Floats, Integers
from rnner.decoding.threshold import Candidate, Sums, probable

_LARGEST = 1e30  # a sum of thousands of these is still finite in float32
_FAR = 600.0  # in logarithms: what is further below the largest may be lost by `_quickly`


class NumpyLattice:
    """The scores of all tag sequences of a batch of sentences; a `rnner.decoding.lattice.Lattice`.

    Args:
        emissions: [b, t, k].
        lengths: [b] int64, from 1 to t.
        moves: [k + 1, k + 1].
        boundary: [k, k] bool, whether no entity goes on from a tag to the next.
    """

    def __init__(
        self, emissions: Floats, lengths: Integers, moves: Floats, boundary: NDArray[np.bool_]
    ) -> None:
        self._emissions, self._lengths, self._moves = emissions, lengths, moves
        self._boundary = np.pad(boundary, (0, 1), constant_values=True)

    def scores(self) -> Floats:
        """The emissions [b, t, k]."""
        return self._emissions

    def best(self) -> Integers:
        """The most probable legal tags [b, t], 0 in the padding; ties go to the lower tag."""
        return self._best

    @cached_property
    def _best(self) -> Integers:
        # Sentences go innermost, and the maximum over the next tag outermost: both are then whole vectors.
        start, step, end = _parts(self._moves)
        first, *others = _turned(_finite(self._emissions), self._lengths).transpose(0, 2, 1).copy()
        onward = step.T[:, :, None]  # [next, tag, 1]
        rest = [first + end[:, None]]
        for emission in others:
            rest.append((onward + rest[-1][:, None]).max(0) + emission)
        best, *following = _turned(np.stack(rest).transpose(2, 0, 1), self._lengths)
        tags = [(start + best).argmax(-1)]
        for follows in following:
            tags.append((step[tags[-1]] + follows).argmax(-1))
        return np.where(_padding(self._lengths, len(tags)), 0, np.stack(tags, axis=1))

    def probabilities(self, places: Integers) -> list[float]:
        """Exact probability of n entities [n, 3] (row, start, end), as the best tags have them.

        A product of conditional probabilities along the entity, see `rnner.nn.crf.marginals.span_probabilities`.
        """
        row, start, end = places.T
        sums, path = self._sums, np.pad(self._best, ((0, 0), (0, 1)))
        first = path[row, start]
        before = _softmax(sums.alpha[start, row] + sums.moves.T[first])  # P(tag before | first) [n, k + 1]
        opens = (before * self._boundary.T[first]).sum(-1)
        # The positions [m] of all entities, and what goes on from each.
        sizes = end - start
        begins = np.cumsum(sizes) - sizes
        span = np.repeat(np.arange(len(row)), sizes)
        at = np.arange(len(span)) - begins[span] + start[span]
        tag, following = path[row[span], at], path[row[span], at + 1]
        after = _softmax(sums.gamma[at + 2, row[span]] + sums.moves[tag])  # P(tag after | tag) [m, k + 1]
        stays, closes = after[np.arange(len(span)), following], (after * self._boundary[tag]).sum(-1)
        along = np.multiply.reduceat(np.where(at == end[span] - 1, closes, stays), begins)
        here = sums.alpha[start + 1, row, first] + sums.after[start + 1, row, first] - sums.log_z[row]
        scores: list[float] = (np.exp(here) * opens * along).tolist()
        return scores

    def probable(self, labels: Integers, threshold: float) -> list[Candidate]:
        """All entities more probable than a threshold, see `rnner.decoding.threshold`; labels [k] by number, or -1."""
        return probable(self._sums, self._boundary, np.append(labels, -1), threshold)

    def n_best(self, n: int) -> tuple[list[list[list[int]]], list[list[float]]]:
        """The n most probable legal tags [b, n, t] and their log-probabilities [b, n], -inf for no more."""
        moves, log_z = self._moves.astype(np.float64), self._sums.log_z
        scores, best, following = _n_best_rest(_log_softmax(self._emissions), self._lengths, moves, n)
        paths = np.empty((len(best), n, len(following)), dtype=np.int64)
        for i, follows in enumerate(following):  # best [b, n] is tag * n + rank among the rests of that tag
            paths[:, :, i] = best // n
            best = np.take_along_axis(follows, best, axis=1)
        missing = np.isneginf(scores)[:, :, None] | _padding(self._lengths, len(following))[:, None]
        logs = scores - (log_z + moves.max() * (self._lengths + 1))[:, None]
        return np.where(missing, 0, paths).tolist(), logs.tolist()

    @cached_property
    def _sums(self) -> Sums:
        """Of all sequences: the quick way, and again the slow way if that lost too much."""
        weights = _places(_log_softmax(self._emissions), self._lengths)
        sums = _forward_backward(weights, self._moves, _quickly)
        with np.errstate(invalid="ignore"):
            farthest = sums.alpha.max(-1) + sums.after.max(-1) - sums.log_z
        if not (farthest < _FAR).all():  # NaN is not sound either
            sums = _forward_backward(weights, self._moves, _exactly)
        return sums


def _forward_backward(weights: Floats, moves: Floats, onward: Callable[[Floats, Floats], Floats]) -> Sums:
    """The sums for the scores of tags, weights [t + 2, b, k + 1]; `onward` goes from place to place."""
    relative = moves.astype(np.float64) - moves.max()
    relative[-1, -1] = 0
    alpha, gamma, after = np.empty_like(weights), np.empty_like(weights), np.zeros_like(weights)
    alpha[0], gamma[-1], last = weights[0], weights[-1], len(weights) - 1
    for i in range(1, last + 1):
        alpha[i] = onward(alpha[i - 1], relative) + weights[i]
        after[last - i] = onward(gamma[last - i + 1], relative.T)
        gamma[last - i] = after[last - i] + weights[last - i]
    return Sums(alpha, gamma, after, alpha[-1, :, -1], relative)


def _quickly(sums: Floats, moves: Floats) -> Floats:
    """log(exp(sums) exp(moves)), [b, k + 1]; what is far below the largest of a sentence is lost."""
    peak = sums.max(-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.log(np.exp(sums - peak) @ np.exp(moves)) + peak
    return found


def _exactly(sums: Floats, moves: Floats) -> Floats:
    """The same for any finite scores, slowly."""
    found: Floats = np.logaddexp.reduce(sums[:, :, None] + moves, axis=1)
    return found


def _places(scores: Floats, lengths: Integers) -> Floats:
    """Scores [b, t, k] at the places of sentences: [t + 2, b, k + 1]; the edge stands in the padding."""
    t, k = scores.shape[1:]
    inside = np.where(_padding(lengths, t)[:, :, None], -np.inf, scores)
    places = np.pad(inside.transpose(1, 0, 2), ((1, 1), (0, 0), (0, 1)), constant_values=-np.inf)
    edge = np.pad(_padding(lengths, t).T, ((1, 1), (0, 0)), constant_values=True)
    places[:, :, k][edge] = 0
    return places


def _n_best_rest(
    emissions: Floats, lengths: Integers, moves: Floats, n: int
) -> tuple[Floats, Integers, Integers]:
    """Scores [b, n] of the best sequences, where each begins [b, n], and what follows what [t, b, k * n]."""
    start, step, end = _parts(moves)
    turned = _turned(emissions, lengths)  # [t, b, k]
    t, b, k = turned.shape
    kept = np.full((t, b, k, n), -np.inf)
    kept[0, :, :, 0] = turned[0] + end
    following = np.zeros((t, b, k * n), dtype=np.int64)
    for i in range(1, t):
        candidates = (step[:, :, None] + kept[i - 1][:, None]).reshape(b, k, k * n)
        which = np.argsort(-candidates, axis=-1, kind="stable")[:, :, :n]
        kept[i] = np.take_along_axis(candidates, which, axis=-1) + turned[i][:, :, None]
        following[i] = which.reshape(b, k * n)
    first = _turned(kept.transpose(1, 0, 2, 3).reshape(b, t, k * n), lengths)[0].reshape(b, k, n)
    scores = (start[:, None] + first).reshape(b, k * n)
    best = np.argsort(-scores, axis=-1, kind="stable")[:, :n]
    return np.take_along_axis(scores, best, axis=-1), best, _turned(following.transpose(1, 0, 2), lengths)


def _parts(moves: Floats) -> tuple[Floats, Floats, Floats]:
    """Scores of what a sentence begins with [k], of moves [k, k], of what it ends with [k]."""
    return moves[-1, :-1], moves[:-1, :-1], moves[:-1, -1]


def _turned(x: NDArray[Any], lengths: Integers) -> NDArray[Any]:
    """Sentences [b, t, d] read from their own ends: [t, b, d]; past the beginning, the first row again."""
    back = lengths - 1 - np.arange(x.shape[1])[:, None]
    turned: NDArray[Any] = x[np.arange(len(lengths)), np.maximum(back, 0)]
    return turned


def _padding(lengths: Integers, t: int) -> NDArray[np.bool_]:
    return np.arange(t) >= lengths[:, None]


def _finite(emissions: Floats) -> Floats:
    """Emissions that can be summed: the largest of each position moved to 0, which changes no ranking."""
    emissions = np.clip(np.nan_to_num(emissions, nan=0.0), -_LARGEST, _LARGEST)
    relative: Floats = emissions - emissions.max(-1, keepdims=True)
    return relative


def _log_softmax(emissions: Floats) -> Floats:
    exact = emissions.astype(np.float64)
    peak = exact.max(-1, keepdims=True)
    total: Floats = np.log(np.exp(exact - peak).sum(-1, keepdims=True))
    relative: Floats = exact - peak - total
    return relative


def _softmax(scores: Floats) -> Floats:
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    shares: Floats = weights / weights.sum(-1, keepdims=True)
    return shares

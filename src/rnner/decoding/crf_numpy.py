"""Decoding a linear-chain CRF in numpy, for prediction without torch; `rnner.nn.crf` does the same in torch.

Letters: b sentences, t positions, k tags, n entities or sequences. The transition matrix [k + 1, k + 1] is
that of `rnner.nn.crf.transitions`: the edge of a sentence is tag k; illegal transitions are -inf. Viterbi
uses the data type of its inputs; sums over sequences are logarithms in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from rnner.data.batches import Floats, Integers
from rnner.decoding.threshold import Candidate, LogSums, candidates, softmax

_LARGEST = 1e30  # sums of thousands of these are still finite in float32
_FAR = 600.0  # `_log_matmul` may lose terms that are this much smaller, in logarithms, than the largest


class NumpyLattice:
    """The scores of all tag sequences of a batch; see `rnner.decoding.lattice.Lattice`.

    Args:
        emissions: [b, t, k].
        lengths: [b] int64, from 1 to t.
        transitions: [k + 1, k + 1].
        boundary: [k, k] bool, True where no entity continues from a tag (row) to the next (column).
    """

    def __init__(
        self, emissions: Floats, lengths: Integers, transitions: Floats, boundary: NDArray[np.bool_]
    ) -> None:
        self._emissions, self._lengths, self._transitions = emissions, lengths, transitions
        self._boundary = np.pad(boundary, (0, 1), constant_values=True)

    def best_tags(self) -> Integers:
        """Return the most probable legal tags [b, t], 0 in the padding; ties go to the lower tag id."""
        return self._best

    @cached_property
    def _best(self) -> Integers:
        # Sentences are the last dimension and the maximum runs over the first, so numpy works on vectors.
        start, step, end = _split_transitions(self._transitions)
        first, *others = _reversed(_finite(self._emissions), self._lengths).transpose(0, 2, 1).copy()
        onward = step.T[:, :, None]  # [next, tag, 1]
        rest = [first + end[:, None]]
        for emission in others:
            rest.append((onward + rest[-1][:, None]).max(0) + emission)
        best, *following = _reversed(np.stack(rest).transpose(2, 0, 1), self._lengths)
        tags = [(start + best).argmax(-1)]
        for follows in following:
            tags.append((step[tags[-1]] + follows).argmax(-1))
        return np.where(_padding(self._lengths, len(tags)), 0, np.stack(tags, axis=1))

    def probabilities(self, spans: Integers) -> list[float]:
        """Return the exact probability of n entities [n, 3] (row, start, end), tagged as in `best_tags`.

        This is a product of conditional probabilities along the entity, as in
        `rnner.nn.crf.marginals.span_probabilities`.
        """
        row, start, end = spans.T
        sums, path = self._sums, np.pad(self._best, ((0, 0), (0, 1)))
        first = path[row, start]
        # P(tag before | first) [n, k + 1]
        before = softmax(sums.alpha[start, row] + sums.transitions.T[first])
        opens = (before * self._boundary.T[first]).sum(-1)
        # The positions [m] of all entities, one after the other.
        sizes = end - start
        begins = np.cumsum(sizes) - sizes
        span = np.repeat(np.arange(len(row)), sizes)
        at = np.arange(len(span)) - begins[span] + start[span]
        tag, following = path[row[span], at], path[row[span], at + 1]
        # P(tag after | tag) [m, k + 1]
        after = softmax(sums.gamma[at + 2, row[span]] + sums.transitions[tag])
        stays, closes = after[np.arange(len(span)), following], (after * self._boundary[tag]).sum(-1)
        along = np.multiply.reduceat(np.where(at == end[span] - 1, closes, stays), begins)
        here = sums.alpha[start + 1, row, first] + sums.after[start + 1, row, first] - sums.log_z[row]
        return cast("list[float]", (np.exp(here) * opens * along).tolist())

    def candidates(self, labels: Integers, threshold: float) -> list[Candidate]:
        """Return all entities above a threshold, given the index [k] of each tag's label, -1 for none."""
        return candidates(self._sums, self._boundary, np.append(labels, -1), threshold)

    def n_best(self, n: int) -> tuple[list[list[list[int]]], list[list[float]]]:
        """Return the n best legal paths [b, n, t] and log-probabilities [b, n], -inf if there are fewer."""
        transitions, log_z = self._transitions.astype(np.float64), self._sums.log_z
        emissions = _log_softmax(self._emissions)
        scores, best, following = _n_best_backward(emissions, self._lengths, transitions, n)
        paths = np.empty((len(best), n, len(following)), dtype=np.int64)
        for i, follows in enumerate(following):  # best [b, n] is tag * n + rank of its continuation
            paths[:, :, i] = best // n
            best = np.take_along_axis(follows, best, axis=1)
        missing = np.isneginf(scores)[:, :, None] | _padding(self._lengths, len(following))[:, None]
        logs = scores - (log_z + transitions.max() * (self._lengths + 1))[:, None]
        return np.where(missing, 0, paths).tolist(), logs.tolist()

    @cached_property
    def _sums(self) -> LogSums:
        """The sums over all sequences, recomputed exactly if the fast method lost too much."""
        weights = _with_edges(_log_softmax(self._emissions), self._lengths)
        sums = _forward_backward(weights, self._transitions, _log_matmul)
        with np.errstate(invalid="ignore"):
            farthest = sums.alpha.max(-1) + sums.after.max(-1) - sums.log_z
        if not (farthest < _FAR).all():  # also true for NaN
            sums = _forward_backward(weights, self._transitions, _log_matmul_exact)
        return sums


def _forward_backward(
    weights: Floats, transitions: Floats, log_matmul: Callable[[Floats, Floats], Floats]
) -> LogSums:
    """Return the sums over tag sequences, given `weights`, the scores of tags [t + 2, b, k + 1]."""
    relative = transitions.astype(np.float64) - transitions.max()
    relative[-1, -1] = 0
    alpha, gamma, after = np.empty_like(weights), np.empty_like(weights), np.zeros_like(weights)
    alpha[0], gamma[-1], last = weights[0], weights[-1], len(weights) - 1
    for i in range(1, last + 1):
        alpha[i] = log_matmul(alpha[i - 1], relative) + weights[i]
        after[last - i] = log_matmul(gamma[last - i + 1], relative.T)
        gamma[last - i] = after[last - i] + weights[last - i]
    return LogSums(alpha, gamma, after, alpha[-1, :, -1], relative)


def _log_matmul(sums: Floats, transitions: Floats) -> Floats:
    """Return log(exp(sums) exp(transitions)), [b, k + 1]; terms far below the largest are lost."""
    peak = sums.max(-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.log(np.exp(sums - peak) @ np.exp(transitions)) + peak
    return found


def _log_matmul_exact(sums: Floats, transitions: Floats) -> Floats:
    """Return the same as `_log_matmul`, exact for any finite scores but slower."""
    return cast(Floats, np.logaddexp.reduce(sums[:, :, None] + transitions, axis=1))


def _with_edges(scores: Floats, lengths: Integers) -> Floats:
    """Return scores [b, t, k] with an edge on either side, [t + 2, b, k + 1]; padding counts as edge."""
    t, k = scores.shape[1:]
    inside = np.where(_padding(lengths, t)[:, :, None], -np.inf, scores)
    edged = np.pad(inside.transpose(1, 0, 2), ((1, 1), (0, 0), (0, 1)), constant_values=-np.inf)
    edge = np.pad(_padding(lengths, t).T, ((1, 1), (0, 0)), constant_values=True)
    edged[:, :, k][edge] = 0
    return edged


def _n_best_backward(
    emissions: Floats, lengths: Integers, transitions: Floats, n: int
) -> tuple[Floats, Integers, Integers]:
    """Return the n best scores [b, n], their first states [b, n] and all successors [t, b, k * n]."""
    start, step, end = _split_transitions(transitions)
    backward = _reversed(emissions, lengths)  # [t, b, k]
    t, b, k = backward.shape
    kept = np.full((t, b, k, n), -np.inf)
    kept[0, :, :, 0] = backward[0] + end
    following = np.zeros((t, b, k * n), dtype=np.int64)
    for i in range(1, t):
        scores = (step[:, :, None] + kept[i - 1][:, None]).reshape(b, k, k * n)
        which = np.argsort(-scores, axis=-1, kind="stable")[:, :, :n]
        kept[i] = np.take_along_axis(scores, which, axis=-1) + backward[i][:, :, None]
        following[i] = which.reshape(b, k * n)
    first = _reversed(kept.transpose(1, 0, 2, 3).reshape(b, t, k * n), lengths)[0].reshape(b, k, n)
    scores = (start[:, None] + first).reshape(b, k * n)
    best = np.argsort(-scores, axis=-1, kind="stable")[:, :n]
    return np.take_along_axis(scores, best, axis=-1), best, _reversed(following.transpose(1, 0, 2), lengths)


def _split_transitions(transitions: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the scores of first tags [k], of transitions between tags [k, k] and of last tags [k]."""
    return transitions[-1, :-1], transitions[:-1, :-1], transitions[:-1, -1]


def _reversed(x: NDArray[Any], lengths: Integers) -> NDArray[Any]:
    """Return sentences [b, t, d] in reverse order as [t, b, d]; the first word is repeated as padding."""
    back = lengths - 1 - np.arange(x.shape[1])[:, None]
    return cast("NDArray[Any]", x[np.arange(len(lengths)), np.maximum(back, 0)])


def _padding(lengths: Integers, t: int) -> NDArray[np.bool_]:
    return np.arange(t) >= lengths[:, None]


def _finite(emissions: Floats) -> Floats:
    """Make emissions safe to sum; subtracting the largest at each position does not change the ranking."""
    emissions = np.clip(np.nan_to_num(emissions, nan=0.0), -_LARGEST, _LARGEST)
    return cast(Floats, emissions - emissions.max(-1, keepdims=True))


def _log_softmax(emissions: Floats) -> Floats:
    exact = emissions.astype(np.float64)
    peak = exact.max(-1, keepdims=True)
    total: Floats = np.log(np.exp(exact - peak).sum(-1, keepdims=True))
    return cast(Floats, exact - peak - total)

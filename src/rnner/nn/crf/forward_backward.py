"""The forward-backward algorithm over a linear chain of tags: sums over all tag sequences of a sentence.

For the notation and the transition matrix, see `rnner.nn.crf.transitions`. With emissions e, a sequence y of
n tags between the edges y_0 = y_n+1 = k has the score

    sum_i e_i[y_i] + sum_i transitions[y_i, y_i+1]

and the probability exp(score) / Z, where Z is the sum of exp(score) over all sequences.

The sums run in scaled probability space (Rabiner 1989): with the exponentials of all scores, relative to the
largest, each step is one small matrix product, and a normalizer keeps the numbers in range. Underflow is
detected afterwards, because the total mass of all sequences can be read off at every position; the rare
sentence with too little mass for its dtype is recomputed with logarithms in float64.

The tensors here are time-major and include the edges: `[t + 2, b, k + 1]`. Padding has the edge's scores.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

_NORMALIZE_EVERY = 4  # steps; lower is slower, higher lets improbable sentences underflow


class TagPath(NamedTuple):
    """A sequence of tags from edge to edge."""

    tags: Tensor
    """`[t + 2, b]`, with the edges and padding as tag k."""
    transitions: Tensor
    """`[t + 1, b]`, indices into the flattened transition matrix."""


class ForwardBackward:
    """The posterior distribution of tag sequences, in the more precise of the two input dtypes.

    It builds no autograd graph: create it under `no_grad` or `inference_mode`.

    Args:
        emissions: `[b, t, k]`.
        lengths: `[b]` int64.
        transitions: `[k + 1, k + 1]`.

    Attributes:
        peak: `[]`, the largest transition score.
        transitions: `[k + 1, k + 1]`, relative to `peak`; 0 from edge to edge.
        log_z: `[b]` float64, log Z for these transitions and for emissions relative to their log-sum-exp.

    Raises:
        ValueError: a sentence has no legal tag sequence.
    """

    def __init__(self, emissions: Tensor, lengths: Tensor, transitions: Tensor) -> None:
        dtype = torch.promote_types(emissions.dtype, transitions.dtype)
        emissions, transitions = emissions.to(dtype), transitions.to(dtype)
        b, t, k = emissions.shape
        self._scores = F.pad(emissions.reshape(-1, k).log_softmax(-1), (0, 1, 0, 1), value=-torch.inf)
        self._scores[-1, -1] = 0  # [b * t + 1, k + 1]: one row per position, the last for the edge
        self._rows = _score_rows(lengths, t)
        self.peak = transitions.max()
        self.transitions = transitions - self.peak
        self.transitions[-1, -1] = 0
        both_ways = torch.stack([self._rows, self._rows.flip(0)], dim=1)  # [t + 2, 2, b]
        weights = self._scores.exp().index_select(0, both_ways.view(-1))
        self._scaled = _ScaledSums(weights.view(t + 2, 2, b, k + 1), self.transitions.exp())
        self.log_z = self._scaled.log_z
        self._exact: _LogSums | None = None
        if not self._scaled.total.amin().item() > self._scaled.min_total:  # also if it is NaN
            self._recompute()

    def _recompute(self) -> None:
        if self.peak.isneginf():
            raise ValueError("no transition is legal")
        self._underflown = (~(self._scaled.total.amin(0) > self._scaled.min_total)).nonzero()[:, 0]
        self._exact = _LogSums(self._scores[self._rows[:, self._underflown]], self.transitions)
        if (illegal := self._exact.log_z.isneginf()).any():
            row = self._underflown[illegal][0]
            n = int((self._rows[:, row] < len(self._scores) - 1).sum())
            reason = f"no sequence of {n} tags is legal, or none has a finite score"
            raise ValueError(f"row {int(row)}: {reason}")
        self._scaled.clear(self._underflown)
        self.log_z[self._underflown] = self._exact.log_z

    def path(self, tags: Tensor) -> TagPath:
        """Return the path of tags `[b, t]` from edge to edge."""
        width = len(self.transitions)
        path = F.pad(tags.reshape(-1), (0, 1), value=width - 1).take(self._rows)
        return TagPath(path, path[:-1] * width + path[1:])

    def score(self, path: TagPath) -> Tensor:
        """Return the score `[b]` (float64) of a path, on the scale of `log_z`."""
        emitted = self._scores.take(self._rows * len(self.transitions) + path.tags)
        return torch.cat([emitted, self.transitions.take(path.transitions)]).sum(0, dtype=torch.float64)

    def tag_probabilities(self) -> Tensor:
        """Return the probability `[t, b, k + 1]` of each tag at each position."""
        tags = self._scaled.mass[1:]
        if self._exact is not None:
            tags[:, self._underflown] = self._exact.tag_probabilities().to(tags.dtype)
        return tags

    def expected_transitions(self) -> Tensor:
        """Return the expected number `[k + 1, k + 1]` of each transition, summed over all sentences."""
        expected = self._scaled.expected_transitions()
        if self._exact is not None:
            expected += self._exact.expected_transitions().to(expected.dtype)
        return expected

    def gradients(self, path: TagPath) -> tuple[Tensor, Tensor]:
        """Return the gradients of log Z minus the score of a path: expected counts minus counts on the path.

        The gradients are those of the sum over sentences, for the emissions `[b, t, k]` and the transitions
        `[k + 1, k + 1]`. Call this last, because it overwrites the probabilities.
        """
        tags = self.tag_probabilities().scatter_(2, path.tags[1:-1, :, None], -1, reduce="add")
        transitions = torch.zeros_like(self.transitions)  # counts first: integer sums are exact in any order
        transitions.view(-1).scatter_(0, path.transitions.view(-1), -1, reduce="add")
        transitions += self.expected_transitions()
        transitions[-1, -1] = 0
        return tags[:, :, :-1].transpose(0, 1), transitions

    def log_forward(self, position: Tensor, row: Tensor) -> Tensor:
        """Return the log forward sums `[n, k + 1]` before each `position` `[n]` of the sentences `row` `[n]`.

        For each tag at the previous position, they sum over all sequences up to that tag, its emission
        included, up to a constant.
        """
        alpha = self._scaled.alpha[position, row].log()
        return alpha if self._exact is None else self._corrected(alpha, self._exact.alpha, position, row)

    def log_backward(self, position: Tensor, row: Tensor) -> Tensor:
        """Return the log backward sums: for each tag at the next position, over all sequences from it on."""
        gamma = self._scaled.gamma[position + 1, row].log()
        return gamma if self._exact is None else self._corrected(gamma, self._exact.gamma, position + 2, row)

    def _corrected(self, logs: Tensor, exact: Tensor, position: Tensor, row: Tensor) -> Tensor:
        """Return logarithms `[n, k + 1]` with those of recomputed sentences replaced."""
        again, which = (row[:, None] == self._underflown).nonzero(as_tuple=True)
        sums = exact[position[again], which]
        logs[again] = (sums - sums.amax(-1, keepdim=True)).to(logs.dtype)  # centred, to fit into float32
        return logs


def _score_rows(lengths: Tensor, t: int) -> Tensor:
    """Return, for each place `[t + 2, b]`, the index of its row of scores; edges share the last row."""
    edge = len(lengths) * t
    rows = torch.arange(-1, edge + 1, device=lengths.device).as_strided((t + 2, len(lengths)), (1, t))
    rows = rows.masked_fill(rows[:, :1] >= lengths, edge)
    rows[0] = edge
    return rows


class _ScaledSums:
    """The sums in scaled probability space; valid for sentences whose mass is above `min_total` everywhere.

    The weights sum to 1 at each position and no transition exceeds 1, so the sums only shrink between two
    normalizations. So a product that underflows, below the smallest normal number `tiny`, never gains weight
    at later positions. Where the mass of all sequences, as actually computed, is
    above (k + 1) tiny / eps at every position, the relative error due to underflow is about eps per position.

    Args:
        weights: `[t + 2, 2, b, k + 1]`, exponentials of the scores, forward and backward. Overwritten with
            the sums.
        step: `[k + 1, k + 1]`, exponentials of the transitions.

    Attributes:
        alpha: `[t + 1, b, k + 1]`, the sum over all sequences up to a tag, including the tag, at all places
            but the last.
        gamma: the same for all sequences from a tag on, including the tag, at all places but the first.
        mass: `[t + 1, b, k + 1]`, the sum over all sequences through a tag, at all places but the last.
        total: `[t + 1, b]`, the sum over all sequences. alpha and mass are divided by it. So mass is the
            probability of a tag, and alpha times transition times gamma is the probability of a transition.
        log_z: `[b]` float64.
    """

    def __init__(self, weights: Tensor, step: Tensor) -> None:
        self.log_z = _sweep(weights, torch.stack([step, step.T])).log().sum(0, dtype=torch.float64)
        self.step, self.alpha, self.gamma = step, weights[:-1, 0], weights[:, 1].flip(0)[1:]
        self.mass = _product(self.gamma.flatten(0, 1), step.T).view(self.alpha.shape).mul_(self.alpha)
        self.total = self.mass.sum(-1)
        info = torch.finfo(step.dtype)
        self.min_total = len(step) * info.tiny / info.eps
        share = self.total.reciprocal()[:, :, None]
        self.alpha.mul_(share)
        self.mass.mul_(share)

    def clear(self, which: Tensor) -> None:
        """Set the sums of the given sentences to zero; they may be NaN."""
        self.alpha[:, which], self.gamma[:, which] = 0, 0

    def expected_transitions(self) -> Tensor:
        return _product(self.alpha.flatten(0, 1).T, self.gamma.flatten(0, 1)).mul_(self.step)


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Return the matrix product in the dtype of `a`: autocast does not apply to products with `out`."""
    return torch.mm(a, b, out=a.new_empty(len(a), b.shape[1]))


def _sweep(weights: Tensor, steps: Tensor) -> Tensor:
    """Turn weights `[t + 2, 2, b, k + 1]` into forward and backward sums with steps `[2, k + 1, k + 1]`.

    Returns factors `[n, b]`, whose product is the mass of all sequences.
    """
    here, *others = weights.unbind()
    arrived, factors = torch.empty_like(here), []
    for i, weight in enumerate(others, start=1):
        here = weight.mul_(torch.bmm(here, steps, out=arrived))
        if i % _NORMALIZE_EVERY == 0:
            factors.append(here.sum(-1, keepdim=True))
            here.div_(factors[-1])
    factors.append(here.sum(-1, keepdim=True))
    return torch.stack(factors)[:, 0, :, 0]


class _LogSums:
    """The sums of `_ScaledSums` as logarithms in float64: slow, but correct for any finite scores.

    Args:
        weights: `[t + 2, b, k + 1]`, the scores.
        transitions: `[k + 1, k + 1]`.

    Attributes:
        alpha: `[t + 2, b, k + 1]`, as in `_ScaledSums`, at all places.
        gamma: the same.
    """

    def __init__(self, weights: Tensor, transitions: Tensor) -> None:
        first, *others = weights.double().unbind()
        self.transitions = transitions.double()
        alpha, gamma = [first], [first]
        for weight in others:
            alpha.append((alpha[-1][:, :, None] + self.transitions).logsumexp(1) + weight)
        for weight in (first, *others)[-2::-1]:
            gamma.append((gamma[-1][:, None] + self.transitions).logsumexp(2) + weight)
        self.alpha, self.gamma = torch.stack(alpha), torch.stack(gamma).flip(0)
        self.log_z = self.alpha[-1, :, -1]

    def tag_probabilities(self) -> Tensor:
        after = torch.stack([(gamma[:, None] + self.transitions).logsumexp(2) for gamma in self.gamma[2:]])
        return (self.alpha[1:-1] + after - self.log_z[:, None]).exp()

    def expected_transitions(self) -> Tensor:
        expected = torch.zeros_like(self.transitions)
        for alpha, gamma in zip(self.alpha[:-1], self.gamma[1:], strict=True):
            scores = alpha[:, :, None] + self.transitions + gamma[:, None] - self.log_z[:, None, None]
            expected += scores.exp().sum(0)
        return expected

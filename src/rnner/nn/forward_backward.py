"""Forward-backward over a linear chain of tags: the sums that `crf.py` is made of.

Letters: b sentences, t positions, k tags. The edge of a sentence counts as one more tag, with index k,
before the first position and from the first position after the last. So the scores of all moves are one
matrix, moves [k + 1, k + 1]: from tag i to tag j; row k what a sentence begins with, column k what it
ends with; [k, k] is not used. An illegal move has the score -inf. A sequence y of n tags has the score

    sum_i e_i[y_i] + sum_i moves[y_i, y_i+1],  y_0 = y_n+1 = k

with emissions e, and the probability exp(score) / Z, Z summing over all sequences.

The sums run in scaled probability space (Rabiner 1989): with the exponentials of all scores, relative to
their maxima, a step is one small matrix product, and a normaliser keeps the numbers in range. What this
loses by underflow is known afterwards, because the mass of all sequences is seen at every position; the
rare sentence whose mass is too small for the dtype is done again with logarithms, in float64.
"""

from __future__ import annotations

import torch
from torch import Tensor

_NORMALISE_EVERY = 4  # steps; more often costs time, less often room for improbable sentences


def padding(x: Tensor, lengths: Tensor) -> Tensor:
    """Which positions [b, t] of x [b, t, ...] are padding."""
    return torch.arange(x.shape[1], device=x.device) >= lengths[:, None]


class ForwardBackward:
    """The posterior of tag sequences: emissions [b, t, k], lengths [b], moves [k + 1, k + 1], one dtype.

    Keeps no autograd graph: to be made without one. Raises ValueError where no sequence of a sentence's
    length is legal.

    Attributes:
        emissions: [b, t, k], less the largest at each position.
        peak: [], the largest of the moves.
        moves: [k + 1, k + 1], less the largest, and 0 from edge to edge.
        pad: [b, t] bool.
        log_z: [b] float64, for these emissions and moves.
    """

    def __init__(self, emissions: Tensor, lengths: Tensor, moves: Tensor) -> None:
        self.pad = padding(emissions, lengths)
        self.emissions = emissions - emissions.amax(-1, keepdim=True)
        self.moves = moves.clone()
        self.moves[-1, -1] = -torch.inf
        self.peak = self.moves.max().clamp(min=torch.finfo(moves.dtype).min)
        self.moves -= self.peak
        self.moves[-1, -1] = 0
        self._scaled = _Scaled(self.emissions, self.pad, self.moves)
        self._exact: _Logarithmic | None = None
        self.log_z = self._scaled.log_z
        if not self._scaled.sound.all():
            self._rows = (~self._scaled.sound).nonzero()[:, 0]
            self._exact = _Logarithmic(self.emissions[self._rows], self.pad[self._rows], self.moves)
            self._scaled.forget(self._rows)
            self.log_z[self._rows] = self._exact.log_z

    def tags(self, weights: Tensor) -> Tensor:
        """Probability [b, t, k] of each tag at each position, times weights [b]; 0 in the padding."""
        tags = self._scaled.tags(weights)
        if self._exact is not None:
            tags[self._rows] = self._exact.tags(weights[self._rows]).to(tags.dtype)
        return tags

    def expected_moves(self, weights: Tensor) -> Tensor:
        """Expected number [k + 1, k + 1] of each move in a sentence, times weights [b], added up."""
        moves = self._scaled.expected_moves(weights)
        if self._exact is not None:
            moves += self._exact.expected_moves(weights[self._rows]).to(moves.dtype)
        return moves

    def messages(self) -> tuple[Tensor, Tensor]:
        """What comes to each position, and what comes after it: two [b, t, k + 1].

        The first holds, for each tag before the position, the logarithm of the sum over all that leads to
        it; the second, for each tag after the position, over all that follows it; both with that tag's
        emission, and up to a constant at each position.
        """
        alpha = self._scaled.alpha[:-1].transpose(0, 1).log()
        gamma = self._scaled.gamma[1:].transpose(0, 1).log()
        if self._exact is not None:
            alpha[self._rows] = _centred(self._exact.alpha[:-1]).to(alpha.dtype)
            gamma[self._rows] = _centred(self._exact.gamma[1:]).to(gamma.dtype)
        return alpha, gamma


def _centred(sums: Tensor) -> Tensor:
    """Logarithms [t, b, k + 1] as [b, t, k + 1], less the largest at each position: float32 can hold them."""
    return (sums - sums.amax(-1, keepdim=True)).transpose(0, 1)


class _Scaled:
    """In scaled probability space; `sound` [b] says for which sentences that is good enough.

    What underflows is below the smallest normal number, and the numbers grow by less than k + 1 a step.
    So a sentence is sound if the mass of all its sequences, in the very numbers computed with, is larger
    than that by (k + 1) a step and 1 / eps at every position: then the relative error of an underflow is
    below eps.

    alpha, gamma: [t + 1, b, k + 1], time first; alpha from the edge before the first position on, gamma
    from the first position to the edge after the last. mass, total: the mass of all sequences through a tag,
    and of all, from the edge before the first position to the last position.
    """

    def __init__(self, emissions: Tensor, pad: Tensor, moves: Tensor) -> None:
        b, t, k = emissions.shape
        self.step = moves.exp()
        edge = emissions.new_zeros(k + 1)
        edge[-1] = 1
        weights = emissions.new_zeros(t, 2, b, k + 1)
        weights[:, 0, :, :-1] = emissions.exp().transpose(0, 1)
        weights[:, 0][pad.T] = edge
        weights[:, 1] = weights[:, 0].flip(0)
        sums, norms = _run(edge.expand(2, b, k + 1), torch.stack([self.step, self.step.T]), weights)
        self.alpha, self.gamma = sums[:, 0], sums[:, 1].flip(0)
        self.mass = (self.gamma.view(-1, k + 1) @ self.step.T).view(self.alpha.shape).mul_(self.alpha)
        self.total = self.mass.sum(-1)  # [t + 1, b]
        info = torch.finfo(emissions.dtype)
        self.sound = self.total.amin(0) > info.tiny / info.eps * (k + 1.0) ** (_NORMALISE_EVERY + 1)
        self.log_z = torch.cat([self.total[:1], norms]).log().sum(0, dtype=torch.float64)

    def forget(self, rows: Tensor) -> None:
        """Leave sentences out of the sums: theirs may hold NaN."""
        self.alpha[:, rows], self.gamma[:, rows], self.total[:, rows] = 0, 0, 1

    def tags(self, weights: Tensor) -> Tensor:
        share = (weights / self.total[1:])[:, :, None]
        return (self.mass[1:, :, :-1] * share).transpose(0, 1)

    def expected_moves(self, weights: Tensor) -> Tensor:
        share = (weights / self.total)[:, :, None]
        return ((self.alpha * share).flatten(0, 1).T @ self.gamma.flatten(0, 1)).mul_(self.step)


def _run(edge: Tensor, steps: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Left to right, and back: edge [2, b, k + 1], steps [2, k + 1, k + 1], weights [t, 2, b, k + 1].

    Returns what has come together at each tag [t + 1, 2, b, k + 1] and the norms of the way back [*, b].
    """
    here = edge
    sums, norms = [here], [edge[1:, :, -1]]
    for i, weight in enumerate(weights.unbind(), start=1):
        if i % _NORMALISE_EVERY == 0:
            norm = here.sum(-1, keepdim=True)
            norms.append(norm[1:, :, 0])
            here = here / norm
        here = torch.bmm(here, steps).mul_(weight)
        sums.append(here)
    return torch.stack(sums), torch.cat(norms)


class _Logarithmic:
    """The same with logarithms in float64: slow, and right for any finite scores. All sums are logarithms."""

    def __init__(self, emissions: Tensor, pad: Tensor, moves: Tensor) -> None:
        b, t, k = emissions.shape
        self.moves = moves.double()
        weights = self.moves.new_full((t, b, k + 1), -torch.inf)
        weights[:, :, :-1] = emissions.transpose(0, 1)
        edge = torch.full_like(weights[0], -torch.inf)
        edge[:, -1] = 0
        weights[pad.T] = edge[0]
        alpha, gamma = [edge], [edge]
        for weight in weights:
            alpha.append((alpha[-1][:, :, None] + self.moves).logsumexp(1) + weight)
        for weight in weights.flip(0):
            gamma.append((gamma[-1][:, None] + self.moves).logsumexp(2) + weight)
        self.alpha, self.gamma = torch.stack(alpha), torch.stack(gamma).flip(0)
        self.log_z = (self.alpha[-1] + self.moves[:, -1]).logsumexp(1)
        if self.log_z.isneginf().any():
            n = int((~pad).sum(1)[self.log_z.isneginf()][0])
            raise ValueError(f"no sequence of {n} tags is legal, or none has a finite score")

    def tags(self, weights: Tensor) -> Tensor:
        after = torch.stack([(gamma[:, None] + self.moves).logsumexp(2) for gamma in self.gamma[1:]])
        tags = (self.alpha[1:] + after - self.log_z[:, None]).exp() * weights[:, None]
        return tags[:, :, :-1].transpose(0, 1)

    def expected_moves(self, weights: Tensor) -> Tensor:
        expected = torch.zeros_like(self.moves)
        for alpha, gamma in zip(self.alpha, self.gamma, strict=True):
            scores = alpha[:, :, None] + self.moves + gamma[:, None] - self.log_z[:, None, None]
            expected += (scores.exp() * weights[:, None, None]).sum(0)
        return expected

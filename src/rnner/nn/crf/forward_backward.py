"""Forward-backward over a linear chain of tags: the sums that `crf.py` is made of.

Letters: b sentences, t positions, k tags. The edge of a sentence counts as one more tag, with index k,
before the first position and from the first position after the last. So the scores of all moves are one
matrix, moves [k + 1, k + 1]: from tag i to tag j; row k what a sentence begins with, column k what it
ends with; [k, k] is not used. An illegal move has the score -inf. A sequence y of n tags has the score

    sum_i e_i[y_i] + sum_i moves[y_i, y_i+1],  y_0 = y_n+1 = k

with emissions e, and the probability exp(score) / Z, Z summing over all sequences.

The sums run in scaled probability space (Rabiner 1989): with the exponentials of all scores, relative to
the largest, a step is one small matrix product, and a normaliser keeps the numbers in range. What this loses
by underflow is known afterwards, because the mass of all sequences is seen at every position; the rare
sentence whose mass is too small for the dtype is done again with logarithms, in float64.

Inside, time comes first, and a sentence has a place more at either end: [t + 2, b, k + 1]. The edge stands
there and in the padding.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

_NORMALISE_EVERY = 4  # steps; more often costs time, less often room for improbable sentences


def padding(x: Tensor, lengths: Tensor) -> Tensor:
    """Which positions [b, t] of x [b, t, ...] are padding."""
    return torch.arange(x.shape[1], device=x.device) >= lengths[:, None]


class TagPath(NamedTuple):
    """A sequence of tags from edge to edge: tags [t + 2, b]; moves [t + 1, b], places in the flat matrix."""

    tags: Tensor
    moves: Tensor


class ForwardBackward:
    """The posterior of tag sequences: emissions [b, t, k], lengths [b], moves [k + 1, k + 1], one dtype.

    Keeps no autograd graph: to be made without one. Raises ValueError where no sequence of a sentence's
    length is legal.

    Attributes:
        peak: [], the largest of the moves.
        moves: [k + 1, k + 1], less the largest, and 0 from edge to edge.
        log_z: [b] float64, for these moves and for emissions less their log-sum-exp at each position.
    """

    def __init__(self, emissions: Tensor, lengths: Tensor, moves: Tensor) -> None:
        b, t, k = emissions.shape
        self._scores = F.pad(emissions.reshape(-1, k).log_softmax(-1), (0, 1, 0, 1), value=-torch.inf)
        self._scores[-1, -1] = 0  # [b * t + 1, k + 1]: a row for each position, and one for the edge
        self._rows = _rows(lengths, t)
        self.peak, self.moves = _relative(moves)
        there_and_back = torch.stack([self._rows, self._rows.flip(0)], dim=1)  # [t + 2, 2, b]
        weights = self._scores.exp().index_select(0, there_and_back.view(-1))
        self._scaled = _Scaled(weights.view(t + 2, 2, b, k + 1), self.moves.exp())
        self.log_z = self._scaled.log_z
        self._exact: _Logarithmic | None = None
        if not self._scaled.total.amin().item() > self._scaled.least:  # NaN is not sound either
            self._redo()

    def _redo(self) -> None:
        if self.peak.isneginf():
            raise ValueError("no move is legal")
        self._which = (~(self._scaled.total.amin(0) > self._scaled.least)).nonzero()[:, 0]
        self._exact = _Logarithmic(self._scores[self._rows[:, self._which]], self.moves)
        self._scaled.forget(self._which)
        self.log_z[self._which] = self._exact.log_z

    def path(self, tags: Tensor) -> TagPath:
        """The tags [b, t] of sentences from edge to edge."""
        width = len(self.moves)
        path = F.pad(tags.reshape(-1), (0, 1), value=width - 1).take(self._rows)
        return TagPath(path, path[:-1] * width + path[1:])

    def score(self, path: TagPath) -> Tensor:
        """Score [b] (float64) of a path, relative as log_z is."""
        emitted = self._scores.take(self._rows * len(self.moves) + path.tags)
        return torch.cat([emitted, self.moves.take(path.moves)]).sum(0, dtype=torch.float64)

    def tags(self) -> Tensor:
        """Probability [t, b, k + 1] of each tag at each position."""
        tags = self._scaled.tags()
        if self._exact is not None:
            tags[:, self._which] = self._exact.tags().to(tags.dtype)
        return tags

    def expected_moves(self) -> Tensor:
        """Expected number [k + 1, k + 1] of each move in all sentences together."""
        moves = self._scaled.expected_moves()
        if self._exact is not None:
            moves += self._exact.expected_moves().to(moves.dtype)
        return moves

    def gradients(self, path: TagPath) -> tuple[Tensor, Tensor]:
        """Of log Z less the score of the path, over all sentences: what is expected, less what the path has.

        In the emissions [b, t, k], and in the moves [k + 1, k + 1]. To be asked for last: it takes the memory
        of the probabilities.
        """
        tags = self.tags().scatter_(2, path.tags[1:-1, :, None], -1, reduce="add")
        moves = torch.zeros_like(self.moves)  # counted apart from the sums: whole numbers, in any order
        moves.view(-1).scatter_(0, path.moves.view(-1), -1, reduce="add")
        moves += self.expected_moves()
        moves[-1, -1] = 0
        return tags[:, :, :-1].transpose(0, 1), moves

    def before(self, position: Tensor, row: Tensor) -> Tensor:
        """What comes to n positions [n] of sentences [n]: [n, k + 1].

        For each tag before the position, the logarithm of the sum over all that leads to it, with that tag's
        emission, and up to a constant.
        """
        alpha = self._scaled.alpha[position, row].log()
        return alpha if self._exact is None else self._corrected(alpha, self._exact.alpha, position, row)

    def after(self, position: Tensor, row: Tensor) -> Tensor:
        """The same for each tag after the positions, over all that follows it."""
        gamma = self._scaled.gamma[position + 1, row].log()
        return gamma if self._exact is None else self._corrected(gamma, self._exact.gamma, position + 2, row)

    def _corrected(self, logs: Tensor, exact: Tensor, place: Tensor, row: Tensor) -> Tensor:
        """The logarithms [n, k + 1] of places [n], replaced where the sentence was done again."""
        again, which = (row[:, None] == self._which).nonzero(as_tuple=True)
        logs[again] = _centred(exact[place[again], which]).to(logs.dtype)
        return logs


def _rows(lengths: Tensor, t: int) -> Tensor:
    """The row of the scores that stands at each place [t + 2, b]: a position's, or the last, the edge's."""
    edge = len(lengths) * t
    rows = torch.arange(-1, edge + 1, device=lengths.device).as_strided((t + 2, len(lengths)), (1, t))
    rows = rows.masked_fill(rows[:, :1] >= lengths, edge)
    rows[0] = edge
    return rows


def _relative(moves: Tensor) -> tuple[Tensor, Tensor]:
    """The largest of the moves, and all less the largest, from edge to edge 0."""
    peak = moves.max()
    relative = moves - peak
    relative[-1, -1] = 0
    return peak, relative


def _centred(sums: Tensor) -> Tensor:
    """Logarithms [..., k + 1], less the largest of each row: float32 can hold them."""
    return sums - sums.amax(-1, keepdim=True)


class _Scaled:
    """In scaled probability space; sound for the sentences whose mass is above `least` everywhere.

    The weights sum to 1 at each position and no move has more than 1, so the sums only shrink between two
    norms, and what underflows at a position, below the smallest normal number `tiny` a product, never gains
    weight. Where the mass of all sequences, in the very numbers computed with, is above (k + 1) tiny / eps at
    every position, the relative error by underflow is about eps a position.

    Args:
        weights: [t + 2, 2, b, k + 1], exponentials of the scores, there and back. Become the sums.
        step: [k + 1, k + 1], exponentials of the moves.

    Attributes:
        alpha, gamma: [t + 1, b, k + 1]. All that leads to a tag, with the tag itself, at all places but the
            last; all that follows, with the tag itself, at all places but the first.
        mass: [t + 1, b, k + 1], of all sequences through a tag, at all places but the last.
        total: [t + 1, b], of all sequences; alpha and mass are divided by it, so that the mass becomes the
            probability, and alpha times a move times gamma that of the move.
        log_z: [b] float64.
    """

    def __init__(self, weights: Tensor, step: Tensor) -> None:
        self.log_z = _sweep(weights, torch.stack([step, step.T])).log().sum(0, dtype=torch.float64)
        self.step, self.alpha, self.gamma = step, weights[:-1, 0], weights[:, 1].flip(0)[1:]
        self.mass = _product(self.gamma.flatten(0, 1), step.T).view(self.alpha.shape).mul_(self.alpha)
        self.total = self.mass.sum(-1)
        info = torch.finfo(step.dtype)
        self.least = len(step) * info.tiny / info.eps
        share = self.total.reciprocal()[:, :, None]
        self.alpha.mul_(share)
        self.mass.mul_(share)

    def forget(self, which: Tensor) -> None:
        """Leave sentences out of the sums: theirs may hold NaN."""
        self.alpha[:, which], self.gamma[:, which] = 0, 0

    def tags(self) -> Tensor:
        return self.mass[1:]

    def expected_moves(self) -> Tensor:
        return _product(self.alpha.flatten(0, 1).T, self.gamma.flatten(0, 1)).mul_(self.step)


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Matrix product in the precision given: autocast leaves alone what has its memory already."""
    return torch.mm(a, b, out=a.new_empty(len(a), b.shape[1]))


def _sweep(weights: Tensor, steps: Tensor) -> Tensor:
    """Turn weights [t + 2, 2, b, k + 1] into sums, there and back at once, by steps [2, k + 1, k + 1].

    Returns factors [n, b] of the mass of all sequences.
    """
    here, *others = weights.unbind()
    came, factors = torch.empty_like(here), []
    for i, weight in enumerate(others, start=1):
        here = weight.mul_(torch.bmm(here, steps, out=came))
        if i % _NORMALISE_EVERY == 0:
            factors.append(here.sum(-1, keepdim=True))
            here.div_(factors[-1])
    factors.append(here.sum(-1, keepdim=True))
    return torch.stack(factors)[:, 0, :, 0]


class _Logarithmic:
    """The same with logarithms in float64: slow, and right for any finite scores. All sums are logarithms.

    Args: weights [t + 2, b, k + 1]; moves [k + 1, k + 1]. Attributes alpha, gamma [t + 2, b, k + 1].
    """

    def __init__(self, weights: Tensor, moves: Tensor) -> None:
        first, *others = weights.double().unbind()
        self.moves = moves.double()
        alpha, gamma = [first], [first]
        for weight in others:
            alpha.append((alpha[-1][:, :, None] + self.moves).logsumexp(1) + weight)
        for weight in (first, *others)[-2::-1]:
            gamma.append((gamma[-1][:, None] + self.moves).logsumexp(2) + weight)
        self.alpha, self.gamma = torch.stack(alpha), torch.stack(gamma).flip(0)
        self.log_z = self.alpha[-1, :, -1]
        if self.log_z.isneginf().any():
            n = int((weights[:, :, -1] != 0).sum(0)[self.log_z.isneginf()][0])
            raise ValueError(f"no sequence of {n} tags is legal, or none has a finite score")

    def tags(self) -> Tensor:
        after = torch.stack([(gamma[:, None] + self.moves).logsumexp(2) for gamma in self.gamma[2:]])
        return (self.alpha[1:-1] + after - self.log_z[:, None]).exp()

    def expected_moves(self) -> Tensor:
        expected = torch.zeros_like(self.moves)
        for alpha, gamma in zip(self.alpha[:-1], self.gamma[1:], strict=True):
            scores = alpha[:, :, None] + self.moves + gamma[:, None] - self.log_z[:, None, None]
            expected += scores.exp().sum(0)
        return expected

"""Linear-chain conditional random field (Lafferty et al. 2001): probabilities of tag sequences.

Letters: b sentences, t positions, k tags. The scores of the moves between tags are one matrix, moves
[k + 1, k + 1], whose last row and column are the edge of the sentence; illegal moves are -inf. That, and
how the sums over all sequences are had, is told in `forward_backward.py`; the best sequences are in
`viterbi.py`. Everything is computed in the more precise of the dtypes of emissions and moves.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from rnner.nn.forward_backward import ForwardBackward


def join(start: Tensor, step: Tensor, end: Tensor) -> Tensor:
    """One matrix moves [k + 1, k + 1], of start [k], step [k, k] (from, to) and end [k]: scores, or bool."""
    moves = F.pad(step, (0, 1, 0, 1))
    moves[-1, :-1], moves[:-1, -1] = start, end
    return moves


def log_partition(emissions: Tensor, lengths: Tensor, moves: Tensor) -> Tensor:
    """The logarithm of Z of each sentence [b], for emissions [b, t, k].

    Not differentiable (`log_likelihood` is). Raises ValueError where no sequence of a sentence's length is
    legal.
    """
    with torch.no_grad():
        posterior = ForwardBackward(*_alike(emissions, lengths, moves))
        peaks = emissions.amax(-1).masked_fill(posterior.pad, 0).sum(1, dtype=torch.float64)
        log_z = posterior.log_z + peaks + posterior.peak.double() * (lengths + 1)
        return log_z.to(posterior.emissions.dtype)


def log_likelihood(emissions: Tensor, tags: Tensor, lengths: Tensor, moves: Tensor) -> Tensor:
    """Log-probability [b] of the sequences `tags` [b, t] (int64), for emissions [b, t, k].

    Differentiable once, in the emissions and the moves; the gradient is written out: what the tags do,
    minus what is expected. -inf for an illegal sequence. Raises ValueError where no sequence of a
    sentence's length is legal.
    """
    emissions, lengths, moves = _alike(emissions, lengths, moves)
    result: Tensor = _LogLikelihood.apply(emissions, tags, lengths, moves)  # type: ignore[no-untyped-call]
    return result


def marginals(emissions: Tensor, lengths: Tensor, moves: Tensor) -> Tensor:
    """Probability [b, t, k] of each tag at each position given the whole sentence; 0 in the padding.

    Not differentiable. Raises ValueError where no sequence of a sentence's length is legal.
    """
    with torch.no_grad():
        posterior = ForwardBackward(*_alike(emissions, lengths, moves))
        return posterior.tags(posterior.emissions.new_ones(len(lengths)))


def span_probabilities(
    emissions: Tensor, lengths: Tensor, moves: Tensor, *, path: Tensor, spans: Tensor, boundary: Tensor
) -> Tensor:
    """Exact probability [n] that a sentence contains precisely these spans, tagged as in `path`.

    That is the probability of all legal sequences that agree with the path on the span and have a
    boundary on both sides of it. By the Markov property it is a product of local conditional
    probabilities: P(first tag), P(boundary before | first tag), P(next tag | tag before it) for each,
    P(boundary after | last tag). Nothing cancels, however long the sentence.

    Args:
        emissions: [b, t, k].
        lengths: [b] int64.
        moves: [k + 1, k + 1].
        path: [b, t] int64, the tags the spans were read off from.
        spans: [n, 3] int64, (row, start, end), positions half-open.
        boundary: [k, k] bool, whether nothing goes on from a tag (first index) to the next. The edges of a
            sentence always are boundaries.

    Not differentiable. Raises ValueError where no sequence of a sentence's length is legal.
    """
    with torch.no_grad():
        emissions, lengths, moves = _alike(emissions, lengths, moves)
        posterior = ForwardBackward(emissions, lengths, moves)
        boundary = F.pad(boundary, (0, 1, 0, 1), value=True)
        alpha, gamma = posterior.messages()
        # P(previous tag | path's tag) and P(next tag | path's tag) [b, t, k + 1]; of the path itself [b, t]
        before = _normalised(alpha + posterior.moves.T[path])
        after = _normalised(gamma + posterior.moves[path])
        opens = (before * boundary.T[path]).sum(-1)
        closes = (after * boundary[path]).sum(-1)
        follows = after[:, :-1].gather(2, path[:, 1:, None])[:, :, 0]  # [b, t - 1]
        tags = posterior.tags(emissions.new_ones(len(path)))
        row, start, end = spans.unbind(1)
        position = torch.arange(path.shape[1] - 1, device=path.device)
        inner = (position >= start[:, None]) & (position < end[:, None] - 1)  # [n, t - 1]
        inside = follows[row].masked_fill(~inner, 1).prod(1)
        return tags[row, start, path[row, start]] * opens[row, start] * inside * closes[row, end - 1]


def _normalised(scores: Tensor) -> Tensor:
    """Softmax over the last dimension; zeros where all scores are -inf."""
    return scores.softmax(-1).nan_to_num(0.0)


def _alike(emissions: Tensor, lengths: Tensor, moves: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same, emissions and moves in the more precise of their dtypes."""
    dtype = torch.promote_types(emissions.dtype, moves.dtype)
    return emissions.to(dtype), lengths, moves.to(dtype)


class _LogLikelihood(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, emissions: Tensor, tags: Tensor, lengths: Tensor, moves: Tensor) -> Tensor:
        with torch.autocast(emissions.device.type, enabled=False):
            posterior = ForwardBackward(emissions, lengths, moves)
        k, pad = emissions.shape[2], posterior.pad
        # Scores relative to their largest, as log Z is: the sums stay small however long the sentence.
        path = F.pad(tags.masked_fill(pad, k), (1, 1), value=k)
        taken = path[:, :-1] * (k + 1) + path[:, 1:]  # [b, t + 1], places in the matrix
        emitted = posterior.emissions.gather(2, tags[:, :, None])[:, :, 0].masked_fill_(pad, 0)
        score = emitted.sum(1, dtype=torch.float64) + posterior.moves.take(taken).sum(1, dtype=torch.float64)
        ctx.posterior = posterior  # none of its tensors is an input or the output: no cycle
        ctx.save_for_backward(tags, taken)
        return (score - posterior.log_z).to(emissions.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        tags, taken = ctx.saved_tensors
        posterior: ForwardBackward = ctx.posterior
        with torch.autocast(grad.device.type, enabled=False):
            emissions, moves = posterior.tags(-grad), posterior.expected_moves(-grad)
        weights = grad[:, None].masked_fill(posterior.pad, 0)
        emissions.scatter_add_(2, tags[:, :, None], weights[:, :, None])
        moves.view(-1).scatter_add_(0, taken.flatten(), grad[:, None].expand(taken.shape).flatten())
        moves[-1, -1] = 0
        return emissions, None, None, moves

"""Marginal probabilities of tags and of spans in a linear-chain CRF."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from rnner.nn.crf.forward_backward import ForwardBackward
from rnner.nn.crf.loss import _alike


def marginals(emissions: Tensor, lengths: Tensor, moves: Tensor) -> Tensor:
    """Probability [b, t, k] of each tag at each position given the whole sentence; 0 in the padding.

    Not differentiable. Raises ValueError where no sequence of a sentence's length is legal.
    """
    with torch.no_grad():
        emissions, lengths, moves = _alike(emissions, lengths, moves)
        posterior = ForwardBackward(emissions, lengths, moves)
        return posterior.tags()[:, :, :-1].transpose(0, 1)


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

    Not differentiable. Raises ValueError where no sequence is legal for a sentence that has a span.
    """
    with torch.no_grad():
        emissions, lengths, moves = _alike(emissions, lengths, moves)
        if not len(spans):
            return emissions.new_zeros(0)
        row, start, end = spans.unbind(1)
        asked, row = torch.unique(row, return_inverse=True)  # of a text, most sentences may have no span
        emissions, lengths, path = (tensor.index_select(0, asked) for tensor in (emissions, lengths, path))
        posterior = ForwardBackward(emissions, lengths, moves)
        boundary = F.pad(boundary, (0, 1, 0, 1), value=True)
        first = path[row, start]
        before = _normalised(
            posterior.before(start, row) + posterior.moves.T[first]
        )  # P(tag before | first) [n, k + 1]
        opens = (before * boundary.T[first]).sum(-1)
        # The positions [m] of all spans, and what goes on from each.
        position = torch.arange(path.shape[1], device=path.device)
        inside = (position >= start[:, None]) & (position < end[:, None])  # [n, t]
        span, at = inside.nonzero().unbind(1)
        tag, following = path[row[span], at], F.pad(path, (0, 1))[row[span], at + 1]
        after = _normalised(
            posterior.after(at, row[span]) + posterior.moves[tag]
        )  # P(tag after | tag) [m, k + 1]
        stays = after.gather(1, following[:, None])[:, 0]
        closes = (after * boundary[tag]).sum(-1)
        onward = torch.where(at == end[span] - 1, closes, stays)
        along = torch.ones_like(inside, dtype=onward.dtype).masked_scatter_(inside, onward).prod(1)
        return posterior.tags()[start, row, first] * opens * along


def _normalised(scores: Tensor) -> Tensor:
    """Softmax over the last dimension; zeros where all scores are -inf."""
    return scores.softmax(-1).nan_to_num(0.0)

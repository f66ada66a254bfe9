"""Marginal probabilities of tags and of spans in a linear-chain CRF, from the forward-backward sums.

For the notation and the transition matrix, see `rnner.nn.crf.transitions`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from rnner.nn.crf.forward_backward import ForwardBackward


def marginals(emissions: Tensor, lengths: Tensor, transitions: Tensor) -> Tensor:
    """Return the probability `[b, t, k]` of each tag at each position given the sentence; 0 in the padding.

    Not differentiable. Raises ValueError if a sentence has no legal tag sequence.
    """
    with torch.no_grad():
        posterior = ForwardBackward(emissions, lengths, transitions)
        return posterior.tag_probabilities()[:, :, :-1].transpose(0, 1)


def span_probabilities(
    emissions: Tensor, lengths: Tensor, transitions: Tensor, *, tags: Tensor, spans: Tensor, boundary: Tensor
) -> Tensor:
    """Return the exact probability `[n]` that a sentence contains each of n spans, tagged as in `tags`.

    That is the total probability of legal sequences with these tags on the span and a boundary on either
    side of it. By the Markov property it is a product of local conditional probabilities: P(first tag),
    P(boundary before | first tag), P(next tag | tag) for each position, P(boundary after | last tag). No
    differences are taken, so no precision is lost, however long the sentence.

    Args:
        emissions: `[b, t, k]`.
        lengths: `[b]` int64.
        transitions: `[k + 1, k + 1]`.
        tags: `[b, t]` int64, the tags from which the spans were read.
        spans: `[n, 3]` int64, (row, start, end), with half-open positions.
        boundary: `[k, k]` bool, True where no entity continues from one tag (first index) to the next. The
            edges of a sentence are always boundaries.

    Not differentiable. Raises ValueError if a sentence with a span has no legal tag sequence.
    """
    with torch.no_grad():
        if not len(spans):
            return emissions.new_zeros(0, dtype=torch.promote_types(emissions.dtype, transitions.dtype))
        row, start, end = spans.unbind(1)
        used, row = torch.unique(row, return_inverse=True)  # most sentences of a text may have no span
        emissions, lengths, tags = (tensor.index_select(0, used) for tensor in (emissions, lengths, tags))
        posterior = ForwardBackward(emissions, lengths, transitions)
        boundary = F.pad(boundary, (0, 1, 0, 1), value=True)
        first = tags[row, start]
        # P(tag before | first tag): [n, k + 1].
        before = _softmax(posterior.log_forward(start, row) + posterior.transitions.T[first])
        opens = (before * boundary.T[first]).sum(-1)
        # The m positions of all spans, and P(tag after | tag) for each: [m, k + 1].
        position = torch.arange(tags.shape[1], device=tags.device)
        inside = (position >= start[:, None]) & (position < end[:, None])  # [n, t]
        span, at = inside.nonzero().unbind(1)
        tag, following = tags[row[span], at], F.pad(tags, (0, 1))[row[span], at + 1]
        after = _softmax(posterior.log_backward(at, row[span]) + posterior.transitions[tag])
        continues = after.gather(1, following[:, None])[:, 0]
        closes = (after * boundary[tag]).sum(-1)
        onward = torch.where(at == end[span] - 1, closes, continues)
        along = torch.ones_like(inside, dtype=onward.dtype).masked_scatter_(inside, onward).prod(1)
        return posterior.tag_probabilities()[start, row, first] * opens * along


def _softmax(scores: Tensor) -> Tensor:
    """Return the softmax over the last dimension, with zeros where all scores are -inf."""
    return scores.softmax(-1).nan_to_num(0.0)

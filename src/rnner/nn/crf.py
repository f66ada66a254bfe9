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
from torch.nn import functional as F

from rnner.nn.forward_backward import ForwardBackward, padding

_INSTEAD = "use autograd over a logsumexp loop instead (textbook_loss in scripts/bench_crf.py is one)"


def join(start: Tensor, step: Tensor, end: Tensor) -> Tensor:
    """One matrix moves [k + 1, k + 1], of start [k], step [k, k] (from, to) and end [k]: scores, or bool."""
    moves = F.pad(step, (0, 1, 0, 1))
    moves[-1, :-1], moves[:-1, -1] = start, end
    return moves


def log_partition(emissions: Tensor, lengths: Tensor, moves: Tensor) -> Tensor:
    """The logarithm of Z of each sentence [b], for emissions [b, t, k].

    Not differentiable (`loss` is). Raises ValueError where no sequence of a sentence's length is
    legal.
    """
    with torch.no_grad():
        emissions, lengths, moves = _alike(emissions, lengths, moves)
        posterior = ForwardBackward(emissions, lengths, moves)
        shift = emissions.double().logsumexp(-1).masked_fill_(padding(emissions, lengths), 0).sum(1)
        return (posterior.log_z + shift + posterior.peak.double() * (lengths + 1)).to(emissions.dtype)


def log_likelihood(emissions: Tensor, tags: Tensor, lengths: Tensor, moves: Tensor) -> Tensor:
    """Log-probability [b] of the sequences `tags` [b, t] (int64), for emissions [b, t, k].

    -inf for an illegal sequence. Not differentiable (`loss` is). Raises ValueError where no sequence of a
    sentence's length is legal.
    """
    with torch.no_grad():
        emissions, lengths, moves = _alike(emissions, lengths, moves)
        posterior = ForwardBackward(emissions, lengths, moves)
        return (posterior.score(posterior.path(tags)) - posterior.log_z).to(emissions.dtype)


def loss(emissions: Tensor, tags: Tensor, lengths: Tensor, moves: Tensor) -> Tensor:
    """Negative log-likelihood of the sequences `tags` [b, t] (int64), mean over sentences: a scalar.

    For emissions [b, t, k]. inf if a sequence is illegal. The gradient is written out: what is expected, less
    what the tags have.

    Raises ValueError where no sequence of a sentence's length is legal; RuntimeError for second derivatives
    and under torch.func, which need every step: let autograd go through the textbook's loop over logsumexp
    there (`textbook_loss` in scripts/bench_crf.py).
    """
    if torch._C._are_functorch_transforms_active():
        raise RuntimeError(f"torch.func cannot see into the CRF's loss; {_INSTEAD}")
    result: Tensor = _Loss.apply(*_alike(emissions, lengths, moves), tags)  # type: ignore[no-untyped-call]
    return result


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


def _alike(emissions: Tensor, lengths: Tensor, moves: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same, emissions and moves in the more precise of their dtypes."""
    dtype = torch.promote_types(emissions.dtype, moves.dtype)
    return emissions.to(dtype), lengths, moves.to(dtype)


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, emissions: Tensor, lengths: Tensor, moves: Tensor, tags: Tensor) -> Tensor:
        # Most of the time goes into starting a hundred small operations: without autograd's bookkeeping for
        # each they start sooner. What leaves, leaves as a copy.
        with torch.inference_mode():
            posterior = ForwardBackward(emissions, lengths, moves)
            path = posterior.path(tags)
            mean = (posterior.log_z - posterior.score(path)).mean()
            if any(ctx.needs_input_grad):
                ctx.gradients = posterior.gradients(path)
        return mean.to(emissions.dtype, copy=True)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError(f"the CRF's gradient cannot be differentiated again; {_INSTEAD}")
        emissions, moves = ctx.gradients
        weight = grad / len(emissions)
        return emissions * weight, None, moves * weight, None

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

from rnner.nn.crf.forward_backward import ForwardBackward, padding

_INSTEAD = "use autograd over a logsumexp loop instead (textbook_loss in scripts/bench_crf.py is one)"


def join_moves(start: Tensor, step: Tensor, end: Tensor) -> Tensor:
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

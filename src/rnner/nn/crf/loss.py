"""The loss of a linear-chain conditional random field (Lafferty et al. 2001), and log-likelihoods.

For the notation and the transition matrix, see `rnner.nn.crf.transitions`; the sums over all sequences are in
`rnner.nn.crf.forward_backward`. Everything is computed in the dtype of the emissions or of the
transitions, whichever is more precise.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from rnner.nn.crf.forward_backward import ForwardBackward
from rnner.nn.padding import padding_mask

_ALTERNATIVE = "use autograd over a logsumexp loop instead, such as textbook_loss in scripts/bench_crf.py"


def log_likelihood(emissions: Tensor, tags: Tensor, lengths: Tensor, transitions: Tensor) -> Tensor:
    """Return the log-probability `[b]` of the sequences `tags` `[b, t]` (int64), for emissions `[b, t, k]`.

    It is -inf for an illegal sequence, and not differentiable (`crf_loss` is). Raises ValueError if a
    sentence has no legal tag sequence.
    """
    with torch.no_grad():
        posterior = ForwardBackward(emissions, lengths, transitions)
        return (posterior.score(posterior.path(tags)) - posterior.log_z).to(posterior.peak.dtype)


def crf_loss(emissions: Tensor, tags: Tensor, lengths: Tensor, transitions: Tensor) -> Tensor:
    """Return the negative log-likelihood of `tags` `[b, t]` (int64), averaged over sentences: a scalar.

    The emissions are `[b, t, k]`. The loss is inf if a sequence is illegal. Its gradient is computed as
    expected counts minus the counts in `tags`.

    Raises ValueError if a sentence has no legal tag sequence, and RuntimeError for second derivatives
    and under torch.func: both would have to see every step.
    """
    _refuse_torch_func()
    return cast(Tensor, _CRFLoss.apply(emissions, tags, lengths, transitions))  # type: ignore[no-untyped-call]


def partial_crf_loss(emissions: Tensor, allowed: Tensor, lengths: Tensor, transitions: Tensor) -> Tensor:
    """Return the negative log-probability of the allowed sequences, averaged over sentences: a scalar.

    For partly annotated sentences: every legal sequence with an allowed tag at each position counts (Tsuboi
    et al. 2008). The loss of a sentence is log Z minus the same sum over the allowed sequences only. Its
    gradient is the expected counts minus those given that the sequence is allowed. With one allowed tag per
    position, it equals `crf_loss`.

    Args:
        emissions: `[b, t, k]`.
        allowed: `[b, t, k]` bool; ignored in the padding.
        lengths: `[b]` int64.
        transitions: `[k + 1, k + 1]`.

    Raises ValueError if no legal sequence of a sentence is allowed, and RuntimeError as `crf_loss` does.
    """
    _refuse_torch_func()
    return cast(Tensor, _PartialCRFLoss.apply(emissions, allowed, lengths, transitions))  # type: ignore[no-untyped-call]


def allowed_log_probabilities(emissions: Tensor, allowed: Tensor, lengths: Tensor) -> Tensor:
    """Return the log of the softmax probability `[b, t]` of the allowed tags; 0 in the padding.

    Arguments as for `partial_crf_loss`. Raises ValueError if a position within a sentence allows no tag.
    """
    padding = padding_mask(emissions, lengths)
    if (empty := ~(allowed.any(-1) | padding)).any():
        row, position = empty.nonzero()[0].tolist()
        raise ValueError(f"row {row} allows no tag at position {position}")
    unread = padding[:, :, None]
    shares = emissions.masked_fill(unread, 0).log_softmax(-1)
    shares = shares.masked_fill(~(allowed | unread), -torch.inf).logsumexp(-1)
    return shares.masked_fill(padding, 0)


def _refuse_torch_func() -> None:
    if torch._C._are_functorch_transforms_active():
        raise RuntimeError(f"the CRF loss does not support torch.func; {_ALTERNATIVE}")


class _CRFLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, emissions: Tensor, tags: Tensor, lengths: Tensor, transitions: Tensor) -> Tensor:
        # Most of the time goes into launching a hundred small operations, which is faster without autograd's
        # bookkeeping. Inference tensors must not be returned, so the result is a copy.
        with torch.inference_mode():
            posterior = ForwardBackward(emissions, lengths, transitions)
            path = posterior.path(tags)
            mean = (posterior.log_z - posterior.score(path)).mean()
            if any(ctx.needs_input_grad):
                ctx.gradients = posterior.gradients(path)
        return mean.to(posterior.peak.dtype, copy=True)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return _mean_gradients(ctx.gradients, grad)


class _PartialCRFLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, emissions: Tensor, allowed: Tensor, lengths: Tensor, transitions: Tensor) -> Tensor:
        with torch.inference_mode():
            emissions = emissions.to(torch.promote_types(emissions.dtype, transitions.dtype))
            shares = allowed_log_probabilities(emissions, allowed, lengths)
            free = ForwardBackward(emissions, lengths, transitions)
            kept = ForwardBackward(emissions.masked_fill(~allowed, -torch.inf), lengths, transitions)
            # Both sums are relative to the log-sum-exp of their own emissions; the shares are the difference.
            mean = (free.log_z - kept.log_z - shares.sum(1, dtype=torch.float64)).mean()
            if any(ctx.needs_input_grad):
                tags = (free.tag_probabilities() - kept.tag_probabilities())[:, :, :-1].transpose(0, 1)
                moves = free.expected_transitions() - kept.expected_transitions()
                moves[-1, -1] = 0
                ctx.gradients = tags, moves
        return mean.to(free.peak.dtype, copy=True)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return _mean_gradients(ctx.gradients, grad)


def _mean_gradients(gradients: tuple[Tensor, Tensor], grad: Tensor) -> tuple[Tensor | None, ...]:
    """Return the gradients of the mean over sentences, given those of the sum, for the four arguments."""
    if torch.is_grad_enabled():  # create_graph=True
        raise RuntimeError(f"the CRF loss does not support second derivatives; {_ALTERNATIVE}")
    emissions, transitions = gradients
    weight = grad / len(emissions)
    return emissions * weight, None, None, transitions * weight

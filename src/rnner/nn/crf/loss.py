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
    if torch._C._are_functorch_transforms_active():
        raise RuntimeError(f"the CRF loss does not support torch.func; {_ALTERNATIVE}")
    return cast(Tensor, _CRFLoss.apply(emissions, tags, lengths, transitions))  # type: ignore[no-untyped-call]


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
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError(f"the CRF loss does not support second derivatives; {_ALTERNATIVE}")
        emissions, transitions = ctx.gradients
        weight = grad / len(emissions)
        return emissions * weight, None, None, transitions * weight

"""Linear-chain conditional random field: sums over all tag sequences (Lafferty et al. 2001).

Letters: b sentences, t positions, k tags. A tag sequence y of a sentence with emissions e has the score

    start[y_1] + e_1[y_1] + sum_t (step[y_t-1, y_t] + e_t[y_t]) + end[y_n]

and the probability exp(score) / Z, Z summing over all sequences. An illegal move has the score -inf.

The sums run in scaled probability space (Rabiner 1989): with the exponentials of all scores, relative to
their maxima, a step of forward-backward is one small matrix product, and a normaliser a step keeps the numbers
in range. What this loses by underflow is known afterwards, because the mass of all sequences is seen at every
position; the rare sentence whose mass is too small for the dtype is done again with logarithms, in float64.

The best sequences, rather than the sums, are in `viterbi.py`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class Transitions(NamedTuple):
    """Scores of the moves between k tags, -inf where illegal; or whether each is allowed (bool)."""

    start: Tensor  # [k]
    step: Tensor  # [k, k], from the first index to the second
    end: Tensor  # [k]

    def constrained(self, allowed: Transitions) -> Transitions:
        """The same scores, with -inf wherever `allowed` (bool) is False."""
        return Transitions(*(x.masked_fill(~ok, -torch.inf) for x, ok in zip(self, allowed, strict=True)))


class _Posterior(NamedTuple):
    """What one run of forward-backward knows. Probabilities are 0 in the padding."""

    log_z: Tensor  # [b] float64
    nodes: Tensor  # [b, t, k] probability of each tag at each position
    pairs: Tensor  # [b, k, k] expected number of each move in the sentence
    forward: (
        Tensor  # [b, t, k] log of all that leads to a tag, its emission included, up to a term a position
    )
    backward: Tensor  # [b, t, k] log of a tag's emission and all that follows it, up to a term a position


def log_partition(emissions: Tensor, lengths: Tensor, transitions: Transitions) -> Tensor:
    """The logarithm of Z of each sentence [b], for emissions [b, t, k].

    Not differentiable (`log_likelihood` is). Raises ValueError where no sequence of a sentence's length is
    legal.
    """
    with torch.no_grad():
        emissions = emissions.to(transitions.step.dtype)
        peaks = emissions.amax(-1).masked_fill(padding(emissions, lengths), 0)
        log_z = _posterior(_below_zero(emissions), lengths, transitions).log_z
        return (log_z + peaks.sum(1, dtype=torch.float64)).to(emissions.dtype)


def log_likelihood(emissions: Tensor, tags: Tensor, lengths: Tensor, transitions: Transitions) -> Tensor:
    """Log-probability [b] of the sequences `tags` [b, t] (int64), for emissions [b, t, k].

    Differentiable once, in the emissions and the transitions; the gradient is written out: what the tags do,
    minus what is expected. -inf for an illegal sequence. Raises ValueError where no sequence of a sentence's
    length is legal.
    """
    emissions = emissions.to(transitions.step.dtype)
    result: Tensor = _LogLikelihood.apply(emissions, tags, lengths, *transitions)  # type: ignore[no-untyped-call]
    return result


def marginals(emissions: Tensor, lengths: Tensor, transitions: Transitions) -> Tensor:
    """Probability [b, t, k] of each tag at each position given the whole sentence; 0 in the padding.

    Not differentiable. Raises ValueError where no sequence of a sentence's length is legal.
    """
    with torch.no_grad():
        return _posterior(_below_zero(emissions.to(transitions.step.dtype)), lengths, transitions).nodes


def span_probabilities(
    emissions: Tensor,
    lengths: Tensor,
    transitions: Transitions,
    *,
    path: Tensor,
    spans: Tensor,
    boundary: Tensor,
) -> Tensor:
    """Exact probability [n] that a sentence contains precisely these spans, tagged as in `path`.

    That is the probability of all legal sequences that agree with the path on the span and have a boundary on
    both sides of it. By the Markov property it is a product of local conditional probabilities: P(first tag) ·
    P(boundary before | first tag) · P(each next tag | the tag before it) · P(boundary after | last tag). Nothing
    cancels, however long the sentence.

    Args:
        emissions: [b, t, k].
        lengths: [b] int64.
        transitions: scores of the moves.
        path: [b, t] int64, the tags the spans were read off from.
        spans: [n, 3] int64, (row, start, end), positions half-open.
        boundary: [k, k] bool, whether nothing goes on from a tag (first index) to the next. The edges of a
            sentence always are boundaries.

    Not differentiable. Raises ValueError where no sequence of a sentence's length is legal.
    """
    with torch.no_grad():
        emissions = emissions.to(transitions.step.dtype)
        posterior = _posterior(_below_zero(emissions), lengths, transitions)
        row, start, end = spans.unbind(1)
        before = _previous_tag(posterior.forward, path, transitions.step)  # [b, t-1, k]
        after = _next_tag(posterior.backward, path, transitions.step)  # [b, t-1, k]
        opens = (before * boundary.T[path[:, 1:]]).sum(-1)  # [b, t-1]: boundary before position 1, 2, ...
        closes = (after * boundary[path[:, :-1]]).sum(-1)  # [b, t-1]: boundary after position 0, 1, ...
        follows = after.gather(2, path[:, 1:, None])[:, :, 0]  # [b, t-1]: the path's next tag
        one = emissions.new_ones(len(path), 1)
        opens, closes, follows = (torch.cat(x, 1) for x in ([one, opens], [closes, one], [one, follows]))
        position = torch.arange(path.shape[1], device=path.device)
        inner = (position > start[:, None]) & (position < end[:, None])  # [n, t]
        first = posterior.nodes[row, start, path[row, start]]
        inside = follows[row].where(inner, one[0]).prod(1)
        is_last = end == lengths[row]
        return first * opens[row, start] * inside * closes[row, end - 1].where(~is_last, one[0])


def _previous_tag(forward: Tensor, path: Tensor, step: Tensor) -> Tensor:
    """P(previous tag | the path's tag) at positions 1, 2, ...: [b, t-1, k]; 0 for an impossible tag."""
    return (forward[:, :-1] + step.T[path[:, 1:]]).softmax(-1).nan_to_num(0.0)


def _next_tag(backward: Tensor, path: Tensor, step: Tensor) -> Tensor:
    """P(next tag | the path's tag) at positions 0, 1, ...: [b, t-1, k]; 0 where there is none."""
    return (backward[:, 1:] + step[path[:, :-1]]).softmax(-1).nan_to_num(0.0)


class _LogLikelihood(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, emissions: Tensor, tags: Tensor, lengths: Tensor, start: Tensor, step: Tensor, end: Tensor
    ) -> Tensor:
        emissions = _below_zero(emissions)  # changes no probability, and keeps the sums small
        pad = padding(emissions, lengths)
        last = lengths[:, None] - 1
        _, nodes, pairs, _, _ = posterior = _posterior(emissions, lengths, Transitions(start, step, end))
        score = emissions.gather(2, tags[:, :, None])[:, :, 0].masked_fill(pad, 0).sum(1, dtype=torch.float64)
        score += step[tags[:, :-1], tags[:, 1:]].masked_fill(pad[:, 1:], 0).sum(1, dtype=torch.float64)
        score += start[tags[:, 0]] + end[tags.gather(1, last)[:, 0]]
        moves = tags[:, :-1] * len(step) + tags[:, 1:]
        nodes.neg_().scatter_add_(2, tags[:, :, None], (~pad)[:, :, None].to(nodes.dtype))
        pairs.neg_().flatten(1).scatter_add_(1, moves, (~pad)[:, 1:].to(pairs.dtype))
        ctx.save_for_backward(nodes, pairs, last)
        return (score - posterior.log_z).to(emissions.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        nodes, pairs, last = ctx.saved_tensors
        nodes = nodes * grad[:, None, None]
        at_end = nodes.take_along_dim(last[:, :, None], 1)
        return (
            nodes,
            None,
            None,
            nodes[:, 0].sum(0),
            torch.einsum("b,bij->ij", grad, pairs),
            at_end.sum((0, 1)),
        )


def _posterior(emissions: Tensor, lengths: Tensor, transitions: Transitions) -> _Posterior:
    """Forward-backward, for emissions whose largest at each position is 0."""
    posterior, sound = _scaled(emissions, lengths, transitions)
    rows = (~sound).nonzero()[:, 0]
    if len(rows):
        again = _logarithmic(
            emissions[rows].double(), lengths[rows], Transitions(*(x.double() for x in transitions))
        )
        if again.log_z.isneginf().any():
            n = int(lengths[rows][again.log_z.isneginf()][0])
            raise ValueError(f"no sequence of {n} tags is legal under these transitions")
        for whole, part in zip(posterior, again, strict=True):
            whole[rows] = part.to(whole.dtype)
    return posterior


def _scaled(emissions: Tensor, lengths: Tensor, transitions: Transitions) -> tuple[_Posterior, Tensor]:
    """Forward-backward in scaled probability space, and which sentences [b] it is sound for.

    None of the numbers computed with is above 1, and what underflows is below the smallest normal number. So a
    sentence is sound if the mass of all sequences, in the same numbers, is larger than that by 1 / eps^2 at
    every position: the relative error of an underflow is then below eps^2.
    """
    b, t, k = emissions.shape
    peaks = [x.max() for x in transitions]
    start, step, end = ((x - peak).exp() for x, peak in zip(transitions, peaks, strict=True))
    pad = padding(emissions, lengths)
    # Row [i] of the run from the right is the i-th position from the end. Past their ends both runs stay on a
    # token of the sentence: padding is never read.
    i, row = torch.arange(t, device=lengths.device)[:, None], torch.arange(b, device=lengths.device)
    ahead, back = torch.minimum(i, lengths - 1), (lengths - 1 - i).clamp(min=0)  # [t, b]
    rows = torch.stack([ahead, back], 1) + row * t  # [t, 2, b]
    weights = emissions.exp().reshape(b * t, k).index_select(0, rows.flatten()).view(t, 2, b, k)
    arriving, leaving, norms = _recur(
        torch.stack([start, end])[:, None], torch.stack([step, step.T]), weights
    )
    from_right = back.T * (2 * b) + b + row[:, None]  # [b, t], rows of [t * 2 * b]
    alpha = leaving[:, 0].transpose(0, 1).masked_fill(pad[:, :, None], 0)
    beta, gamma = (x.view(-1, k)[from_right].masked_fill(pad[:, :, None], 0) for x in (arriving, leaving))
    nodes = alpha * beta
    mass = nodes.sum(-1)  # [b, t]
    norm = norms[:, 0, :, 0].T.masked_fill(pad, 1)
    last = lengths[:, None] - 1
    log_z = norm.log().sum(1, dtype=torch.float64) + mass.gather(1, last)[:, 0].log()
    log_z += peaks[0] + peaks[1] * last[:, 0] + peaks[2]
    mass = mass.masked_fill(pad, 1)
    info = torch.finfo(nodes.dtype)
    sound = (mass * norm).amin(1) > info.tiny / info.eps**2
    nodes /= mass[:, :, None]
    pairs = (alpha[:, :-1] / mass[:, :-1, None]).transpose(1, 2) @ gamma[:, 1:] * step
    return _Posterior(log_z, nodes, pairs, alpha.log_(), gamma.log_()), sound


def _recur(first: Tensor, step: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Run both directions: first [2, 1, k], step [2, k, k], weights [t, 2, b, k].

    Returns what arrives at each tag [t, 2, b, k], the same times the weights and over its sum, and that sum
    [t, 2, b, 1].
    """
    arriving, leaving = torch.empty_like(weights), torch.empty_like(weights)
    norms = weights.new_empty(*weights.shape[:3], 1)
    arriving[0] = first
    here = None
    for before, weight, after, norm in zip(arriving, weights, leaving, norms, strict=True):
        if here is not None:
            torch.bmm(here, step, out=before)
        torch.mul(before, weight, out=after)
        torch.sum(after, -1, keepdim=True, out=norm)
        here = after.div_(norm)
    return arriving, leaving, norms


def _logarithmic(emissions: Tensor, lengths: Tensor, transitions: Transitions) -> _Posterior:
    """Forward-backward with logarithms: slow, and right for any finite scores."""
    start, step, end = transitions
    pad = padding(emissions, lengths)
    emissions = emissions.masked_fill(pad[:, :, None], 0)
    t = emissions.shape[1]
    is_last = (lengths[:, None] - 1 == torch.arange(t, device=lengths.device))[:, :, None]
    alpha, beta = torch.empty_like(emissions), torch.empty_like(emissions)
    alpha[:, 0] = start + emissions[:, 0]
    for i in range(1, t):
        alpha[:, i] = (alpha[:, i - 1, :, None] + step).logsumexp(1) + emissions[:, i]
    beta[:, -1] = end
    for i in reversed(range(t - 1)):
        after = (step + (emissions[:, i + 1] + beta[:, i + 1])[:, None]).logsumexp(2)
        beta[:, i] = end.where(is_last[:, i], after)
    log_z = (alpha + end).logsumexp(2).where(is_last[:, :, 0], 0).sum(1)
    gamma = emissions + beta
    nodes = (alpha + beta - log_z[:, None, None]).exp().masked_fill(pad[:, :, None], 0)
    pairs = torch.zeros_like(step).repeat(len(emissions), 1, 1)
    for i in range(t - 1):
        move = alpha[:, i, :, None] + step + gamma[:, i + 1, None] - log_z[:, None, None]
        pairs += move.exp().masked_fill(pad[:, i + 1, None, None], 0)
    return _Posterior(log_z, nodes, pairs, alpha, gamma)


def _below_zero(emissions: Tensor) -> Tensor:
    return emissions - emissions.amax(-1, keepdim=True)


def padding(x: Tensor, lengths: Tensor) -> Tensor:
    """Which positions [b, t] of x [b, t, ...] are padding."""
    return torch.arange(x.shape[1], device=x.device) >= lengths[:, None]

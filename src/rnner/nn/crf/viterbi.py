"""Linear-chain conditional random field: the best tag sequences (Viterbi 1967), for the scores of `crf.py`.

Letters: b sentences, t positions, k tags, n sequences a sentence. The recursion runs from the end of each
sentence to its beginning, so that all sentences of a batch are read off together from their first position.
Ties go to the lower tag id, first position first.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rnner.nn.crf.forward_backward import padding
from rnner.nn.crf.loss import log_partition

_LARGEST = 1e30  # a sum of thousands of these is still finite in float32


def viterbi(emissions: Tensor, lengths: Tensor, moves: Tensor) -> Tensor:
    """The most probable tag sequence [b, t] (int64; 0 in the padding), for emissions [b, t, k].

    Legal whatever the emissions, even if they are not finite, as long as some sequence of the length is.
    """
    with torch.no_grad():
        start, step, end = moves[-1, :-1], moves[:-1, :-1], moves[:-1, -1]
        rest = _best_rest(_finite(emissions.to(moves.dtype)), lengths, step, end)
        tags = [(start + rest[0]).argmax(-1)]
        for follows in rest[1:].unbind():
            tags.append(step.index_select(0, tags[-1]).add_(follows).argmax(-1))
        return torch.stack(tags, dim=1).masked_fill_(padding(emissions, lengths), 0)


def _best_rest(emissions: Tensor, lengths: Tensor, step: Tensor, end: Tensor) -> Tensor:
    """Best score [t, b, k] of a sentence from each position to its end, given the tag there."""
    # Sentences go innermost, and the maximum over the next tag outermost: both are then whole vectors.
    first, *others = _turned(emissions, lengths).transpose(1, 2).contiguous().unbind()  # [k, b] each
    onward = step.T[:, :, None]  # [next, tag, 1]
    rest = [first + end[:, None]]
    for emission in others:
        rest.append((onward + rest[-1][:, None]).amax(0).add_(emission))
    return _turned(torch.stack(rest).permute(2, 0, 1), lengths)


def n_best(emissions: Tensor, lengths: Tensor, moves: Tensor, *, n: int) -> tuple[Tensor, Tensor]:
    """The n most probable tag sequences [b, n, t] and their log-probabilities [b, n].

    For emissions [b, t, k]; best first. The sequences are int64, 0 in the padding. Where a sentence has fewer
    than n legal ones, the missing ones are all 0, with log-probability -inf. Computed in float64. Raises
    ValueError for n < 1, and where no sequence of a sentence's length is legal.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    with torch.no_grad():
        emissions, exact = _finite(emissions.double()), moves.double()
        scores, best, following = _n_best_rest(emissions, lengths, exact, n)
        paths = best.new_empty(len(lengths), n, emissions.shape[1])
        for i, follows in enumerate(following):  # best [b, n] is tag * n + rank among the rests of that tag
            paths[:, :, i] = best // n
            best = follows.gather(1, best)
        missing = scores.isneginf()[:, :, None] | padding(emissions, lengths)[:, None]
        log_probs = scores - log_partition(emissions, lengths, exact)[:, None]
        return paths.masked_fill_(missing, 0), log_probs.to(moves.dtype)


def _n_best_rest(emissions: Tensor, lengths: Tensor, moves: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Scores [b, n] of the best sequences, where each begins [b, n], and what follows what [t, b, k * n]."""
    start, step, end = moves[-1, :-1], moves[:-1, :-1], moves[:-1, -1]
    turned = _turned(emissions, lengths)  # [t, b, k]
    t, b, k = turned.shape
    rest = turned.new_full((b, k, n), -torch.inf)
    rest[:, :, 0] = turned[0] + end
    following = torch.zeros(t, b, k * n, dtype=torch.int64, device=emissions.device)
    kept = rest[None].repeat(t, 1, 1, 1)
    for i in range(1, t):
        candidates = (step[:, :, None] + kept[i - 1][:, None]).flatten(2)  # [b, k, k * n]
        scores, which = candidates.sort(dim=-1, descending=True, stable=True)
        torch.add(scores[:, :, :n], turned[i, :, :, None], out=kept[i])
        following[i] = which[:, :, :n].flatten(1)
    first = _turned(kept.transpose(0, 1).flatten(2), lengths)[0].view(b, k, n)
    scores, best = (start[:, None] + first).flatten(1).sort(dim=-1, descending=True, stable=True)
    return scores[:, :n], best[:, :n], _turned(following.transpose(0, 1), lengths)


def _turned(x: Tensor, lengths: Tensor) -> Tensor:
    """Sentences [b, t, d] read from their own ends: [t, b, d]; past the beginning, the first row again."""
    b, t = x.shape[:2]
    back = lengths - 1 - torch.arange(t, device=x.device)[:, None]
    rows = back.clamp_(min=0) + torch.arange(0, b * t, t, device=x.device)
    return x.reshape(b * t, -1).index_select(0, rows.view(-1)).view(t, b, -1)


def _finite(emissions: Tensor) -> Tensor:
    """Emissions that can be summed: the largest of each position moved to 0, which changes no ranking."""
    emissions = emissions.nan_to_num(nan=0.0).clamp(-_LARGEST, _LARGEST)
    return emissions - emissions.amax(-1, keepdim=True)

"""The best tag sequence of a linear-chain CRF: the Viterbi algorithm (Viterbi 1967).

For the notation and the transition matrix, see `rnner.nn.crf.transitions`. The recursion runs from the end
of each sentence to its beginning, so that all sentences of a batch are read off together from their first
position. Of tied sequences, the one with the lower tag id at the first difference wins. A suffix is the
part of a sequence from a position to the end.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rnner.nn.crf.transitions import split_transitions
from rnner.nn.padding import padding_mask

_LARGEST = 1e30  # a sum of thousands of these is still finite in float32


def viterbi(emissions: Tensor, lengths: Tensor, transitions: Tensor) -> Tensor:
    """Return the most probable tag sequence `[b, t]` (int64; 0 in the padding), for emissions `[b, t, k]`.

    It is legal even if emissions are not finite, provided that there is a legal sequence of its length.
    """
    with torch.no_grad():
        start, step, end = split_transitions(transitions)
        suffixes = _best_suffixes(_finite(emissions.to(transitions.dtype)), lengths, step, end)
        tags = [(start + suffixes[0]).argmax(-1)]
        for suffix in suffixes[1:].unbind():
            tags.append(step.index_select(0, tags[-1]).add_(suffix).argmax(-1))
        return torch.stack(tags, dim=1).masked_fill_(padding_mask(emissions, lengths), 0)


def _best_suffixes(emissions: Tensor, lengths: Tensor, step: Tensor, end: Tensor) -> Tensor:
    """Return the best score `[t, b, k]` of a suffix from each position, given its first tag."""
    # Sentences are the innermost dimension, and the maximum over the next tag is taken over the outermost, so
    # that torch works on whole vectors.
    last, *others = _from_end(emissions, lengths).transpose(1, 2).contiguous().unbind()  # [k, b] each
    to_next = step.T[:, :, None]  # [next, tag, 1]
    suffixes = [last + end[:, None]]
    for emission in others:
        suffixes.append((to_next + suffixes[-1][:, None]).amax(0).add_(emission))
    return _from_end(torch.stack(suffixes).permute(2, 0, 1), lengths)


def _from_end(x: Tensor, lengths: Tensor) -> Tensor:
    """Return sentences `[b, t, d]` reversed from their own ends, time-major `[t, b, d]`.

    Shorter sentences are filled with copies of their first row.
    """
    b, t = x.shape[:2]
    position = lengths - 1 - torch.arange(t, device=x.device)[:, None]
    rows = position.clamp_(min=0) + torch.arange(0, b * t, t, device=x.device)
    return x.reshape(b * t, -1).index_select(0, rows.view(-1)).view(t, b, -1)


def _finite(emissions: Tensor) -> Tensor:
    """Return emissions with finite sums and the same ranking: the largest at each position becomes 0."""
    emissions = emissions.nan_to_num(nan=0.0).clamp(-_LARGEST, _LARGEST)
    return emissions - emissions.amax(-1, keepdim=True)

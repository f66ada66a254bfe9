"""Heads: from emissions to tag sequences and their probabilities.

Letters: b sentences, t positions, k tags, n spans or sequences. Both heads have the same methods; they differ
in their loss, and in whether the moves between tags have scores that are learned.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnner.nn import crf
from rnner.nn.crf import Transitions
from rnner.nn.viterbi import n_best, viterbi


class _ChainHead(nn.Module):
    """What the heads share: everything but the loss.

    Args:
        allowed_start: [k] bool, tags a sentence may begin with.
        allowed_step: [k, k] bool, which tag (second index) may follow which.
        allowed_end: [k] bool, tags a sentence may end with.
        boundary: [k, k] bool, whether no entity goes on from a tag to the next.

    Raises ValueError for masks of other shapes or types. The masks follow from the tags: they are not saved.
    """

    allowed_start: Tensor
    allowed_step: Tensor
    allowed_end: Tensor
    boundary: Tensor

    def __init__(
        self, allowed_start: Tensor, allowed_step: Tensor, allowed_end: Tensor, boundary: Tensor
    ) -> None:
        super().__init__()
        k = len(allowed_start)
        masks = {
            "allowed_start": (allowed_start, (k,)),
            "allowed_step": (allowed_step, (k, k)),
            "allowed_end": (allowed_end, (k,)),
            "boundary": (boundary, (k, k)),
        }
        for name, (mask, shape) in masks.items():
            if mask.shape != shape or mask.dtype != torch.bool:
                raise ValueError(f"{name} must be bool {list(shape)}, got {mask.dtype} {list(mask.shape)}")
            self.register_buffer(name, mask, persistent=False)

    def scores(self) -> Transitions:
        """Scores of the moves, -inf for illegal ones."""
        raise NotImplementedError

    def decode(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """The most probable legal tags: emissions [b, t, k] -> [b, t] int64, 0 in the padding."""
        return viterbi(emissions, lengths, self.scores())

    def marginals(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """Probability of each tag given the sentence, over legal sequences: [b, t, k], 0 in the padding."""
        return crf.marginals(emissions, lengths, self.scores())

    def entity_probabilities(self, emissions: Tensor, lengths: Tensor, path: Tensor, spans: Tensor) -> Tensor:
        """Exact probability [n] of each entity: spans [n, 3] (row, start, end), tagged as in path [b, t]."""
        return crf.span_probabilities(
            emissions, lengths, self.scores(), path=path, spans=spans, boundary=self.boundary
        )

    def n_best(self, emissions: Tensor, lengths: Tensor, n: int) -> tuple[Tensor, Tensor]:
        """The n most probable legal sequences [b, n, t], their log-probabilities [b, n] (-inf: no more)."""
        return n_best(emissions, lengths, self.scores(), n=n)

    def extra_repr(self) -> str:
        """The number of tags, for `print(module)`."""
        return f"tags={len(self.allowed_start)}"


class SoftmaxHead(_ChainHead):
    """Each tag is learned alone; prediction takes legal sequences only.

    The probabilities are those of independent tags given that the sequence they form is legal: a chain whose
    moves score 0, or -inf where illegal.
    """

    def loss(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """Cross-entropy of the tags [b, t], summed over a sentence, mean over sentences: a scalar."""
        pad = crf.padding(emissions, lengths)
        targets = tags.masked_fill(pad, -100).flatten()
        return F.cross_entropy(emissions.flatten(0, 1), targets, reduction="sum") / len(lengths)

    def scores(self) -> Transitions:
        """Moves score 0, illegal ones -inf."""
        zero = torch.zeros((), device=self.allowed_step.device)
        allowed = Transitions(self.allowed_start, self.allowed_step, self.allowed_end)
        return Transitions(*(zero.expand(x.shape) for x in allowed)).constrained(allowed)


class CRFHead(_ChainHead):
    """Conditional random field over the legal sequences (Lafferty et al. 2001; Lample et al. 2016).

    Parameters `start` [k], `step` [k, k], `end` [k], all 0 at first: then only legality links the tags.
    """

    def __init__(
        self, allowed_start: Tensor, allowed_step: Tensor, allowed_end: Tensor, boundary: Tensor
    ) -> None:
        super().__init__(allowed_start, allowed_step, allowed_end, boundary)
        k = len(allowed_start)
        self.start = nn.Parameter(torch.zeros(k))
        self.step = nn.Parameter(torch.zeros(k, k))
        self.end = nn.Parameter(torch.zeros(k))

    def loss(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """Negative log-likelihood of the tags [b, t] of a sentence, mean over sentences: a scalar.

        Raises ValueError if tags are illegal, naming the move: their probability is 0.
        """
        self._check(tags, lengths)
        return -crf.log_likelihood(emissions, tags, lengths, self.scores()).mean()

    def scores(self) -> Transitions:
        """The learned scores, -inf for illegal moves."""
        allowed = Transitions(self.allowed_start, self.allowed_step, self.allowed_end)
        return Transitions(self.start, self.step, self.end).constrained(allowed)

    def _check(self, tags: Tensor, lengths: Tensor) -> None:
        last = tags.gather(1, lengths[:, None] - 1)[:, 0]
        edges = self.allowed_start[tags[:, 0]] & self.allowed_end[last]
        steps = self.allowed_step[tags[:, :-1], tags[:, 1:]] | crf.padding(tags, lengths)[:, 1:]
        legal = edges & steps.all(1)
        if not legal.all():
            row = int((~legal).nonzero()[0])
            raise ValueError(f"illegal tags in row {row}: {tags[row, : lengths[row]].tolist()}")

"""Heads: from emissions to tag sequences and their probabilities.

Letters: b sentences, t positions, k tags, n spans or sequences. Both heads have the same methods; they differ
in their loss, and in whether the moves between tags have scores that are learned.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnner.nn.crf.forward_backward import padding
from rnner.nn.crf.loss import join_moves, log_likelihood
from rnner.nn.crf.loss import loss as crf_loss
from rnner.nn.crf.marginals import marginals, span_probabilities
from rnner.nn.crf.viterbi import n_best, viterbi


class _ChainHead(nn.Module):
    """What the heads share: everything but the loss.

    Args:
        allowed_start: [k] bool, tags a sentence may begin with.
        allowed_step: [k, k] bool, which tag (second index) may follow which.
        allowed_end: [k] bool, tags a sentence may end with.
        boundary: [k, k] bool, whether no entity goes on from a tag to the next.

    Raises ValueError for masks of other shapes or types. The masks follow from the tags: they are not saved.

    Attributes:
        threshold: for decoders, what entities must be more probable than (see `rnner.decoding.threshold`); None:
            those of the most probable tags are found.
    """

    threshold: float | None = None
    allowed: Tensor  # [k + 1, k + 1]: as `moves` in crf.py
    boundary: Tensor  # [k, k]

    def __init__(
        self, allowed_start: Tensor, allowed_step: Tensor, allowed_end: Tensor, boundary: Tensor
    ) -> None:
        super().__init__()
        k = len(allowed_start)
        wanted = {
            "allowed_start": (allowed_start, [k]),
            "allowed_step": (allowed_step, [k, k]),
            "allowed_end": (allowed_end, [k]),
            "boundary": (boundary, [k, k]),
        }
        for name, (mask, shape) in wanted.items():
            if list(mask.shape) != shape or mask.dtype != torch.bool:
                raise ValueError(f"{name} must be bool {shape}, got {mask.dtype} {list(mask.shape)}")
        self.register_buffer(
            "allowed", join_moves(allowed_start, allowed_step, allowed_end), persistent=False
        )
        self.register_buffer("boundary", boundary, persistent=False)

    def scores(self) -> Tensor:
        """Scores [k + 1, k + 1] of the moves between tags, -inf where illegal."""
        raise NotImplementedError

    def decode(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """The most probable legal tags: emissions [b, t, k] -> [b, t] int64, 0 in the padding."""
        return viterbi(emissions, lengths, self.scores())

    def marginals(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """Probability of each tag given the sentence, over legal sequences: [b, t, k], 0 in the padding."""
        return marginals(emissions, lengths, self.scores())

    def entity_probabilities(self, emissions: Tensor, lengths: Tensor, path: Tensor, spans: Tensor) -> Tensor:
        """Exact probability [n] of each entity: spans [n, 3] (row, start, end), tagged as in path [b, t]."""
        return span_probabilities(
            emissions, lengths, self.scores(), path=path, spans=spans, boundary=self.boundary
        )

    def n_best(self, emissions: Tensor, lengths: Tensor, n: int) -> tuple[Tensor, Tensor]:
        """The n most probable legal sequences [b, n, t], their log-probabilities [b, n] (-inf: no more)."""
        return n_best(emissions, lengths, self.scores(), n=n)

    def extra_repr(self) -> str:
        """The number of tags and the threshold, for `print(module)`."""
        told = f"tags={len(self.boundary)}"
        return told if self.threshold is None else f"{told}, threshold={self.threshold}"


class SoftmaxHead(_ChainHead):
    """Each tag is learned alone; prediction takes legal sequences only.

    The probabilities are those of independent tags given that the sequence they form is legal: a chain whose
    moves score 0, or -inf where illegal.
    """

    def loss(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """Cross-entropy of the tags [b, t], summed over a sentence, mean over sentences: a scalar."""
        inside = ~padding(emissions, lengths)
        return F.cross_entropy(emissions[inside], tags[inside], reduction="sum") / len(lengths)

    def scores(self) -> Tensor:
        """Legal moves score 0, illegal ones -inf."""
        return torch.zeros(self.allowed.shape, device=self.allowed.device).masked_fill(
            ~self.allowed, -torch.inf
        )


class CRFHead(_ChainHead):
    """Conditional random field over the legal sequences (Lafferty et al. 2001; Lample et al. 2016).

    One parameter, `moves` [k + 1, k + 1]: the scores from tag to tag, the last row and column those at
    the edges of a sentence (what it begins and ends with). All 0 at first: then only legality links the
    tags.
    """

    def __init__(
        self, allowed_start: Tensor, allowed_step: Tensor, allowed_end: Tensor, boundary: Tensor
    ) -> None:
        super().__init__(allowed_start, allowed_step, allowed_end, boundary)
        self.moves = nn.Parameter(torch.zeros(self.allowed.shape))

    def loss(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """Negative log-likelihood of the tags [b, t] of a sentence, mean over sentences: a scalar.

        Raises ValueError if the tags of a sentence are illegal, for then their probability is 0.
        """
        moves = self.scores()
        loss = crf_loss(emissions, tags, lengths, moves)
        if loss.item() == torch.inf:
            row = int(log_likelihood(emissions, tags, lengths, moves).argmin())
            raise ValueError(f"the tags of row {row} are illegal: {tags[row, : lengths[row]].tolist()}")
        return loss

    def scores(self) -> Tensor:
        """The learned scores, -inf for illegal moves."""
        return self.moves.masked_fill(~self.allowed, -torch.inf)

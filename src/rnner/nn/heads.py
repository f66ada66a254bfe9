"""Heads turn emissions, the scores of each tag at each word, into a loss and tag sequences.

To add a head, such as one with a label-smoothing loss, subclass `Head` in this file: `loss` decides how it
trains, and `transition_scores` how it decodes. To make it available to configs, add it to
`rnner.config.sections` and to `build_head` in `rnner.model.build`.

Letters: b sentences, t positions, k tags.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnner.nn.crf.loss import (
    allowed_log_probabilities,
    crf_loss,
    log_likelihood,
    partial_crf_loss,
)
from rnner.nn.crf.transitions import join_transitions
from rnner.nn.crf.viterbi import viterbi
from rnner.nn.padding import padding_mask


class Head(nn.Module):
    """Base class that implements everything but the loss and the transition scores.

    Args:
        allowed_start: `[k]` bool, the tags that may begin a sentence.
        allowed_step: `[k, k]` bool, whether a tag (first index) may be followed by another (second index).
        allowed_end: `[k]` bool, the tags that may end a sentence.
        boundary: `[k, k]` bool, True where no entity continues from a tag (first index) to the next.

    These masks follow from the tags, so they are not saved.

    Attributes:
        threshold: the probability that an entity must exceed to be predicted (see
            `rnner.decoding.threshold`); None to predict the entities of the most probable tag sequence.
            Decoders use it; the head itself ignores it.

    Raises:
        ValueError: a mask has the wrong shape or dtype.
    """

    threshold: float | None = None
    allowed: Tensor  # [k + 1, k + 1] bool, see `rnner.nn.crf.transitions`
    boundary: Tensor  # [k, k] bool

    def __init__(
        self, allowed_start: Tensor, allowed_step: Tensor, allowed_end: Tensor, boundary: Tensor
    ) -> None:
        super().__init__()
        k = len(allowed_start)
        for name, mask, shape in (
            ("allowed_start", allowed_start, [k]),
            ("allowed_step", allowed_step, [k, k]),
            ("allowed_end", allowed_end, [k]),
            ("boundary", boundary, [k, k]),
        ):
            if list(mask.shape) != shape or mask.dtype != torch.bool:
                raise ValueError(f"{name} must be bool {shape}, got {mask.dtype} {list(mask.shape)}")
        allowed = join_transitions(allowed_start, allowed_step, allowed_end)
        self.register_buffer("allowed", allowed, persistent=False)
        self.register_buffer("boundary", boundary, persistent=False)

    def loss(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """Return the training loss, a scalar, for emissions `[b, t, k]`, tags `[b, t]` and lengths `[b]`."""
        raise NotImplementedError

    def partial_loss(self, emissions: Tensor, allowed: Tensor, lengths: Tensor) -> Tensor:
        """Return the loss of partly annotated sentences, given the allowed tags `[b, t, k]` (bool).

        With one allowed tag per word, it equals `loss`.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be trained on partly annotated sentences")

    def transition_scores(self) -> Tensor:
        """Return the scores `[k + 1, k + 1]` of transitions between tags, -inf where illegal."""
        raise NotImplementedError

    def decode(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """Return the most probable legal tags: emissions `[b, t, k]` to `[b, t]` int64, 0 in the padding."""
        return viterbi(emissions, lengths, self.transition_scores())

    def extra_repr(self) -> str:
        """Return the number of tags and the threshold, for `print(module)`."""
        shown = f"tags={len(self.boundary)}"
        return shown if self.threshold is None else f"{shown}, threshold={self.threshold}"


class SoftmaxHead(Head):
    """Token classification: each tag is trained independently, but only legal sequences are predicted.

    The probabilities are those of independent tags, given that their sequence is legal. This is a chain whose
    transitions score 0, or -inf where illegal.
    """

    def loss(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """Return the cross-entropy of the tags `[b, t]`, summed within and averaged over sentences."""
        inside = ~padding_mask(emissions, lengths)
        return F.cross_entropy(emissions[inside], tags[inside], reduction="sum") / len(lengths)

    def partial_loss(self, emissions: Tensor, allowed: Tensor, lengths: Tensor) -> Tensor:
        """Return the negative log of the probability of the allowed tags, summed and averaged like `loss`.

        Raises ValueError if a word has no allowed tag.
        """
        return -allowed_log_probabilities(emissions, allowed, lengths).sum() / len(lengths)

    def transition_scores(self) -> Tensor:
        """Return 0 for legal transitions, -inf for illegal ones."""
        scores = torch.zeros(self.allowed.shape, device=self.allowed.device)
        return scores.masked_fill_(~self.allowed, -torch.inf)


class CRFHead(Head):
    """Conditional random field over the legal sequences (Lafferty et al. 2001; Lample et al. 2016).

    Its one parameter, `moves` `[k + 1, k + 1]`, holds the scores of the transitions from tag to tag, with
    those of sentence edges in the last row and column (see `rnner.nn.crf.transitions`). They are initialised
    to 0.
    """

    def __init__(
        self, allowed_start: Tensor, allowed_step: Tensor, allowed_end: Tensor, boundary: Tensor
    ) -> None:
        super().__init__(allowed_start, allowed_step, allowed_end, boundary)
        self.moves = nn.Parameter(torch.zeros(self.allowed.shape))

    def loss(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """Return the negative log-likelihood of the tags `[b, t]`, averaged over sentences.

        Raises ValueError if the tags of a sentence are illegal, because their probability is 0.
        """
        transitions = self.transition_scores()
        loss = crf_loss(emissions, tags, lengths, transitions)
        if loss.item() == torch.inf:
            row = int(log_likelihood(emissions, tags, lengths, transitions).argmin())
            raise ValueError(f"the tags of row {row} are illegal: {tags[row, : lengths[row]].tolist()}")
        return loss

    def partial_loss(self, emissions: Tensor, allowed: Tensor, lengths: Tensor) -> Tensor:
        """Return the negative log of the summed probability of all legal sequences of allowed tags, averaged.

        Raises ValueError if a sentence has no such sequence.
        """
        return partial_crf_loss(emissions, allowed, lengths, self.transition_scores())

    def transition_scores(self) -> Tensor:
        """Return the learned scores, -inf for illegal transitions."""
        return self.moves.masked_fill(~self.allowed, -torch.inf)

"""The transition matrix of a linear-chain CRF.

Letters: b sentences, t positions, k tags. The edge of a sentence counts as one more tag, with index k. It is
the tag before the first position and at every position after the last word. So all transition scores form
one matrix `[k + 1, k + 1]`, from the tag of the row to the tag of the column. Row k holds the scores of the
first tag, column k those of the last, and [k, k] is not used. An illegal transition has the score -inf.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def join_transitions(start: Tensor, step: Tensor, end: Tensor) -> Tensor:
    """Join start `[k]`, step `[k, k]` and end `[k]` (scores or bool masks) into a matrix `[k + 1, k + 1]`."""
    transitions = F.pad(step, (0, 1, 0, 1))
    transitions[-1, :-1], transitions[:-1, -1] = start, end
    return transitions


def split_transitions(transitions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return start `[k]`, step `[k, k]` and end `[k]`, views of the matrix `[k + 1, k + 1]`."""
    return transitions[-1, :-1], transitions[:-1, :-1], transitions[:-1, -1]

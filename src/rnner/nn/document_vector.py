"""What a document is about, as a vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn

LEAST = 1e-6  # of a sum of gates: no document divides by zero


class DocumentVector(nn.Module):
    """The mean of a document's word vectors, weighted by a gate that learns which words tell the subject.

    With the vectors v_j of a document's distinct words and their counts n_j,

        g_j = n_j sigmoid(u . v_j + b),   vector = sum_j g_j v_j / sum_j g_j

    (attention pooling with a sigmoid in the place of the softmax, so that long documents and short ones are
    weighed alike). u and b start at 0: the plain mean.

    Args:
        size: of a word's vector, w; also `output_size`.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.output_size = size
        self.gate = nn.Linear(size, 1)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)

    def forward(self, vectors: Tensor, counts: Tensor, documents: Tensor, number: int) -> Tensor:
        """The vectors of documents, [d, w].

        Args:
            vectors: [m, w] of the distinct words of each document.
            counts: [m] how often each stands there, above 0.
            documents: [m] int64, which of the d documents each stands in; one without words is all zeros.
            number: d.
        """
        weights = torch.sigmoid(self.gate(vectors)) * counts[:, None]
        weighted = torch.cat([vectors * weights, weights], dim=1)
        return self.means(weighted.new_zeros(number, weighted.shape[1]).index_add(0, documents, weighted))

    def summands(self, vectors: Tensor) -> Tensor:
        """What one word of each vector `[m, w]` adds to the sums of its document: `[m, w + 1]`."""
        weights = torch.sigmoid(self.gate(vectors))
        return torch.cat([vectors * weights, weights], dim=1)

    def means(self, sums: Tensor) -> Tensor:
        """The vectors `[d, w]` of documents from the sums `[d, w + 1]` over their words."""
        return sums[:, :-1] / sums[:, -1:].clamp(min=LEAST)

"""A vector that represents the subject of a document."""

from __future__ import annotations

import torch
from torch import Tensor, nn

MIN_WEIGHT = 1e-6  # lower bound of a sum of gates, to avoid division by zero


class DocumentVector(nn.Module):
    """The mean of a document's word vectors, weighted by a gate that learns which words indicate the subject.

    With the vectors v_j of a document's distinct words and their counts n_j,

        g_j = n_j sigmoid(u . v_j + b),   vector = sum_j g_j v_j / sum_j g_j

    This is attention pooling with a sigmoid in place of the exponential of a softmax, so no word can outweigh
    all others. u and b are initialised to 0, which gives the plain mean.

    Args:
        size: w, the length of a word's vector and of the output, which is also `output_size`.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.output_size = size
        self.gate = nn.Linear(size, 1)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)

    def forward(self, vectors: Tensor, counts: Tensor, documents: Tensor, number: int) -> Tensor:
        """Return the vectors `[d, w]` of documents; zeros for a document without words.

        Args:
            vectors: `[m, w]`, the vectors of the distinct words of each document.
            counts: `[m]`, the number of occurrences of each word, above 0.
            documents: `[m]` int64, the document of each word, from 0 to d - 1.
            number: d, the number of documents.
        """
        terms = self.terms(vectors, counts[:, None])
        return self.means(terms.new_zeros(number, terms.shape[1]).index_add(0, documents, terms))

    def terms(self, vectors: Tensor, counts: Tensor | None = None) -> Tensor:
        """Return the terms `[m, w + 1]` of the two sums, g_j v_j and g_j, for vectors `[m, w]`.

        The counts `[m, 1]` are 1 by default.
        """
        weights = torch.sigmoid(self.gate(vectors))
        if counts is not None:
            weights = weights * counts
        return torch.cat([vectors * weights, weights], dim=1)

    def means(self, sums: Tensor) -> Tensor:
        """Return the vectors `[d, w]` of documents from the sums `[d, w + 1]` of their words' terms."""
        return sums[:, :-1] / sums[:, -1:].clamp(min=MIN_WEIGHT)

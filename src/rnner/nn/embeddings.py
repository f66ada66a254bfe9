"""Word vectors: some trained here, the rest given and frozen."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class WordEmbedding(nn.Module):
    """Ids below `trained` have a vector that is learned; the ids from there on are rows of `vectors`, frozen.

    Row 0 is padding: zeros, and it stays so. Row 1 is the unknown word. The learned rows start uniform in
    ±sqrt(3 / size) (variance 1 / size, so that a vector's expected squared length is 1).

    Args:
        trained: number of learned rows, padding and unknown word included.
        size: length of a vector.
        vectors: [m, size], float16 or float32, kept and saved as given; what comes out has the type of the
            learned rows. None: no frozen rows.

    Raises ValueError for fewer than 2 learned rows, or vectors of another size.
    """

    vectors: Tensor | None

    def __init__(self, trained: int, size: int, vectors: Tensor | None = None) -> None:
        super().__init__()
        if trained < 2:
            raise ValueError(f"trained must be at least 2 (padding and the unknown word), got {trained}")
        if vectors is not None and (vectors.ndim != 2 or vectors.shape[1] != size):
            raise ValueError(f"vectors must be [m, {size}], got {list(vectors.shape)}")
        self.trained, self.output_size = trained, size
        self.weight = nn.Parameter(torch.empty(trained, size))
        self.register_buffer("vectors", vectors)
        bound = (3 / size) ** 0.5
        nn.init.uniform_(self.weight, -bound, bound)
        with torch.no_grad():
            self.weight[0] = 0

    def forward(self, words: Tensor) -> Tensor:
        """Map words [n] int64 (any shape will do) to [n, size]."""
        if self.vectors is None:
            return F.embedding(words, self.weight, padding_idx=0)
        frozen = words >= self.trained
        learned = F.embedding(words.masked_fill(frozen, 0), self.weight, padding_idx=0)
        given = self.vectors[(words - self.trained).clamp(min=0)].to(learned.dtype)
        return learned.where(~frozen[..., None], given)

    def extra_repr(self) -> str:
        """Sizes, for `print(module)`."""
        frozen = 0 if self.vectors is None else len(self.vectors)
        return f"trained={self.trained}, frozen={frozen}, size={self.output_size}"

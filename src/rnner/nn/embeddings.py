"""Word vectors: some trained here, the rest given and frozen."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class FrozenVectors(NamedTuple):
    """Given vectors: `values` [m, size], float16 or float32; or int8, to be multiplied by `scales` [m, 1]."""

    values: Tensor
    scales: Tensor | None = None


def quantized(vectors: Tensor) -> FrozenVectors:
    """Vectors [m, size] in 8 bits a number: whole numbers from -127 to 127, and a float32 scale for each row.

    A number is off by at most the 254th part of the largest in its row.
    """
    scales = vectors.float().abs().amax(dim=1, keepdim=True) / 127
    return FrozenVectors((vectors / scales.clamp(min=torch.finfo().tiny)).round().to(torch.int8), scales)


class WordEmbedding(nn.Module):
    """Ids below `trained` have a vector that is learned; the ids from there on are rows of `vectors`, frozen.

    Row 0 is padding: zeros, and it stays so. Row 1 is the unknown word. The learned rows start uniform in
    ±sqrt(3 / size) (variance 1 / size, so that a vector's expected squared length is 1).

    Args:
        trained: number of learned rows, padding and unknown word included.
        size: length of a vector.
        vectors: [m, size], float16, float32 or int8, kept and saved as given; what comes out has the type of
            the learned rows. None: no frozen rows.
        scales: [m, 1], what int8 vectors are multiplied by (see `quantized`); None: nothing.

    Raises ValueError for fewer than 2 learned rows, or vectors of another size.
    """

    vectors: Tensor | None
    scales: Tensor | None

    def __init__(
        self, trained: int, size: int, vectors: Tensor | None = None, scales: Tensor | None = None
    ) -> None:
        super().__init__()
        if trained < 2:
            raise ValueError(f"trained must be at least 2 (padding and the unknown word), got {trained}")
        if vectors is not None and (vectors.ndim != 2 or vectors.shape[1] != size):
            raise ValueError(f"vectors must be [m, {size}], got {list(vectors.shape)}")
        self.trained, self.output_size = trained, size
        self.weight = nn.Parameter(torch.empty(trained, size))
        self.register_buffer("vectors", vectors)
        self.register_buffer("scales", scales)
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
        rows = (words - self.trained).clamp(min=0)
        given = F.embedding(rows, self.vectors).to(learned.dtype)  # advanced indexing is four times slower
        if self.scales is not None:
            given = given * F.embedding(rows, self.scales)
        return learned.where(~frozen[..., None], given)

    @property
    def frozen(self) -> FrozenVectors | None:
        """The frozen rows as they are kept, None if there are none."""
        return None if self.vectors is None else FrozenVectors(self.vectors, self.scales)

    def extra_repr(self) -> str:
        """Sizes, for `print(module)`."""
        frozen = 0 if self.vectors is None else len(self.vectors)
        return f"trained={self.trained}, frozen={frozen}, size={self.output_size}"

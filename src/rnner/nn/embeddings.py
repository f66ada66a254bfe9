"""Word vectors: some are trained, others are pretrained and frozen."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class FrozenVectors(NamedTuple):
    """Frozen vectors: `values` `[m, size]`, float16, float32, or int8 with the factors `scales` `[m, 1]`."""

    values: Tensor
    scales: Tensor | None = None


def quantize(vectors: Tensor) -> FrozenVectors:
    """Quantize vectors `[m, size]` to int8, from -127 to 127, with one float32 scale per row.

    The error of a number is at most 1/254 of the largest absolute value in its row.
    """
    scales = vectors.float().abs().amax(dim=1, keepdim=True) / 127
    return FrozenVectors((vectors / scales.clamp(min=torch.finfo().tiny)).round().to(torch.int8), scales)


def init_embedding_(weight: Tensor) -> None:
    """Initialise embeddings `[n, size]` uniformly in ±sqrt(3 / size), row 0 (padding) with zeros.

    The variance is 1 / size, so the expected squared length of a vector is 1 (Ma and Hovy 2016).
    """
    bound = (3 / weight.shape[1]) ** 0.5
    nn.init.uniform_(weight, -bound, bound)
    with torch.no_grad():
        weight[0] = 0


class WordEmbedding(nn.Module):
    """A map from word ids to vectors: trained rows for ids below `trained`, then frozen rows of `vectors`.

    Row 0 is padding, always zeros. Row 1 is the unknown word.

    Args:
        trained: number of trained rows, including padding and the unknown word.
        size: length of a vector.
        vectors: `[m, size]`, float16, float32 or int8, stored and saved in that dtype; the output has the
            dtype of the trained rows. None if there are no frozen rows.
        scales: `[m, 1]`, the factors of int8 vectors (see `quantize`); None for other vectors.

    Raises:
        ValueError: there are fewer than 2 trained rows, or `vectors` does not have the shape `[m, size]`.
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
        init_embedding_(self.weight)

    def forward(self, words: Tensor) -> Tensor:
        """Map word ids `[...]` int64 to vectors `[..., size]`."""
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
        """The frozen rows as they are stored; None if there are none."""
        return None if self.vectors is None else FrozenVectors(self.vectors, self.scales)

    def extra_repr(self) -> str:
        """Return the sizes, for `print(module)`."""
        frozen = 0 if self.vectors is None else len(self.vectors)
        return f"trained={self.trained}, frozen={frozen}, size={self.output_size}"

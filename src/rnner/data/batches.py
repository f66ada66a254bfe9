"""Batches of sentences as arrays, and the grouping of sentences into batches.

Shapes: b sentences, t tokens in the longest one, n distinct word forms, c characters in the longest form.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # slow to import, and only `to_device` needs it
    import torch
    from torch import Tensor

PADDING = 0
UNKNOWN = 1  # id of every word without a row

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.int64]
A = TypeVar("A", "NDArray[Any]", "Tensor")
"""The type of the arrays in a batch: NumPy arrays, or tensors on one device."""


@dataclass(frozen=True, eq=False)
class Composition(Generic[A]):
    """Composed word forms. Each is a weighted sum of rows of the word table. p is the number of all summands.

    Attributes:
        rows: `[p]` int64, ids of words and n-grams.
        weights: `[p]` float32.
        forms: `[p]` int64, the form (0 to n - 1) that each summand belongs to.
    """

    rows: A
    weights: A
    forms: A

    def masked(self, kept: A) -> Composition[A]:
        """Return the composition with weight 0 for the summands for which `kept` `[p]` is False."""
        return Composition(self.rows, self.weights * kept, self.forms)


@dataclass(frozen=True, eq=False)
class DocumentBags(Generic[A]):
    """The bags of words of a batch's d documents, concatenated into m words.

    Attributes:
        words: `[m]` int64, word ids; 0 for a composed word.
        counts: `[m]` float32, occurrences of the word in its document.
        composition: the composed words.
        documents: `[m]` int64, the document of each word, ascending.
        document_of: `[b]` int64, the document of each sentence.
        number_documents: the number of documents, d.
    """

    words: A
    counts: A
    composition: Composition[A]
    documents: A
    document_of: A
    number_documents: int


@dataclass(frozen=True, eq=False)
class Batch(Generic[A]):
    """Sentences as indices into their distinct word forms, so that features of a form are computed once.

    All arrays are int64 except `allowed` and `lexicon`. Padding is on the right; each sentence has at least
    one token.

    Attributes:
        words: `[n]` word id of each form; 0 for a composed word.
        casing: `[n]` casing class of each form.
        characters: `[n, c]` character ids of each form, padded with 0.
        forms: `[b, t]` form of each token (padding: 0, a valid index).
        lengths: `[b]` tokens in each sentence.
        tags: `[b, t]` tag ids (padding: 0), or None if unknown.
        allowed: `[b, t, k]` bool, the tags that each word may have; None if each word has the tag in `tags`.
        lexicon: `[b, t, l]` float32, lexicon features of each token, or None without a lexicon.
        composition: the composed forms, or None if the vocabulary composes no words.
        bags: the words of the sentences' documents, or None if not requested.
    """

    words: A
    casing: A
    characters: A
    forms: A
    lengths: A
    tags: A | None = None
    allowed: A | None = None
    lexicon: A | None = None
    composition: Composition[A] | None = None
    bags: DocumentBags[A] | None = None

    @property
    def tokens(self) -> int:
        """Number of tokens without padding. Waits for the device."""
        return int(self.lengths.sum())

    def to(self, device: torch.device | str) -> Batch[Tensor]:
        """Return the batch as tensors on `device`."""
        return cast("Batch[Tensor]", to_device(self, device))


def to_device(value: Any, device: torch.device | str) -> Any:
    """Return a dataclass with all arrays, including those of nested dataclasses, as tensors on a device."""
    import torch

    if isinstance(value, np.ndarray | torch.Tensor):
        return torch.as_tensor(value).to(device, non_blocking=True)
    if not is_dataclass(value):
        return value
    moved = {field.name: to_device(getattr(value, field.name), device) for field in fields(value)}
    return replace(cast(Any, value), **moved)


def batch_indices(
    lengths: NDArray[np.integer],
    *,
    sentences: int | None = None,
    tokens: int | None = None,
    generator: np.random.Generator | None = None,
) -> list[NDArray[np.int64]]:
    """Group sentences of similar length into batches. Every index is in exactly one batch.

    Args:
        lengths: `[s]` tokens in each sentence, at least 1.
        sentences: maximum number of sentences per batch.
        tokens: maximum number of tokens per batch, padding included (longest length times sentences). A
            longer sentence forms a separate batch; sentences are never cut.
        generator: makes batches and their order random; equal states give equal batches. Without it the
            batches are fixed, longest sentences first (so that a lack of memory is noticed immediately).

    Raises:
        ValueError: no limit is given, or a limit or length is below 1.
    """
    if sentences is None and tokens is None:
        raise ValueError("batch_indices needs a limit: sentences, tokens or both")
    if any(limit is not None and limit < 1 for limit in (sentences, tokens)):
        raise ValueError(f"limits must be at least 1, got sentences={sentences}, tokens={tokens}")
    sizes = np.asarray(lengths, dtype=np.int64)
    if sizes.size and sizes.min() < 1:
        raise ValueError(f"sentence {int(sizes.argmin())} has no tokens")
    if generator is None:
        return _chunks(np.argsort(-sizes, kind="stable"), sizes, sentences, tokens)
    # Noise of a tenth plus one token gives new neighbours in every epoch with hardly more padding. Strictly
    # equal lengths train a fifth faster, but cost a point of F1 on the dev set of W-NUT 2017 (two seeds).
    noisy = sizes * generator.uniform(1.0, 1.1, sizes.size) + generator.uniform(0.0, 1.0, sizes.size)
    batches = _chunks(np.argsort(noisy, kind="stable"), sizes, sentences, tokens)
    return [batches[i] for i in generator.permutation(len(batches))]


def _chunks(
    order: NDArray[np.int64], lengths: NDArray[np.int64], sentences: int | None, tokens: int | None
) -> list[NDArray[np.int64]]:
    """Cut `order` into batches within the limits."""
    max_sentences = sentences or len(order)
    max_tokens = tokens or int(lengths.sum()) * len(order)
    batches: list[NDArray[np.int64]] = []
    first, longest = 0, 0
    for i, length in enumerate(lengths[order].tolist()):
        size = i - first
        if size and (size == max_sentences or max(longest, length) * (size + 1) > max_tokens):
            batches.append(order[first:i])
            first, longest = i, 0
        longest = max(longest, length)
    if first < len(order):
        batches.append(order[first:])
    return batches

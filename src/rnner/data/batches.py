"""A batch of sentences as arrays, and which sentences go together.

Shapes: b sentences, t tokens in the longest, n distinct word forms, c characters in the longest form.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # slow to import, and only `on` needs it
    import torch
    from torch import Tensor

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

if TYPE_CHECKING:
    import torch
    from torch import Tensor


Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.int64]
PADDING = 0
UNKNOWN = 1  # the row of all words that have none of their own

A = TypeVar("A", "NDArray[Any]", "Tensor")
"""What a description is made of."""


def on(device: torch.device | str, described: Any) -> Any:
    """A dataclass with its arrays, and those of the dataclasses in it, as tensors on a device."""
    import torch

    if isinstance(described, np.ndarray | torch.Tensor):
        return torch.as_tensor(described).to(device, non_blocking=True)
    if not is_dataclass(described):
        return described
    values = {field.name: on(device, getattr(described, field.name)) for field in fields(described)}
    return replace(cast(Any, described), **values)


@dataclass(frozen=True, eq=False)
class Composition(Generic[A]):
    """Forms without a row, as weighted sums of rows: p pieces in all; arrays or tensors.

    Attributes:
        rows: `[p]` int64, ids of words and n-grams.
        weights: `[p]` float32.
        forms: `[p]` int64, which of n forms each is a piece of.
    """

    rows: A
    weights: A
    forms: A

    def only(self, kept: A) -> Composition[A]:
        """Without the pieces that `kept` `[p]` is False for: their weights are 0."""
        return Composition(self.rows, self.weights * kept, self.forms)


@dataclass(frozen=True, eq=False)
class Bags(Generic[A]):
    """The bags of a batch's sentences, one after the other, those that sentences share only once.

    Arrays of numpy, or tensors on one device.

    Attributes:
        words: `[m]` int64, word ids; 0 for one that is composed.
        counts: `[m]` float32, how often each stands in its document.
        composition: what the composed ones are made of.
        documents: `[m]` int64, which of the d documents, ascending.
        of: `[b]` int64, the document of each sentence.
        number: d.
    """

    words: A
    counts: A
    composition: Composition[A]
    documents: A
    of: A
    number: int


@dataclass(frozen=True, eq=False)
class Batch(Generic[A]):
    """Sentences described through their distinct word forms, so that what depends on a form is computed once.

    Arrays of numpy, after `to` tensors on one device; int64 but for the lexicon's. Padding is on the right;
    each sentence has at least one token.

    Attributes:
        words: `[n]` word id of each distinct form; 0 for one that is composed.
        casing: `[n]` casing class of each form.
        characters: `[n, c]` characters of each form, right-padded with 0.
        forms: `[b, t]` which form stands at each position (padding: 0, a valid row).
        lengths: `[b]` tokens in each sentence.
        tags: `[b, t]` tag ids (padding: 0), or None where they are not known.
        lexicon: `[b, t, l]` float32, what the lexicon knows of each word, or None without one.
        composition: what the composed forms are made of, or None where words are never composed.
        bags: the words of the sentences' documents, or None where they are not asked for.
    """

    words: A
    casing: A
    characters: A
    forms: A
    lengths: A
    tags: A | None = None
    lexicon: A | None = None
    composition: Composition[A] | None = None
    bags: Bags[A] | None = None

    @property
    def sentences(self) -> int:
        """How many sentences."""
        return int(self.lengths.shape[0])

    @property
    def tokens(self) -> int:
        """How many tokens, padding not counted (waits for the device)."""
        return int(self.lengths.sum())

    def to(self, device: torch.device | str) -> Batch[Tensor]:
        """The same batch as tensors on `device`."""
        return cast("Batch[Tensor]", on(device, self))


def batch_indices(
    lengths: NDArray[np.integer],
    *,
    sentences: int | None = None,
    tokens: int | None = None,
    generator: np.random.Generator | None = None,
) -> list[NDArray[np.int64]]:
    """Groups sentences of near-equal length; every index is in exactly one batch.

    Args:
        lengths: `[s]` tokens in each sentence, at least 1.
        sentences: at most so many sentences in a batch.
        tokens: at most so many tokens in a batch, padding counted (longest length times sentences). A
            sentence longer than that is alone in its batch; none is ever cut.
        generator: makes batches and their order random; the same state gives the same batches. Without it the
            batches are fixed, the longest sentences first (so that want of memory shows at once).

    Raises ValueError if neither limit is given, a limit is below 1, or a length is.
    """
    if sentences is None and tokens is None:
        raise ValueError("batch_indices needs a limit: sentences, tokens or both")
    if any(limit is not None and limit < 1 for limit in (sentences, tokens)):
        raise ValueError(f"a batch holds at least 1: sentences={sentences}, tokens={tokens}")
    sizes = np.asarray(lengths, dtype=np.int64)
    if sizes.size and sizes.min() < 1:
        raise ValueError(f"sentence {int(sizes.argmin())} has no token")
    if generator is None:
        return _chunks(np.argsort(-sizes, kind="stable"), sizes, sentences, tokens)
    # A tenth and one token of noise: other neighbours in every epoch, hardly more padding. Batches of one
    # length alone train a fifth faster, but cost a point of F1 on W-NUT 2017's dev (two seeds).
    noisy = sizes * generator.uniform(1.0, 1.1, sizes.size) + generator.uniform(0.0, 1.0, sizes.size)
    batches = _chunks(np.argsort(noisy, kind="stable"), sizes, sentences, tokens)
    return [batches[i] for i in generator.permutation(len(batches))]


def _chunks(
    order: NDArray[np.int64], lengths: NDArray[np.int64], sentences: int | None, tokens: int | None
) -> list[NDArray[np.int64]]:
    """Cuts `order` into batches that keep within the limits."""
    most_sentences = sentences or len(order)
    most_tokens = tokens or int(lengths.sum()) * len(order)
    batches: list[NDArray[np.int64]] = []
    first, longest = 0, 0
    for i, length in enumerate(lengths[order].tolist()):
        size = i - first
        if size and (size == most_sentences or max(longest, length) * (size + 1) > most_tokens):
            batches.append(order[first:i])
            first, longest = i, 0
        longest = max(longest, length)
    if first < len(order):
        batches.append(order[first:])
    return batches

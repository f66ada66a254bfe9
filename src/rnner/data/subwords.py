"""Vectors of words that a vector file lacks, composed from the vectors of their parts or character n-grams.

A word of several parts ("Tripoli-based", "#NewYork", "don't") gets the mean vector of its known parts.
Any other word ("Lahren", "chocalate") is composed from its character n-grams, whose vectors are fitted to the
words of the file: a bag of n-grams as in fastText (Bojanowski et al. 2017), fitted to given vectors (Zhao,
Mudgal and Liang 2018, "bag of substrings").

Letters: g n-grams, of 3, 4 and 5 characters; d dimensions of a vector.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnner.data.batches import Composition
from rnner.data.word_index import known_spelling

if TYPE_CHECKING:  # slow to import, and only learning needs it
    from torch import Tensor

_MIN_COUNT = 5  # of an n-gram
_SIZES = (3, 4, 5)
_MAX_LENGTH = 20  # of the words that n-grams are learned from; longer ones are mostly not words
_BATCH = 1000
_EPOCHS = 2
_LEARNING_RATE = 0.05

_SEPARATORS = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class WeightedRows:
    """Rows `[p]` int64 and their weights `[p]` float32; the weighted sum is the vector of a composed word."""

    rows: NDArray[np.int64]
    weights: NDArray[np.float32]


def composable(form: str) -> bool:
    """Return whether a form may be composed: at least two letters, no digit, not a web address."""
    lowered = form.lower()
    if form.isalpha():  # fast path for most words
        return len(form) > 1 and not lowered.startswith("http")
    letters = sum(character.isalpha() for character in form)
    return letters > 1 and not any(c.isdecimal() for c in form) and not lowered.startswith(("http", "www."))


def compose(form: str, known: Mapping[str, int], grams: Mapping[str, int], mean: int) -> WeightedRows | None:
    """Return the composition of a form, or None if it cannot be composed.

    Args:
        form: a word without a vector.
        known: the row of each word with a vector.
        grams: the row of each n-gram.
        mean: the row of the mean vector.
    """
    if not composable(form):
        return None
    lowered = form.lower()
    parts = [part for part in _SEPARATORS.split(_split_camel_case(form)) if part]
    if [part.lower() for part in parts] != [lowered]:
        spellings = [known_spelling(part, known) for part in parts if len(part) > 1]
        rows = [known[part] for part in spellings if part in known]
        if rows:
            return WeightedRows(np.array(rows), np.full(len(rows), 1 / len(rows), dtype=np.float32))
    letters = lowered if lowered.isalpha() else "".join(filter(str.isalpha, lowered))
    rows = [row for row in map(grams.get, n_grams(letters)) if row is not None]
    if not rows:
        return None
    weights = np.full(len(rows) + 1, len(rows) ** -0.5, dtype=np.float32)
    weights[-1] = 1
    return WeightedRows(np.array([*rows, mean]), weights)


def collate_compositions(compositions: Sequence[WeightedRows | None]) -> Composition[NDArray[Any]]:
    """Collate the compositions of n forms; None for a form that has a row."""
    forms = [form for form, found in enumerate(compositions) if found is not None]
    composed = [found for found in compositions if found is not None]
    none: list[NDArray[np.generic]] = [np.zeros(0, dtype=np.int64)]
    sizes = [len(found.rows) for found in composed]
    return Composition(
        rows=np.concatenate([found.rows for found in composed] or none),
        weights=np.concatenate([found.weights for found in composed] or none).astype(np.float32),
        forms=np.repeat(np.array(forms, dtype=np.int64), sizes),
    )


def n_grams(word: str) -> list[str]:
    """Return the n-grams of a word with boundary marks; for "cat": `<ca cat at> <cat cat> <cat>`."""
    marked = f"<{word}>"
    return [marked[i : i + size] for size in _SIZES for i in range(len(marked) - size + 1)]


def learn_n_grams(words: Sequence[str], vectors: NDArray[np.float32], limit: int) -> tuple[list[str], Tensor]:
    """Return the g most frequent n-grams of words, and a table `[g + 1, d]`: their vectors, then the mean.

    Minimises the squared distance between given and composed vectors with two epochs of Adagrad (Duchi, Hazan
    and Singer 2011) in a fixed order.

    Args:
        words: n distinct words.
        vectors: `[n, d]`.
        limit: maximum number of n-grams.
    """
    import torch

    usable = [i for i, word in enumerate(words) if word.isalpha() and 2 <= len(word) <= _MAX_LENGTH]
    counts: Counter[str] = Counter()
    for i in usable:
        counts.update(
            dict.fromkeys(n_grams(words[i].lower()), 1)
        )  # a set would have a different order in each process
    kept = [gram for gram, count in counts.most_common(limit) if count >= _MIN_COUNT]
    rows = {gram: row for row, gram in enumerate(kept)}
    grams = {i: [rows[gram] for gram in n_grams(words[i].lower()) if gram in rows] for i in usable}
    grams = {i: found for i, found in grams.items() if found}
    targets = torch.from_numpy(vectors[list(grams)])
    mean = targets.mean(0) if grams else torch.zeros(vectors.shape[1])
    table = _fit(list(grams.values()), targets - mean, len(kept))
    return kept, torch.cat([table, mean[None]])


def _fit(grams: Sequence[Sequence[int]], targets: Tensor, rows: int) -> Tensor:
    """Fit a table `[rows, d]` so that the scaled sum of a word's rows is close to its target."""
    import torch
    from torch.nn import functional as F

    table, squares = torch.zeros(rows, targets.shape[1]), torch.full((rows, targets.shape[1]), 1e-10)
    generator = np.random.default_rng(0)
    for _ in range(_EPOCHS):
        order = generator.permutation(len(grams))
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            sizes = torch.tensor([len(grams[i]) for i in chosen])
            flat = torch.tensor([row for i in chosen for row in grams[i]])
            touched, inverse = torch.unique(flat, return_inverse=True)
            own = table[touched].requires_grad_()
            sums = F.embedding_bag(inverse, own, sizes.cumsum(0) - sizes, mode="sum")
            error = sums / sizes[:, None].sqrt() - targets[chosen]
            (gradient,) = torch.autograd.grad(error.square().sum(1).mean(), own)
            squares[touched] += gradient.square()
            table[touched] -= _LEARNING_RATE * gradient / squares[touched].sqrt()
    return table


def _split_camel_case(form: str) -> str:
    """Split words in camel case: `NewYork` becomes `New York`. Works in any script with capitals."""
    if form[1:].islower() or form.isupper():  # fast path for most words
        return form
    borders = (a.islower() and b.isupper() for a, b in pairwise(form))
    return form[:1] + "".join(" " * border + b for border, b in zip(borders, form[1:], strict=True))

"""Vectors for words that a vector file lacks, composed of what it has.

A word of several parts ("Tripoli-based", "#NewYork", "don't") is the mean of its parts that have a vector.
Any other one ("Lahren", "chocalate") is composed of its character n-grams, whose vectors are learnt such that
they compose the words that the file does have: a bag of n-grams as in fastText (Bojanowski et al. 2017),
fitted to given vectors (Zhao, Mudgal and Liang 2018, "bag of substrings").

Letters: g n-grams, of 3, 4 and 5 characters; d numbers in a vector.
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
from rnner.data.word_index import spelling_in

if TYPE_CHECKING:  # slow to import, and only learning needs it
    from torch import Tensor

_SEEN = 5  # times an n-gram must be seen
_SIZES = (3, 4, 5)
_LONGEST = 20  # characters of the words that n-grams are learnt from; longer ones are mostly no words
_BATCH = 1000
_PASSES = 2
_RATE = 0.05

_BETWEEN = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class WeightedRows:
    """Rows whose weighted sum is a word's vector: `[p]` int64, and their weights `[p]` float32."""

    rows: NDArray[np.int64]
    weights: NDArray[np.float32]


def composable(form: str) -> bool:
    """Whether a form may be composed: it has two letters and no digit, and is no web address."""
    lowered = form.lower()
    if form.isalpha():  # most, and quick to tell
        return len(form) > 1 and not lowered.startswith("http")
    letters = sum(character.isalpha() for character in form)
    return letters > 1 and not any(c.isdecimal() for c in form) and not lowered.startswith(("http", "www."))


def compose(form: str, known: Mapping[str, int], grams: Mapping[str, int], mean: int) -> WeightedRows | None:
    """What a form is composed of; None if it cannot be.

    Args:
        form: a word without a vector.
        known: the row of each word that has one.
        grams: the row of each n-gram.
        mean: the row of the mean vector.
    """
    if not composable(form):
        return None
    lowered = form.lower()
    parts = [part for part in _BETWEEN.split(_camel_apart(form)) if part]
    if [part.lower() for part in parts] != [lowered]:
        spelt = [spelling_in(part, known) for part in parts if len(part) > 1]
        rows = [known[part] for part in spelt if part in known]
        if rows:
            return WeightedRows(np.array(rows), np.full(len(rows), 1 / len(rows), dtype=np.float32))
    letters = lowered if lowered.isalpha() else "".join(filter(str.isalpha, lowered))
    rows = [row for row in map(grams.get, n_grams(letters)) if row is not None]
    if not rows:
        return None
    weights = np.full(len(rows) + 1, len(rows) ** -0.5, dtype=np.float32)
    weights[-1] = 1
    return WeightedRows(np.array([*rows, mean]), weights)


def composition(pieces: Sequence[WeightedRows | None]) -> Composition[NDArray[Any]]:
    """The pieces of n forms together; None for a form that has a row."""
    forms = [form for form, found in enumerate(pieces) if found is not None]
    composed = [found for found in pieces if found is not None]
    none: list[NDArray[np.generic]] = [np.zeros(0, dtype=np.int64)]
    sizes = [len(found.rows) for found in composed]
    return Composition(
        rows=np.concatenate([found.rows for found in composed] or none),
        weights=np.concatenate([found.weights for found in composed] or none).astype(np.float32),
        forms=np.repeat(np.array(forms, dtype=np.int64), sizes),
    )


def n_grams(word: str) -> list[str]:
    """The n-grams of a word, its borders counted as characters: of "cat" `<ca cat at> <cat cat> <cat>`."""
    marked = f"<{word}>"
    return [marked[i : i + size] for size in _SIZES for i in range(len(marked) - size + 1)]


def learn(words: Sequence[str], vectors: NDArray[np.float32], most: int) -> tuple[list[str], Tensor]:
    """The g n-grams that words have most often, and rows `[g + 1, d]` float32 for them; the mean comes last.

    Squared distance, two passes of Adagrad (Duchi, Hazan and Singer 2011) over the words, in a fixed order.

    Args:
        words: n distinct words.
        vectors: [n, d].
        most: n-grams that are learnt at most, the most frequent ones.
    """
    import torch

    usable = [i for i, word in enumerate(words) if word.isalpha() and 2 <= len(word) <= _LONGEST]
    counts: Counter[str] = Counter()
    for i in usable:
        counts.update(dict.fromkeys(n_grams(words[i].lower()), 1))  # a set has another order in each process
    kept = [gram for gram, count in counts.most_common(most) if count >= _SEEN]
    rows = {gram: row for row, gram in enumerate(kept)}
    spelt = [[rows[gram] for gram in n_grams(words[i].lower()) if gram in rows] for i in usable]
    chosen = [place for place, own in enumerate(spelt) if own]
    targets = torch.from_numpy(vectors[[usable[place] for place in chosen]])
    mean = targets.mean(0) if chosen else torch.zeros(vectors.shape[1])
    table = _fitted([spelt[place] for place in chosen], targets - mean, len(kept))
    return kept, torch.cat([table, mean[None]])


def _fitted(spelt: Sequence[Sequence[int]], targets: Tensor, rows: int) -> Tensor:
    """A table `[rows, d]`: those of a word, summed and divided by the root of their number, come near it."""
    import torch
    from torch.nn import functional as F

    table, squares = torch.zeros(rows, targets.shape[1]), torch.full((rows, targets.shape[1]), 1e-10)
    generator = np.random.default_rng(0)
    for _ in range(_PASSES):
        order = generator.permutation(len(spelt))
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            sizes = torch.tensor([len(spelt[i]) for i in chosen])
            flat = torch.tensor([row for i in chosen for row in spelt[i]])
            touched, places = torch.unique(flat, return_inverse=True)
            own = table[touched].requires_grad_()
            sums = F.embedding_bag(places, own, sizes.cumsum(0) - sizes, mode="sum")
            error = sums / sizes[:, None].sqrt() - targets[chosen]
            (gradient,) = torch.autograd.grad(error.square().sum(1).mean(), own)
            squares[touched] += gradient.square()
            table[touched] -= _RATE * gradient / squares[touched].sqrt()
    return table


def _camel_apart(form: str) -> str:
    """`NewYork` as `New York`, in any script that has capitals."""
    if form[1:].islower() or form.isupper():  # most, and quick to tell
        return form
    borders = (a.islower() and b.isupper() for a, b in pairwise(form))
    return form[:1] + "".join(" " * border + b for border, b in zip(borders, form[1:], strict=True))

"""Vectors for words that a vector file lacks, composed of what it has.

A word of several parts ("Tripoli-based", "#NewYork", "don't") is the mean of its parts that have a vector.
Any other one ("Lahren", "chocalate") is composed of its character n-grams, whose vectors are learnt such that
they compose the words that the file does have: a bag of n-grams as in fastText (Bojanowski et al. 2017),
fitted to given vectors (Zhao, Mudgal and Liang 2018, "bag of substrings").

Letters: n-grams of 3, 4 and 5 characters; d numbers in a vector.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from rnner.data.vectors import spelling_in

BUCKETS = 2**16  # n-grams share rows by a hash: 13 MB of 100 numbers each in half precision
_SIZES = (3, 4, 5)
_LONGEST = 20  # characters of the words that n-grams are learnt from; longer ones are mostly no words
_BATCH = 4096
_RATE = 0.05

_BETWEEN = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Pieces:
    """Rows whose weighted sum is a word's vector: `[p]` int64, and their weights `[p]` float32."""

    rows: NDArray[np.int64]
    weights: NDArray[np.float32]


def compose(form: str, known: Mapping[str, int], first: int) -> Pieces | None:
    """What a form is composed of; None if it has no two letters, or holds a digit, or is a web address.

    Args:
        form: a word without a vector.
        known: the row of each word that has one.
        first: the row of n-gram bucket 0; behind the last bucket is the row of the mean vector.
    """
    lowered = form.lower()
    letters = "".join(character for character in lowered if character.isalpha())
    if len(letters) < 2 or any(c.isdecimal() for c in form) or lowered.startswith(("http", "www.")):
        return None
    parts = [part for part in _BETWEEN.split(_camel_apart(form)) if part]
    if [part.lower() for part in parts] != [lowered]:
        spelt = [spelling_in(part, known) for part in parts if len(part) > 1]
        rows = [known[part] for part in spelt if part in known]
        if rows:
            return Pieces(np.array(rows), np.full(len(rows), 1 / len(rows), dtype=np.float32))
    buckets, _ = n_grams([letters])
    weights = np.full(len(buckets) + 1, len(buckets) ** -0.5, dtype=np.float32)
    weights[-1] = 1
    return Pieces(np.append(first + buckets, first + BUCKETS), weights)


def learn(words: Sequence[str], vectors: NDArray[np.float32]) -> Tensor:
    """Rows `[BUCKETS + 1, d]` float32 for n-grams, the mean vector last, fitted to words and their vectors.

    Squared distance, one pass of Adagrad (Duchi, Hazan and Singer 2011) over the words, in a fixed order.

    Args:
        words: n distinct words.
        vectors: [n, d].
    """
    usable = [i for i, word in enumerate(words) if word.isalpha() and 2 <= len(word) <= _LONGEST]
    order = np.random.default_rng(0).permutation(np.array(usable, dtype=np.int64))
    table = torch.zeros(BUCKETS, vectors.shape[1], requires_grad=True)
    mean = torch.from_numpy(vectors[order].mean(axis=0)) if len(order) else torch.zeros(vectors.shape[1])
    optimizer = torch.optim.Adagrad([table], lr=_RATE)
    for start in range(0, len(order), _BATCH):
        chosen = order[start : start + _BATCH]
        buckets, counts = n_grams([words[i].lower() for i in chosen])
        sizes = torch.from_numpy(counts)
        sums = F.embedding_bag(torch.from_numpy(buckets), table, sizes.cumsum(0) - sizes, mode="sum")
        error = sums / sizes[:, None].sqrt() + mean - torch.from_numpy(vectors[chosen])
        optimizer.zero_grad()
        torch.autograd.backward(error.square().sum(1).mean())
        optimizer.step()
    return torch.cat([table.detach(), mean[None]])


def n_grams(words: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The buckets of the n-grams of words of at least one letter, word by word, and how many each word has.

    The word's borders count as characters: of "cat" there are `<ca cat at> <cat cat> <cat>`.
    """
    marked = "".join(f"<{word}>" for word in words)
    codes = np.frombuffer(marked.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    lengths = np.array([len(word) + 2 for word in words], dtype=np.int64)
    owner = np.repeat(np.arange(len(words)), lengths)
    ends = np.cumsum(lengths)[owner]
    buckets, owners = [], []
    for size in _SIZES:
        inside = np.arange(len(codes)) + size <= ends
        hashes = np.full(inside.sum(), size, dtype=np.uint64)
        places = np.nonzero(inside)[0]
        for k in range(size):
            hashes = _mixed(hashes ^ codes[places + k])
        buckets.append((hashes % np.uint64(BUCKETS)).astype(np.int64))
        owners.append(owner[inside])
    order = np.argsort(np.concatenate(owners), kind="stable")
    counts = np.bincount(np.concatenate(owners), minlength=len(words))
    return np.concatenate(buckets)[order], counts


def _camel_apart(form: str) -> str:
    """`NewYork` as `New York`, in any script that has capitals."""
    borders = (a.islower() and b.isupper() for a, b in pairwise(form))
    return form[:1] + "".join(" " * border + b for border, b in zip(borders, form[1:], strict=True))


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A hash that is the same on every machine: multiply (2^64 over the golden ratio) and shift."""
    values = values * np.uint64(0x9E3779B97F4A7C15)
    mixed: NDArray[np.uint64] = values ^ (values >> np.uint64(29))
    return mixed

"""The oracle of the CRF tests: all tag sequences of a short sentence, with their scores."""

from itertools import pairwise, product
from typing import NamedTuple

import torch
from torch import Tensor

from rnner.nn.crf.transitions import join_transitions


class Scheme(NamedTuple):
    """Tags and their allowed transitions; `boundary` as in the heads."""

    tags: list[str]
    start: Tensor
    step: Tensor
    end: Tensor
    boundary: Tensor


def scheme(name: str) -> Scheme:
    tags = {
        "iob2": ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"],
        "bioes": ["O", "B-PER", "I-PER", "E-PER", "S-PER"],
        "binary": ["0", "1"],
    }[name]

    def continues(a: str, b: str) -> bool:
        if name == "binary":
            return a == b == "1"
        return a[0] in "BI" and b[0] in "IE" and a[1:] == b[1:]

    def may_follow(a: str, b: str) -> bool:
        if name == "bioes" and a[0] in "BI":
            return continues(a, b)
        return b[0] not in "IE" or continues(a, b)

    return Scheme(
        tags,
        start=torch.tensor([tag[0] not in "IE" for tag in tags]),
        step=torch.tensor([[may_follow(a, b) for b in tags] for a in tags]),
        end=torch.tensor([name != "bioes" or tag[0] not in "BI" for tag in tags]),
        boundary=torch.tensor([[not continues(a, b) for b in tags] for a in tags]),
    )


def random_moves(scheme: Scheme, dtype: torch.dtype = torch.float64, scale: float = 1.0) -> Tensor:
    allowed = join_transitions(scheme.start, scheme.step, scheme.end)
    return (scale * torch.randn(allowed.shape, dtype=dtype)).masked_fill(~allowed, -torch.inf)


def enumerate_sequences(emissions: Tensor, moves: Tensor) -> tuple[list[tuple[int, ...]], Tensor]:
    """Return all legal tag sequences of a sentence [t, k] in lexicographic order, and their scores."""
    t, k = emissions.shape
    e, m = emissions.tolist(), moves.tolist()
    sequences, scores = [], []
    for tags in product(range(k), repeat=t):
        path = [k, *tags, k]
        score = sum(m[a][b] for a, b in pairwise(path))
        score = score + sum(e[i][tag] for i, tag in enumerate(tags))
        if score > -torch.inf:
            sequences.append(tags)
            scores.append(score)
    return sequences, torch.tensor(scores, dtype=emissions.dtype)


def contains(
    tags: tuple[int, ...], path: list[int], start: int, end: int, boundary: list[list[bool]]
) -> bool:
    """Return whether the tags equal the path on a span, with a boundary on either side of it."""
    opens = start == 0 or boundary[tags[start - 1]][tags[start]]
    closes = end == len(tags) or boundary[tags[end - 1]][tags[end]]
    return list(tags[start:end]) == path[start:end] and opens and closes

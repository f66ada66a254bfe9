"""Ragged sentences as packed rows, so that only words that exist are ever computed.

Sentences are sorted by length, the longest first. Step s of a recurrence then reads the s-th word of the
first `sizes[s]` sentences, and the rows of all steps lie one after the other: N rows, as many as there are
words; padding has no place. Reading backward packs into the same steps; only the words differ.

A buffer of states `[b+N+1, D, h]`, for D directions side by side, begins with a block of b rows for the
states before the first word; then comes a block for each step, and at the end one row of zeros, which is what
padding gives out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor


@dataclass(frozen=True)
class Packing:
    """Which word stands in which packed row: b sentences of at most t words, N in all, D directions."""

    sizes: tuple[int, ...]
    """How many sentences are still being read at each step: never growing, N in sum."""
    words: Tensor
    """`[D, N]`: the row of x `[b*t, i]` that each packed row reads."""
    places: Tensor
    """`[D, b*t]`: the packed row of each word; N for padding."""
    outputs: Tensor
    """`[b*t*D]`: for each word and direction, its row in a buffer of states seen as `[(b+N+1)*D, h]`."""
    gradients: Tensor
    """`[N*D]`: for each packed row, its row in the gradient of the output seen as `[b*t*D, h]`."""
    order: Tensor
    """`[b]`: the sentences, the longest first."""
    last: Tensor
    """`[b]`: the row of each sentence's final state in a buffer of states."""
    previous: Tensor | None
    """`[N]`: the row of the state before each packed row; None where that is row n for row n."""

    def stretches(self, rows: int) -> Iterator[Stretch]:
        """The steps in order, in stretches of about so many rows (one step at least)."""
        begin, first, n, before = 0, 0, 0, self.order.shape[0]
        for step, size in enumerate(self.sizes, start=1):
            n += size
            if n + size > rows or step == len(self.sizes):
                own = slice(first, first + n)
                start = self.order.shape[0] + first - before
                states = slice(start, start + before + n)
                previous = None if self.previous is None else self.previous[own] - start
                yield Stretch(self.sizes[begin:step], before, own, states, previous)
                begin, first, n, before = step, first + n, 0, size


@dataclass(frozen=True)
class Stretch:
    """Some steps in a row, n words in all, and the block of states before them."""

    sizes: tuple[int, ...]
    """How many sentences are read at each step."""
    before: int
    """How many rows the block of states before the first of these steps has."""
    rows: slice
    """The n packed rows."""
    states: slice
    """The rows of a buffer of states: the block before, then n rows."""
    previous: Tensor | None
    """As in `Packing`, counted from the start of `states`."""

    def split(self, packed: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
        """Views of the rows of each step: n rows to `sizes[0]`, `sizes[1]`, ... rows."""
        return packed.split_with_sizes(self.sizes, dim)

    def blocks(self, states: Tensor, dim: int = 0) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Views of the states before and after each step, both with the rows of the step."""
        blocks = states.split_with_sizes((self.before, *self.sizes), dim)
        before = tuple(
            block if block.shape[dim] == size else block.narrow(dim, 0, size)
            for block, size in zip(blocks, self.sizes, strict=False)
        )
        return before, blocks[1:]

    def earlier(self, states: Tensor) -> Tensor:
        """The state before each of the n rows: `[before + n, D, h]` to `[n, D, h]`."""
        if self.previous is None:
            return states[: states.shape[0] - self.before]
        return states.index_select(0, self.previous)


def pack(lengths: Tensor, steps: int, directions: tuple[bool, ...]) -> Packing:
    """Lay out sentences for a scan.

    Args:
        lengths: `[b]` int64, from 0 to `steps`, at least one above 0.
        steps: t, the width to which the sentences are padded.
        directions: for each direction, whether it reads backward.

    Raises:
        ValueError: a length below 0 or above `steps`.
    """
    return _pack(tuple(lengths.tolist()), steps, directions, lengths.device)


# The layers of a stack, and batches of the same lengths, ask for the same packing again.
@lru_cache(maxsize=32)
def _pack(
    lengths: tuple[int, ...], steps: int, directions: tuple[bool, ...], device: torch.device
) -> Packing:
    if not 0 <= min(lengths) <= max(lengths) <= steps:
        raise ValueError(f"lengths must be from 0 to {steps}, not {min(lengths)} to {max(lengths)}")
    with torch.inference_mode(False):  # what is kept must serve in training, too
        length, order = torch.tensor(lengths).sort(descending=True, stable=True)
        reading = torch.arange(int(length[0]))[:, None] < length
        step, rank = reading.nonzero(as_tuple=True)
        sizes = reading.sum(dim=1)
        b, n, d = len(lengths), len(step), len(directions)

        own = length[rank] - 1 - step
        words = order[rank] * steps + torch.stack([own if reverse else step for reverse in directions])
        places = torch.full((d, b * steps), n).scatter_(1, words, torch.arange(n).expand(d, n))
        direction = torch.arange(d)
        begins = torch.cat([torch.zeros(1, dtype=torch.int64), b + sizes.cumsum(0) - sizes])
        last = torch.empty_like(order).index_copy_(0, order, begins[length] + torch.arange(b))
        return Packing(
            sizes=tuple(sizes.tolist()),
            words=words.to(device),
            places=places.to(device),
            outputs=((b + places.T) * d + direction).flatten().to(device),
            gradients=(words.T * d + direction).flatten().to(device),
            order=order.to(device),
            last=last.to(device),
            previous=None if n == b * len(sizes) else (begins[step] + rank).to(device),
        )

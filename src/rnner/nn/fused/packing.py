"""Ragged batches as packed rows, so that padding is never computed.

The layout is that of `torch.nn.utils.rnn.PackedSequence`: sentences are sorted by length, the longest first,
step s reads the s-th word of the first `batch_sizes[s]` sentences, and the rows of all steps are
concatenated: N rows for N words. Reading backward takes the same steps; only the words differ.

A buffer of states `[b+N+1, D, h]`, for D directions, holds b rows with the states before the first word, then
N rows with the state after each packed row, then one row of zeros, which is the output for padding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor


@dataclass(frozen=True)
class Packing:
    """The packed layout of b sentences, padded to t words, with N words in all and D directions."""

    batch_sizes: tuple[int, ...]
    """Number of sentences that each step reads: non-increasing, with the sum N."""
    word_index: Tensor
    """`[D, N]`: the row of x `[b*t, i]` that each packed row reads."""
    packed_index: Tensor
    """`[D, b*t]`: the packed row of each word; N for padding."""
    output_index: Tensor
    """`[b*t*D]`: the row of each word and direction in a buffer of states seen as `[(b+N+1)*D, h]`."""
    gradient_index: Tensor
    """`[N*D]`: the row of each packed row and direction in the gradient of the output, as `[b*t*D, h]`."""
    sorted_indices: Tensor
    """`[b]`: the sentences, the longest first."""
    final_index: Tensor
    """`[b]`: the row of each sentence's final state in a buffer of states."""
    previous_index: Tensor | None
    """`[N]`: the row of the state before each packed row; None if that is row n for packed row n."""

    def chunks(self, size: int) -> Iterator[StepChunk]:
        """Yield the steps in order, in chunks of at most `size` rows, but at least one step each."""
        b = len(self.sorted_indices)
        begin, first, n, size_before = 0, 0, 0, b
        for step, batch_size in enumerate(self.batch_sizes, start=1):
            n += batch_size
            if n + batch_size > size or step == len(self.batch_sizes):
                rows = slice(first, first + n)
                start = b + first - size_before
                states = slice(start, start + size_before + n)
                previous = None if self.previous_index is None else self.previous_index[rows] - start
                yield StepChunk(self.batch_sizes[begin:step], size_before, rows, states, previous)
                begin, first, n, size_before = step, first + n, 0, batch_size


@dataclass(frozen=True)
class StepChunk:
    """Consecutive steps, n rows in all, and the states before them.

    The methods return one view per step, `[rows, D, ...]`, or `[D, rows, ...]` with `directions_first`.
    """

    batch_sizes: tuple[int, ...]
    """Number of sentences that each step reads."""
    size_before: int
    """Number of states before the first of these steps."""
    rows: slice
    """The n packed rows."""
    states: slice
    """The rows of a buffer of states: `size_before` states, then n."""
    previous_index: Tensor | None
    """As in `Packing`, counted from the start of `states`."""

    def split(self, packed: Tensor, *, directions_first: bool = False) -> tuple[Tensor, ...]:
        """Split n packed rows into steps."""
        dim = int(directions_first)
        return packed.transpose(0, dim).split_with_sizes(self.batch_sizes, dim)

    def states_before(self, states: Tensor, *, directions_first: bool = False) -> tuple[Tensor, ...]:
        """Return the states before each step, one per sentence that the step reads."""
        dim = int(directions_first)
        blocks = states.transpose(0, dim).split_with_sizes((self.size_before, *self.batch_sizes), dim)
        return tuple(
            block if block.shape[dim] == size else block.narrow(dim, 0, size)
            for block, size in zip(blocks[:-1], self.batch_sizes, strict=True)
        )

    def states_after(self, states: Tensor, *, directions_first: bool = False) -> tuple[Tensor, ...]:
        """Return the states after each step."""
        return self.split(states[self.size_before :], directions_first=directions_first)

    def previous_states(self, states: Tensor) -> Tensor:
        """Return the state before each of the n rows: `[size_before + n, D, h]` to `[n, D, h]`."""
        if self.previous_index is None:
            return states[: states.shape[0] - self.size_before]
        return states.index_select(0, self.previous_index)


def pack(lengths: Tensor, steps: int, reverse: tuple[bool, ...]) -> Packing:
    """Compute the packed layout of a batch.

    Args:
        lengths: `[b]` int64, from 0 to `steps`, at least one above 0.
        steps: t, the number of words that sentences are padded to.
        reverse: for each direction, whether it reads backward.

    Raises:
        ValueError: a length is below 0 or above `steps`.
    """
    return _pack(tuple(lengths.tolist()), steps, reverse, lengths.device)


# Cached, because the layers of a stack, and batches of the same lengths, need the same layout.
@lru_cache(maxsize=32)
def _pack(lengths: tuple[int, ...], steps: int, reverse: tuple[bool, ...], device: torch.device) -> Packing:
    if not 0 <= min(lengths) <= max(lengths) <= steps:
        raise ValueError(f"lengths must be from 0 to {steps}, got {min(lengths)} to {max(lengths)}")
    with torch.inference_mode(False):  # a layout cached in prediction must work in training, too
        length, order = torch.tensor(lengths).sort(descending=True, stable=True)
        reading = torch.arange(int(length[0]))[:, None] < length
        step, rank = reading.nonzero(as_tuple=True)
        sizes = reading.sum(dim=1)
        b, n, d = len(lengths), len(step), len(reverse)

        from_end = length[rank] - 1 - step
        words = order[rank] * steps + torch.stack([from_end if backward else step for backward in reverse])
        packed = torch.full((d, b * steps), n).scatter_(1, words, torch.arange(n).expand(d, n))
        direction = torch.arange(d)
        begins = torch.cat([torch.zeros(1, dtype=torch.int64), b + sizes.cumsum(0) - sizes])
        final = torch.empty_like(order).index_copy_(0, order, begins[length] + torch.arange(b))
        return Packing(
            batch_sizes=tuple(sizes.tolist()),
            word_index=words.to(device),
            packed_index=packed.to(device),
            output_index=((b + packed.T) * d + direction).flatten().to(device),
            gradient_index=(words.T * d + direction).flatten().to(device),
            sorted_indices=order.to(device),
            final_index=final.to(device),
            previous_index=None if n == b * len(sizes) else (begins[step] + rank).to(device),
        )

"""A recurrence over inputs that are multiplied by W_ax beforehand: for prediction, where words come again.

What a layer takes in is a sum, W_ax x<t> + b_a. Where x<t> depends on the word alone, that sum is the same
wherever the word stands; where a part of it depends on the document alone, so is that part's share. So a
batch gathers rows of a table and adds its sentences' shares instead of multiplying; `rnner.nn.fused.scan` does the
rest.

Letters: n words or documents, D directions, g gates, h units; other shapes as in `rnner.nn.fused.scan`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnner.nn.cells import Cell
from rnner.nn.fused.packing import pack
from rnner.nn.fused.paths import scan_of
from rnner.nn.fused.scan import Scan
from rnner.nn.recurrent import Bidirectional, Recurrent

_STRETCH = 1 << 18  # numbers in the gates of one stretch: they stay in a core's own cache


class Projected:
    """The recurrence of one layer, over rows of tables. It keeps copies of the weights and no gradient.

    Args:
        scan: the mathematics of the cells' class.
        cells: D of them, of the same sizes.
        directions: for each cell, whether it reads backward.
    """

    def __init__(self, scan: Scan, cells: Sequence[Cell], directions: Sequence[bool]) -> None:
        self._scan, self._directions, self._states = scan, tuple(directions), cells[0].states
        h = cells[0].hidden_size
        W_ax, W_aa, b_a = (
            torch.stack([weight.detach() for weight in weights])
            for weights in zip(*((cell.W_ax, cell.W_aa, cell.b_a) for cell in cells), strict=True)
        )
        for weight in (W_ax, W_aa, b_a):
            weight[:, scan.tanh * h : (scan.tanh + 1) * h] *= 2
        self._W_aa = W_aa.mT.contiguous()
        bounds = [0, *accumulate(group * h for group in scan.groups)]
        rows = [slice(*bounds[i : i + 2]) for i in range(len(scan.groups))]
        self._W_ax = [W_ax[:, own].flatten(0, 1) for own in rows]  # [D*group*h, i] for each group of gates
        self._b_a = [b_a[:, own].flatten() for own in rows]

    @classmethod
    def of(cls, layer: nn.Module) -> Projected | None:
        """The recurrence of a layer; None if it is computed in another way than by a scan."""
        if isinstance(layer, Bidirectional) and layer.together:
            parts = [layer.forward_layer, layer.backward_layer]
        elif isinstance(layer, Recurrent):
            parts = [layer]
        else:
            return None
        scan = scan_of(parts[0].cell, parts[0].path)
        if scan is None:
            return None
        return cls(scan, [part.cell for part in parts], [part.reverse for part in parts])

    @property
    def widths(self) -> list[int]:
        """How many numbers a row of each table has."""
        return [len(b_a) for b_a in self._b_a]

    def tables(self, x: Tensor, first: int, *, biased: bool) -> list[Tensor]:
        """The share of some features in the sums, a table `[n, width]` for each of `widths`.

        Args:
            x: `[n, j]`, features `first` to `first + j` of what the layer takes.
            first: see there.
            biased: whether the bias is added; in one of the shares it must be.
        """
        columns = slice(first, first + x.shape[1])
        return [
            F.linear(x, W_ax[:, columns], b_a if biased else None)
            for W_ax, b_a in zip(self._W_ax, self._b_a, strict=True)
        ]

    def run(
        self, tables: Sequence[Tensor], rows: Tensor, lengths: Tensor, shares: Sequence[Tensor] | None = None
    ) -> Tensor:
        """Read sentences from the cells' own start: output `[b, t, D*h]`, zero in the padding.

        Args:
            tables: `[n, width]` for each of `widths`, contiguous.
            rows: `[b, t]` int64, which row of the tables is the input at each word.
            lengths: `[b]` int64, from 1 to t.
            shares: `[b, width]` for each of `widths`, added to the inputs of each sentence; None: nothing.
        """
        (b, t), d, h = rows.shape, len(self._directions), self._W_aa.shape[1]
        packing = pack(lengths, t, self._directions)
        n = packing.words.shape[1]
        direction = torch.arange(d, device=rows.device)[:, None]
        read = rows.flatten()[packing.words].mul_(d).add_(direction).T.contiguous()  # [N, D]
        tables = [table.view(-1, table.shape[1] // d) for table in tables]
        added = [share.index_select(0, packing.order).view(b, d, -1) for share in shares or ()]
        states = [self._W_aa.new_empty(b + n + 1, d, h) for _ in range(self._states)]
        for state in states:
            state[:b], state[-1] = 0, 0
        for stretch in packing.stretches(_STRETCH // sum(self.widths)):
            own = read[stretch.rows].flatten()
            gates = [table.index_select(0, own).view(-1, d, table.shape[1]) for table in tables]
            for gate, share in zip(gates, added, strict=False):
                for size, step in zip(stretch.sizes, stretch.split(gate), strict=True):
                    step.add_(share[:size])
            self._scan.forward(gates, [state[stretch.states] for state in states], self._W_aa, stretch)
        return states[0].view(-1, h).index_select(0, packing.outputs).view(b, t, d * h)

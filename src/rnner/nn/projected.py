"""A recurrence with precomputed input products, used for prediction because words repeat.

The input of a step is the sum W_ax x<t> + b_a. The part of x<t> that depends on the word alone adds the same
share to the sum wherever the word occurs, and the part that depends on the document alone adds the same
share throughout the document. So a batch gathers rows of a table and adds one row per sentence, instead of
multiplying. The rest is the scan of `rnner.nn.fused.scan`, whose shapes are also used here.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from rnner.nn.cells import Cell
from rnner.nn.fused.cell_scans import CellScan, Tensors
from rnner.nn.fused.dispatch import scan_for
from rnner.nn.fused.packing import pack
from rnner.nn.fused.scan import new_states
from rnner.nn.recurrent import Bidirectional, RecurrentLayer

_CHUNK_SIZE = 1 << 18  # gate values per chunk of steps, few enough to stay in a core's own cache


class ProjectedRecurrence:
    """The recurrence of one layer over precomputed input products, without gradients. It copies the weights.

    Args:
        scan: the equations of the cells' class.
        cells: D cells of the same size.
        reverse: for each cell, whether it reads backward.

    Attributes:
        widths: the number of columns of each table, one table per group of gates.
    """

    def __init__(self, scan: CellScan, cells: Sequence[Cell], reverse: Sequence[bool]) -> None:
        self._scan, self._reverse, self._states = scan, tuple(reverse), cells[0].states
        h = cells[0].hidden_size
        W_ax, W_aa, b_a = (
            torch.stack([getattr(cell, name).detach() for cell in cells]) for name in ("W_ax", "W_aa", "b_a")
        )
        for weight in (W_ax, W_aa, b_a):
            scan.double_tanh_gate_(weight, h)
        self._W_aa = W_aa.mT.contiguous()
        self._W_ax = [W_ax[:, rows].flatten(0, 1) for rows in scan.group_rows(h)]  # [D*group*h, i]
        self._b_a = [b_a[:, rows].flatten() for rows in scan.group_rows(h)]
        self.widths = [len(b_a) for b_a in self._b_a]

    @classmethod
    def from_layer(cls, layer: RecurrentLayer) -> ProjectedRecurrence | None:
        """Return the recurrence of a layer; None if no scan supports the layer."""
        parts = layer.directions
        if not parts or (isinstance(layer, Bidirectional) and not layer.runs_jointly):
            return None
        scan = scan_for(parts[0].cell, parts[0].path)
        return (
            None
            if scan is None
            else cls(scan, [part.cell for part in parts], [part.reverse for part in parts])
        )

    def project(self, x: Tensor, first: int, *, biased: bool) -> list[Tensor]:
        """Return the share that some features add to the input products, one table per entry of `widths`.

        Args:
            x: `[n, j]`, the features `first` to `first + j` of the layer's input.
            first: index of the first of these features.
            biased: whether to add the bias; exactly one of the shares must contain it.

        Returns:
            Tables `[n, width]`.
        """
        columns = slice(first, first + x.shape[1])
        return [
            F.linear(x, W_ax[:, columns], b_a if biased else None)
            for W_ax, b_a in zip(self._W_ax, self._b_a, strict=True)
        ]

    def run(self, tables: Tensors, rows: Tensor, lengths: Tensor, shares: Tensors | None = None) -> Tensor:
        """Return the output `[b, t, D*h]` of the layer, zero in the padding.

        Args:
            tables: `[n, width]` for each of `widths`, contiguous.
            rows: `[b, t]` int64, the row of the tables that each word reads.
            lengths: `[b]` int64, from 1 to t.
            shares: `[b, width]` for each of `widths`, added to the input products of each sentence.
        """
        (b, t), d, h = rows.shape, len(self._reverse), self._W_aa.shape[1]
        packing = pack(lengths, t, self._reverse)
        direction = torch.arange(d, device=rows.device)[:, None]
        index = rows.flatten()[packing.word_index].mul_(d).add_(direction).T.contiguous()  # [N, D]
        tables = [table.view(-1, table.shape[1] // d) for table in tables]
        added = [share.index_select(0, packing.sorted_indices).view(b, d, -1) for share in shares or ()]
        states = new_states(self._W_aa, packing, h, self._states)
        for chunk in packing.chunks(_CHUNK_SIZE // sum(self.widths)):
            read = index[chunk.rows].flatten()
            gates = [table.index_select(0, read).view(-1, d, table.shape[1]) for table in tables]
            for gate, share in zip(gates, added, strict=False):  # `added` may be empty
                for size, step in zip(chunk.batch_sizes, chunk.split(gate), strict=True):
                    step.add_(share[:size])
            self._scan.forward(gates, [state[chunk.states] for state in states], self._W_aa, chunk)
        return states[0].view(-1, h).index_select(0, packing.output_index).view(b, t, d * h)

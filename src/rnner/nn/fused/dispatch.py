"""The implementations of each cell, and the choice between them.

"loop" works for every cell and defines the result. "fused" is rnner's own scan. "native" is a library
kernel, available for cells whose equations it computes exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from rnner.nn.cells import Cell, GRUCell, GRUResetAfterCell, LSTMCell, NoRecurrenceCell, RNNCell, State
from rnner.nn.fused.cell_scans import CellScan, GRUScan, LSTMScan, RNNScan
from rnner.nn.fused.native import run_native
from rnner.nn.fused.scan import run_scan
from rnner.nn.loop import Recurrence, run_loops
from rnner.nn.padding import final_output, padding_mask

Implementation = Callable[[Recurrence], tuple[Tensor, State]]


def run_without_recurrence(
    cell: Cell, x: Tensor, lengths: Tensor, state: State, *, reverse: bool
) -> tuple[Tensor, State]:
    """Run a `NoRecurrenceCell` over all words at once, with the arguments and results of `run_loop`."""
    outside = padding_mask(x, lengths)[..., None]
    output = torch.tanh(cell.project(x.masked_fill(outside, 0))).masked_fill(outside, 0)
    return output, (final_output(output, lengths, state[0], reverse=reverse),)


_SCANS: dict[type[Cell], CellScan] = {RNNCell: RNNScan(), GRUCell: GRUScan(), LSTMCell: LSTMScan()}
_IMPLEMENTATIONS: dict[type[Cell], dict[str, Implementation]] = {
    RNNCell: {"fused": partial(run_scan, _SCANS[RNNCell]), "native": partial(run_native, torch.rnn_tanh)},
    GRUCell: {"fused": partial(run_scan, _SCANS[GRUCell])},
    GRUResetAfterCell: {"native": partial(run_native, torch.gru)},
    LSTMCell: {"fused": partial(run_scan, _SCANS[LSTMCell]), "native": partial(run_native, torch.lstm)},
    NoRecurrenceCell: {"fused": partial(run_loops, run=run_without_recurrence)},
}
# The faster of the two, measured with scripts/bench_recurrent.py. On CUDA, cuDNN launches far fewer kernels.
_FASTEST: dict[type[Cell], dict[str, str]] = {
    RNNCell: {"cpu": "fused", "cuda": "native"},
    LSTMCell: {"cpu": "native", "cuda": "native"},
}
# On the CPU, a kernel that also computes the padding is fastest only for batches with little padding.
_FASTEST_WITH_PADDING: dict[type[Cell], str] = {LSTMCell: "fused"}
LITTLE_PADDING = 0.85
"""Minimum share of words in `[b, t]` for a batch to count as having little padding."""


def register_implementation(cell: type[Cell], name: str, implementation: Implementation) -> None:
    """Register a "fused" or "native" implementation of a cell class.

    It does not apply to subclasses, which may compute something else.

    Raises:
        ValueError: the name is not one of these, or the cell already has an implementation of that name.
    """
    if name not in ("fused", "native"):
        raise ValueError(f'an implementation must be called "fused" or "native", not {name!r}')
    if name in _IMPLEMENTATIONS.get(cell, {}):
        raise ValueError(f"{cell.__name__} already has an implementation {name!r}")
    _IMPLEMENTATIONS.setdefault(cell, {})[name] = implementation


def implementation_names(cell: Cell) -> tuple[str, ...]:
    """Return the names of the cell's implementations, "loop" first."""
    return ("loop", *_IMPLEMENTATIONS.get(type(cell), {}))


def choose_implementation(cell: Cell, path: str) -> str:
    """Return the name of the implementation for a path; for "auto", the fastest on the cell's device.

    For batches with much padding, "auto" may run another one; see `run_recurrence`.

    Raises:
        ValueError: the path is unknown or not available for this cell; the message lists the available ones.
    """
    if path not in ("auto", "loop", "fused", "native"):
        raise ValueError(f"path must be one of auto, loop, fused, native, not {path!r}")
    names = implementation_names(cell)
    if path == "auto":
        return _FASTEST.get(type(cell), {}).get(cell.b_a.device.type, names[1 % len(names)])
    if path not in names:
        raise ValueError(
            f"{type(cell).__name__} has no path {path!r}; use one of: {', '.join(('auto', *names))}"
        )
    return path


def scan_for(cell: Cell, path: str) -> CellScan | None:
    """Return the scan for a cell with projected inputs; None if the cell has no scan or the path excludes it.

    For such inputs, the scan is fastest even where "auto" would choose a library kernel.
    """
    return _SCANS.get(type(cell)) if path in ("auto", "fused") else None


def in_functorch() -> bool:
    """Return whether a `torch.func` transform (vmap, grad, ...) is active; tensor values may be hidden."""
    return torch._C._are_functorch_transforms_active()


def run_recurrence(path: str, recurrence: Recurrence) -> tuple[Tensor, State]:
    """Run a recurrence with the implementation for a path.

    Under a `torch.func` transform the loop runs. The other implementations compute in the dtype of the
    weights, even under autocast.
    """
    cells, _, x, lengths, _ = recurrence
    kind = type(cells[0])
    name = "loop" if in_functorch() else choose_implementation(cells[0], path)
    if name == "loop":
        return run_loops(recurrence)
    if path == "auto" and x.device.type == "cpu" and kind in _FASTEST_WITH_PADDING:
        little_padding = int(lengths.sum()) >= LITTLE_PADDING * x.shape[0] * x.shape[1]
        name = name if little_padding else _FASTEST_WITH_PADDING[kind]
    with torch.autocast(x.device.type, enabled=False):
        return _IMPLEMENTATIONS[kind][name](recurrence._replace(x=x.to(cells[0].b_a.dtype)))

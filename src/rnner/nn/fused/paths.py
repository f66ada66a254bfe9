"""Which ways there are to run a cell, and which one is the fastest.

"loop" is there for every cell and says what the others must compute. "fused" is this package's own, "native"
a kernel of the library where that computes the very same equations.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from rnner.nn.cells import Cell, GRUCell, GRUResetAfterCell, LSTMCell, NoRecurrenceCell, RNNCell, State
from rnner.nn.fused.cell_scans import GRUScan, LSTMScan, RNNScan
from rnner.nn.fused.native import run_native, run_wordwise
from rnner.nn.fused.scan import Scan, run_scan
from rnner.nn.loop import run_loop

NAMES = ("auto", "loop", "fused", "native")


class RecurrencePath(Protocol):
    """Runs D cells of one class and of the same sizes over the same sentences; see `run_scan`."""

    def __call__(
        self,
        cells: Sequence[Cell],
        directions: Sequence[bool],
        x: Tensor,
        lengths: Tensor,
        state: State | None = None,
    ) -> tuple[Tensor, State]:
        """From x `[b, t, i]` and lengths `[b]` to output `[b, t, D*h]` and the final states."""


def loop_path(
    cells: Sequence[Cell], directions: Sequence[bool], x: Tensor, lengths: Tensor, state: State | None = None
) -> tuple[Tensor, State]:
    """The plain loop as a `RecurrencePath`: one direction after the other."""
    outputs: list[Tensor] = []
    final: State = ()
    for d, (cell, reverse) in enumerate(zip(cells, directions, strict=True)):
        own = None if state is None else state[d * cell.states : (d + 1) * cell.states]
        output, end = run_loop(cell, x, lengths, own, reverse=reverse)
        outputs.append(output)
        final += end
    return torch.cat(outputs, dim=-1) if len(outputs) > 1 else outputs[0], final


_SCANS: dict[type[Cell], Scan] = {RNNCell: RNNScan(), GRUCell: GRUScan(), LSTMCell: LSTMScan()}
_PATHS: dict[type[Cell], dict[str, RecurrencePath]] = {
    RNNCell: {"fused": partial(run_scan, _SCANS[RNNCell]), "native": partial(run_native, torch.rnn_tanh)},
    GRUCell: {"fused": partial(run_scan, _SCANS[GRUCell])},
    GRUResetAfterCell: {"native": partial(run_native, torch.gru)},
    LSTMCell: {"fused": partial(run_scan, _SCANS[LSTMCell]), "native": partial(run_native, torch.lstm)},
    NoRecurrenceCell: {"fused": run_wordwise},
}
# The fastest, where there are two; see scripts/bench_recurrent.py. On CUDA cuDNN saves the many launches.
_FASTEST: dict[type[Cell], dict[str, str]] = {
    RNNCell: {"cpu": "fused", "cuda": "native"},
    LSTMCell: {"cpu": "native", "cuda": "native"},
}
# On CPU a kernel that also runs over the padding is the fastest only where little of a batch is padding.
_FASTEST_WITH_PADDING: dict[type[Cell], str] = {LSTMCell: "fused"}
MOSTLY_WORDS = 0.85
"""The share of words in `[b, t]` from which on a batch counts as one with little padding."""


def register_path(cell: type[Cell], name: str, path: RecurrencePath) -> None:
    """Give a cell of one's own a "fused" or "native" path.

    It serves this very class: a subclass may compute something else, so it goes through the loop until it
    registers a path itself.

    Raises:
        ValueError: another name, or the cell has such a path already.
    """
    if name not in ("fused", "native"):
        raise ValueError(f'a path of one\'s own is "fused" or "native", not {name!r}')
    if name in _PATHS.get(cell, {}):
        raise ValueError(f"{cell.__name__} has a path {name!r} already")
    _PATHS.setdefault(cell, {})[name] = path


def path_names(cell: Cell) -> tuple[str, ...]:
    """The paths that this cell has, "loop" first."""
    return ("loop", *_PATHS.get(type(cell), {}))


def choose_path(cell: Cell, wanted: str) -> str:
    """Which path runs: the one wanted, or for "auto" the fastest on the device where the cell is.

    Where much of a batch is padding, "auto" may take another (the LSTM on CPU: fused); see `run_path`.

    Raises:
        ValueError: no path of that name, or not for this cell; the message names those there are.
    """
    if wanted not in NAMES:
        raise ValueError(f"path must be one of {', '.join(NAMES)}, not {wanted!r}")
    names = path_names(cell)
    if wanted == "auto":
        return _FASTEST.get(type(cell), {}).get(cell.b_a.device.type, names[1 % len(names)])
    if wanted not in names:
        raise ValueError(
            f"{type(cell).__name__} has no path {wanted!r}; it has: {', '.join(('auto', *names))}"
        )
    return wanted


def scan_of(cell: Cell, wanted: str) -> Scan | None:
    """What runs a cell over inputs that are projected already; None if it has no scan, or none is wanted.

    "auto" wants it even where a library kernel is the fastest for inputs that are not.
    """
    return _SCANS.get(type(cell)) if wanted in ("auto", "fused") else None


def is_transformed() -> bool:
    """Whether this runs inside a `torch.func` transform (vmap, grad, ...), where values may be hidden."""
    return torch._C._are_functorch_transforms_active()


def run_path(
    wanted: str,
    cells: Sequence[Cell],
    directions: Sequence[bool],
    x: Tensor,
    lengths: Tensor,
    state: State | None = None,
) -> tuple[Tensor, State]:
    """Run cells of one class by the path that is wanted; other args and results are those of `run_scan`.

    Under a `torch.func` transform it is always the loop. The other paths compute in the type of the weights,
    whatever autocast says.
    """
    name = "loop" if is_transformed() else choose_path(cells[0], wanted)
    if name == "loop":
        return loop_path(cells, directions, x, lengths, state)
    if wanted == "auto" and x.device.type == "cpu" and type(cells[0]) in _FASTEST_WITH_PADDING:
        mostly_words = int(lengths.sum()) >= MOSTLY_WORDS * x.shape[0] * x.shape[1]
        name = name if mostly_words else _FASTEST_WITH_PADDING[type(cells[0])]
    with torch.autocast(x.device.type, enabled=False):
        return _PATHS[type(cells[0])][name](cells, directions, x.to(cells[0].b_a.dtype), lengths, state)

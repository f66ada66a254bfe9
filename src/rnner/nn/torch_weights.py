"""Conversion to and from `torch.nn`, for the cells that compute the same equations.

    RNNCell             torch.nn.RNN (tanh)
    LSTMCell            torch.nn.LSTM, without projections
    GRUResetAfterCell   torch.nn.GRU

`GRUCell`, the notes' GRU, has no counterpart: its reset gate acts before the product, and that of
`torch.nn.GRU` after it. torch has two biases where the equations have one; only their sum matters, except
for b_cc of the reset-after GRU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import nn

from rnner.nn.cells import Cell, GRUResetAfterCell, LSTMCell, RNNCell
from rnner.nn.fused.native import kernel_weights
from rnner.nn.recurrent import Bidirectional, Recurrent, RecurrentLayer, Stack

_MODULES: dict[type[Cell], Callable[..., nn.RNNBase]] = {
    RNNCell: nn.RNN,
    LSTMCell: nn.LSTM,
    GRUResetAfterCell: nn.GRU,
}


def to_torch(layer: RecurrentLayer) -> nn.RNNBase:
    """Return a `torch.nn.RNN`, `LSTM` or `GRU` that computes the same function, with copies of the weights.

    Args:
        layer: a forward `Recurrent`, a `Bidirectional`, or a `Stack` of one of these kinds.

    Returns:
        The module, with `batch_first` and the layer's dtype, device and mode. It needs packed sequences if
        sentences differ in length.

    Raises:
        ValueError: torch has no counterpart of the layer.
    """
    layers = cast("list[RecurrentLayer]", list(layer.layers)) if isinstance(layer, Stack) else [layer]
    for part in layers:
        if [direction.reverse for direction in part.directions] not in ([False], [False, True]):
            raise ValueError(
                f"torch.nn has no counterpart of {part}; torch.nn reads forward or in both directions"
            )
    cells = [direction.cell for part in layers for direction in part.directions]
    kind, h = type(cells[0]), cells[0].hidden_size
    if kind not in _MODULES:
        names = ", ".join(cell.__name__ for cell in _MODULES)
        raise ValueError(f"torch.nn has no counterpart of {kind.__name__}; expected one of: {names}")
    directions = {len(part.directions) for part in layers}
    if len({(type(cell), cell.hidden_size) for cell in cells}) > 1 or len(directions) > 1:
        raise ValueError("torch.nn needs the same cell class, hidden size and directions in all layers")
    if isinstance(layer, Stack) and layer.between is not None:
        raise ValueError("torch.nn supports only its own dropout between layers; use between=None")
    module = _MODULES[kind](
        cells[0].input_size, h, num_layers=len(layers), bidirectional=directions == {2}, batch_first=True
    )
    module.to(cells[0].b_a).train(layer.training)
    with torch.no_grad():
        for targets, cell in zip(module.all_weights, cells, strict=True):
            for target, weight in zip(targets, kernel_weights(cell), strict=True):
                target.copy_(weight)
    return module


def from_torch(module: nn.RNNBase) -> RecurrentLayer:
    """Return a layer that computes the same function as a `torch.nn` module, with copies of its weights.

    The module's dropout between layers is ignored.

    Args:
        module: a `torch.nn.RNN` with tanh, an `LSTM` without projections, or a `GRU`.

    Returns:
        A `Recurrent` or a `Bidirectional`; a `Stack` of them if the module has several layers.

    Raises:
        ValueError: rnner has no counterpart of the module.
    """
    kind = next((cell for cell, module_type in _MODULES.items() if type(module) is module_type), None)
    if kind is None or getattr(module, "nonlinearity", "tanh") != "tanh" or module.proj_size:
        raise ValueError(
            "only torch.nn.RNN with tanh, torch.nn.LSTM without projections and torch.nn.GRU have a "
            f"counterpart in rnner, not {module}"
        )
    cells, h = [], module.hidden_size
    for W_ih, W_hh, *biases in module.all_weights:
        cell = kind(W_ih.shape[1], h).to(W_ih)
        b_ih, b_hh = biases if biases else [torch.zeros_like(cell.b_a)] * 2
        with torch.no_grad():
            cell.W_ax.copy_(W_ih)
            cell.W_aa.copy_(W_hh)
            cell.b_a.copy_(b_ih + b_hh)
            if isinstance(cell, GRUResetAfterCell):
                cell.b_a[2 * h :] = b_ih[2 * h :]
                cell.b_cc.copy_(b_hh[2 * h :])
        cells.append(cell)
    layers: list[RecurrentLayer] = [Recurrent(cell) for cell in cells]
    if module.bidirectional:
        pairs = zip(cells[::2], cells[1::2], strict=True)
        layers = [Bidirectional(Recurrent(there), Recurrent(back, reverse=True)) for there, back in pairs]
    return (Stack(layers) if len(layers) > 1 else layers[0]).train(module.training)

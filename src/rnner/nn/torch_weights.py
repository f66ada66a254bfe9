"""Weights to and from `torch.nn`, for the cells whose equations coincide with its own.

    RNNCell             torch.nn.RNN (tanh)
    LSTMCell            torch.nn.LSTM, without projections
    GRUResetAfterCell   torch.nn.GRU

`GRUCell`, the notes' GRU, has no counterpart: its reset gate acts before the product, that of `torch.nn.GRU`
after it. torch keeps two biases where the equations have one; their sum is what counts (the reset-after GRU's
b_cc excepted, which is a bias of its own there, too).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from rnner.nn.cells import Cell, GRUResetAfterCell, LSTMCell, RNNCell
from rnner.nn.recurrent import Bidirectional, Recurrent, RecurrentLayer, Stack

_MODULES: dict[type[Cell], Callable[..., nn.RNNBase]] = {
    RNNCell: nn.RNN,
    LSTMCell: nn.LSTM,
    GRUResetAfterCell: nn.GRU,
}


def to_torch(layer: RecurrentLayer) -> nn.RNNBase:
    """A `torch.nn.RNN`, `LSTM` or `GRU` that computes the same, with copies of the weights.

    Args:
        layer: a `Recurrent` that reads forward, a `Bidirectional`, or a `Stack` of one kind of either.

    Returns:
        The module, `batch_first`, in the layer's type, device and mode. It wants packed sequences where
        sentences differ in length.

    Raises:
        ValueError: a layer that torch has no counterpart for.
    """
    layers = [_cells(part) for part in (layer.layers if isinstance(layer, Stack) else [layer])]
    cells = [cell for part in layers for cell in part]
    first = cells[0]
    kind, directions, h = type(first), len(layers[0]), first.hidden_size
    if kind not in _MODULES:
        raise ValueError(
            f"torch.nn has no layer that computes {kind.__name__}; it has one for: "
            + ", ".join(cell.__name__ for cell in _MODULES)
        )
    if any(type(cell) is not kind or cell.hidden_size != h for cell in cells) or any(
        len(part) != directions for part in layers
    ):
        raise ValueError(
            "torch.nn wants one class of cell, one hidden size and as many directions throughout"
        )
    if isinstance(layer, Stack) and layer.between is not None:
        raise ValueError("torch.nn has no module between layers but its own dropout; use between=None")
    module = _MODULES[kind](
        first.input_size, h, num_layers=len(layers), bidirectional=directions == 2, batch_first=True
    )
    module.to(first.b_a).train(layer.training)
    with torch.no_grad():
        for (W_ih, W_hh, b_ih, b_hh), cell in zip(_parameters(module), cells, strict=True):
            W_ih.copy_(cell.W_ax)
            W_hh.copy_(cell.W_aa)
            b_ih.copy_(cell.b_a)
            b_hh.zero_()
            if isinstance(cell, GRUResetAfterCell):
                b_hh[2 * h :] = cell.b_cc
    return module


def from_torch(module: nn.RNNBase) -> RecurrentLayer:
    """A layer that computes what a `torch.nn` module does, with copies of its weights.

    Dropout between the layers of the module is not taken over.

    Args:
        module: a `torch.nn.RNN` with tanh, `LSTM` without projections, or `GRU`.

    Returns:
        A `Recurrent`, a `Bidirectional`, or with several layers a `Stack` of them.

    Raises:
        ValueError: a module that computes something else.
    """
    kind = next((cell for cell, module_type in _MODULES.items() if type(module) is module_type), None)
    if kind is None or getattr(module, "nonlinearity", "tanh") != "tanh" or module.proj_size:
        raise ValueError(
            "only torch.nn.RNN with tanh, torch.nn.LSTM without projections and torch.nn.GRU have a "
            f"counterpart here, not {module}"
        )
    directions = 2 if module.bidirectional else 1
    cells = []
    for n, parameters in enumerate(_parameters(module)):
        size = module.input_size if n < directions else directions * module.hidden_size
        cells.append(_cell(kind(size, module.hidden_size), *parameters))
    layers: list[RecurrentLayer] = []
    for n in range(0, len(cells), directions):
        there = Recurrent(cells[n])
        layers.append(
            Bidirectional(there, Recurrent(cells[n + 1], reverse=True)) if directions == 2 else there
        )
    layer = Stack(layers) if len(layers) > 1 else layers[0]
    return layer.train(module.training)


def _cells(layer: nn.Module) -> list[Cell]:
    """The cell of one direction, or those of two."""
    if isinstance(layer, Bidirectional):
        return [layer.forward_layer.cell, layer.backward_layer.cell]
    if isinstance(layer, Recurrent) and not layer.reverse:
        return [layer.cell]
    raise ValueError(f"torch.nn has no counterpart for {layer}; it reads forward, or in both directions")


def _parameters(module: nn.RNNBase) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """W_ih, W_hh, b_ih and b_hh of each layer and direction (zeros for biases that are not there)."""
    found: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    for W_ih, W_hh, *biases in module.all_weights:
        zeros = W_ih.new_zeros(W_ih.shape[0])
        b_ih, b_hh = biases or (zeros, zeros)
        found.append((W_ih, W_hh, b_ih, b_hh))
    return found


def _cell(cell: Cell, W_ih: Tensor, W_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> Cell:
    cell.to(W_ih)
    with torch.no_grad():
        cell.W_ax.copy_(W_ih)
        cell.W_aa.copy_(W_hh)
        cell.b_a.copy_(b_ih + b_hh)
        if isinstance(cell, GRUResetAfterCell):
            h = cell.hidden_size
            cell.b_a[2 * h :] = b_ih[2 * h :]
            cell.b_cc.copy_(b_hh[2 * h :])
    return cell

"""Conversion to and from `torch.nn`: both compute the same numbers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from rnner.nn.cells import Cell, GRUCell, GRUResetAfterCell, LSTMCell, RNNCell
from rnner.nn.recurrent import Bidirectional, Recurrent, RecurrentLayer, Stack
from rnner.nn.torch_weights import from_torch, to_torch

LENGTHS = torch.tensor([6, 3, 1, 5])
KINDS = [(RNNCell, nn.RNN), (LSTMCell, nn.LSTM), (GRUResetAfterCell, nn.GRU)]


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def packed(module: nn.RNNBase, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the output, padded with zeros, and the final h of all layers and directions."""
    sequence = nn.utils.rnn.pack_padded_sequence(x, LENGTHS.cpu(), batch_first=True, enforce_sorted=False)
    output, final = module(sequence)
    return nn.utils.rnn.pad_packed_sequence(output, batch_first=True)[0], (
        final[0] if isinstance(final, tuple) else final
    )


def bidirectional(kind: type[Cell], i: int, h: int) -> Bidirectional:
    return Bidirectional(Recurrent(kind(i, h)), Recurrent(kind(i, h), reverse=True))


def randomised(module: nn.Module) -> nn.Module:
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)
    return module.double()


@pytest.mark.parametrize(("kind", "module"), KINDS)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("directions", [1, 2])
def test_to_torch_and_back(kind: type[Cell], module: type[nn.RNNBase], layers: int, directions: int) -> None:
    parts: list[RecurrentLayer] = [
        bidirectional(kind, 5 if n == 0 else 8, 4)
        if directions == 2
        else Recurrent(kind(5 if n == 0 else 4, 4))
        for n in range(layers)
    ]
    ours = randomised(Stack(parts) if layers > 1 else parts[0])
    theirs = to_torch(ours)
    assert type(theirs) is module
    x = torch.randn(4, 6, 5).double()
    output, final = ours(x, LENGTHS)
    expected, h = packed(theirs, x)
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(torch.stack(final[:: parts[0].states // directions]), h)
    again = from_torch(theirs)
    assert type(again) is type(ours)
    torch.testing.assert_close(again(x, LENGTHS)[0], output)


@pytest.mark.parametrize(("kind", "module"), KINDS)
def test_torch_s_two_biases_are_summed(kind: type[Cell], module: type[nn.RNNBase]) -> None:
    theirs = randomised(module(5, 4, bidirectional=True, batch_first=True))
    x = torch.randn(4, 6, 5).double()
    torch.testing.assert_close(from_torch(theirs)(x, LENGTHS)[0], packed(theirs, x)[0])


def test_a_module_without_biases() -> None:
    theirs = randomised(nn.GRU(5, 4, bias=False, batch_first=True))
    x = torch.randn(4, 6, 5).double()
    torch.testing.assert_close(from_torch(theirs)(x, LENGTHS)[0], packed(theirs, x)[0])


def test_weights_are_copies_in_the_same_mode() -> None:
    ours = Recurrent(LSTMCell(5, 4)).eval()
    theirs = to_torch(ours)
    assert not theirs.training
    nn.init.zeros_(theirs.weight_ih_l0)
    assert ours.cell.W_ax.abs().sum() > 0


def test_layers_without_a_counterpart_in_torch_are_refused() -> None:
    with pytest.raises(ValueError, match="no counterpart of GRUCell; expected one of: RNNCell"):
        to_torch(Recurrent(GRUCell(5, 4)))
    with pytest.raises(ValueError, match=r"torch\.nn reads forward or in both directions"):
        to_torch(Recurrent(LSTMCell(5, 4), reverse=True))
    with pytest.raises(ValueError, match="the same cell class, hidden size"):
        to_torch(Stack([Recurrent(LSTMCell(5, 4)), Recurrent(LSTMCell(4, 3))]))
    with pytest.raises(ValueError, match="use between=None"):
        to_torch(Stack([Recurrent(LSTMCell(5, 4)), Recurrent(LSTMCell(4, 4))], between=nn.Dropout()))


@pytest.mark.parametrize("module", [nn.RNN(5, 4, nonlinearity="relu"), nn.LSTM(5, 4, proj_size=2)])
def test_modules_without_a_counterpart_in_rnner_are_refused(module: nn.RNNBase) -> None:
    with pytest.raises(ValueError, match="have a counterpart in rnner, not"):
        from_torch(module)

"""Which implementation runs, and how another one is registered."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from rnner.nn.cells import GRUCell, LSTMCell, NoRecurrenceCell, RNNCell, State, cell_names, get_cell
from rnner.nn.fused import dispatch
from rnner.nn.fused.dispatch import register_implementation
from rnner.nn.loop import Recurrence, run_loops
from rnner.nn.recurrent import Bidirectional, Recurrent

RAGGED = [6, 3, 1, 5]


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


class HalfGRU(GRUCell):
    """A subclass that computes something else than its parent."""

    def step(self, x: Tensor, state: State) -> State:
        return tuple(tensor / 2 for tensor in super().step(x, state))


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    registered = {cell: dict(known) for cell, known in dispatch._IMPLEMENTATIONS.items()}
    monkeypatch.setattr(dispatch, "_IMPLEMENTATIONS", registered)


def test_a_subclass_does_not_inherit_an_implementation() -> None:
    layer = Recurrent(HalfGRU(5, 7))
    assert layer.implementation == "loop"
    x, lengths = torch.randn(2, 1, 5), torch.tensor([1, 1])
    parent = Recurrent(GRUCell(5, 7))
    parent.load_state_dict(layer.state_dict())
    torch.testing.assert_close(layer(x, lengths)[0], parent(x, lengths)[0] / 2)
    with pytest.raises(ValueError, match="HalfGRU has no path 'fused'; use one of: auto, loop"):
        Recurrent(HalfGRU(5, 7), path="fused")


def test_a_cell_may_register_an_implementation(own_registry: None) -> None:
    calls = []

    def own(recurrence: Recurrence) -> tuple[Tensor, State]:
        calls.append(len(recurrence.cells))
        return run_loops(recurrence)

    register_implementation(HalfGRU, "fused", own)
    layer = Bidirectional(Recurrent(HalfGRU(5, 7)), Recurrent(HalfGRU(5, 7), reverse=True))
    layer(torch.randn(2, 4, 5), torch.tensor([4, 2]))
    assert calls == [2] and layer.forward_layer.implementation == "fused"
    with pytest.raises(ValueError, match="already"):
        register_implementation(HalfGRU, "fused", own)
    with pytest.raises(ValueError, match='"fused" or "native", not'):
        register_implementation(HalfGRU, "faster", own)


def test_the_implementation_that_runs_is_shown() -> None:
    shown = {name: repr(Recurrent(get_cell(name)(5, 7))) for name in cell_names()}
    assert "path=fused" in shown["gru"] and "path=native" in shown["gru_reset_after"]
    assert "path=loop" in repr(Recurrent(GRUCell(5, 7), path="loop"))


@pytest.mark.parametrize("device", ["cpu"], indirect=True)  # on CUDA the kernel is always the fastest
def test_an_lstm_runs_the_scan_for_batches_with_much_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []
    plain = dispatch.run_native
    monkeypatch.setitem(
        dispatch._IMPLEMENTATIONS[LSTMCell],
        "native",
        lambda run: ran.append("native") or plain(torch.lstm, run),
    )
    layer, x = Recurrent(LSTMCell(5, 7)), torch.randn(4, 6, 5)
    for lengths, runs in (([6, 6, 5, 6], ["native"]), (RAGGED, [])):
        layer(x, torch.tensor(lengths))
        assert ran == runs
        ran.clear()
    Recurrent(LSTMCell(5, 7), path="native")(x, torch.tensor(RAGGED))
    assert ran == ["native"]


def test_an_unknown_path_is_refused_and_the_known_ones_are_listed() -> None:
    with pytest.raises(ValueError, match="GRUCell has no path 'native'; use one of: auto, loop, fused"):
        Recurrent(GRUCell(5, 7), path="native")


@pytest.mark.parametrize("path", ["loop", "fused"])
def test_the_requested_path_is_the_one_that_runs(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    plain = GRUCell.step
    monkeypatch.setattr(GRUCell, "step", lambda *given: steps.append(1) or plain(*given))
    Recurrent(GRUCell(5, 7), path=path)(torch.randn(2, 4, 5), torch.tensor([4, 2]))
    assert len(steps) == (4 if path == "loop" else 0)


@pytest.mark.parametrize(
    ("one", "other", "jointly"),
    [
        (Recurrent(GRUCell(5, 7)), Recurrent(GRUCell(5, 7), reverse=True), True),
        (Recurrent(GRUCell(5, 7)), Recurrent(GRUCell(5, 6), reverse=True), False),
        (Recurrent(GRUCell(5, 7)), Recurrent(RNNCell(5, 7), reverse=True), False),
        (Recurrent(GRUCell(5, 7)), Recurrent(GRUCell(5, 7), reverse=True, path="loop"), False),
        (Recurrent(GRUCell(5, 7)), Recurrent(GRUCell(5, 7), reverse=True, truncate=2), False),
        (Recurrent(LSTMCell(5, 7)), Recurrent(NoRecurrenceCell(5, 7), reverse=True), False),
    ],
)
def test_directions_run_jointly_only_if_they_are_alike(
    one: Recurrent, other: Recurrent, jointly: bool, device: str
) -> None:
    layer = Bidirectional(one, other).to(device)
    assert layer.runs_jointly is jointly
    x, lengths = torch.randn(4, 6, 5), torch.tensor(RAGGED)
    output, final = layer(x, lengths)
    (there, end), (back, start) = one(x, lengths), other(x, lengths)
    torch.testing.assert_close(output, torch.cat([there, back], dim=-1), rtol=0, atol=1e-6)
    torch.testing.assert_close(final, (*end, *start), rtol=0, atol=1e-6)

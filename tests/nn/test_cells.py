"""Cells: the contract of every registered cell, and the equations against ONNX's reference operators."""

from __future__ import annotations

import doctest

import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn
from torch.func import functional_call

from rnner.nn import cells
from rnner.nn.cells import (
    Cell,
    GRUCell,
    GRUResetAfterCell,
    LSTMCell,
    NoRecurrenceCell,
    RNNCell,
    State,
    cell_names,
    get_cell,
    register_cell,
)
from rnner.nn.recurrent import Bidirectional, Recurrent


class MGUCell(Cell):
    """A cell as a user would write it: the minimal gated unit."""

    gates = 2

    def step(self, x: Tensor, state: State) -> State:
        (a,) = state
        x_f, x_c = x.chunk(2, dim=-1)
        W_f, W_c = self.W_aa.chunk(2)
        gamma_f = torch.sigmoid(x_f + a @ W_f.T)
        candidate = torch.tanh(x_c + (gamma_f * a) @ W_c.T)
        return (gamma_f * candidate + (1 - gamma_f) * a,)


EVERY_CELL = [get_cell(name) for name in cell_names()] + [MGUCell]
LENGTHS = torch.tensor([6, 3, 1, 5])


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo the registrations of each test."""
    monkeypatch.setattr(cells, "_CELLS", dict(cells._CELLS))
    torch.manual_seed(0)


# -- the contract, for every cell -------------------------------------------------------------------------


@pytest.fixture(params=EVERY_CELL, ids=lambda cell: cell.__name__)
def cell(request: pytest.FixtureRequest) -> Cell:
    torch.manual_seed(1)
    return request.param(5, 7).double()


def words(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def test_a_step_keeps_shape_type_and_number_of_states(cell: Cell) -> None:
    state = cell.initial_state(words(4, 5))
    assert [s.shape for s in state] == [(4, 7)] * cell.states
    new = cell.step(cell.project(words(4, 5)), state)
    assert isinstance(new, tuple)
    assert [(s.shape, s.dtype) for s in new] == [((4, 7), torch.float64)] * cell.states


def test_projecting_all_words_at_once_equals_projecting_each(cell: Cell) -> None:
    x = words(4, 6, 5)
    assert cell.project(x).shape == (4, 6, cell.gates * 7)
    torch.testing.assert_close(cell.project(x)[:, 2], cell.project(x[:, 2]))


def test_a_sentence_does_not_depend_on_its_neighbours(cell: Cell) -> None:
    layer = Bidirectional(Recurrent(cell), Recurrent(type(cell)(5, 7).double(), reverse=True))
    x = words(4, 6, 5)
    together, state = layer(x, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        alone, state_alone = layer(x[row : row + 1, :length], LENGTHS[row : row + 1])
        torch.testing.assert_close(together[row, :length], alone[0])
        for one, other in zip(state, state_alone, strict=True):
            torch.testing.assert_close(one[row], other[0])


def test_padding_is_never_read_and_gives_zeros(cell: Cell) -> None:
    x = words(4, 6, 5)
    poisoned = x.clone()
    for row, length in enumerate(LENGTHS.tolist()):
        poisoned[row, length:] = float("nan")
    for reverse in (False, True):
        layer = Recurrent(cell, reverse=reverse)
        inputs = [x.clone().requires_grad_(), poisoned.clone().requires_grad_()]
        results = [layer(i, LENGTHS) for i in inputs]
        torch.testing.assert_close(results[0], results[1], rtol=0, atol=0)
        grads = [
            torch.autograd.grad(
                output.sum() + sum(s.square().sum() for s in state),
                [i, *cell.parameters()],
                allow_unused=True,
            )
            for i, (output, state) in zip(inputs, results, strict=True)
        ]
        torch.testing.assert_close(grads[0], grads[1], rtol=0, atol=0)
        assert grads[1][0][2, 1:].eq(0).all()
        assert results[1][0][1, 3:].eq(0).all()


def test_every_parameter_learns(cell: Cell) -> None:
    output, _ = Recurrent(cell)(words(4, 6, 5), LENGTHS)
    output.square().sum().backward()
    for name, parameter in cell.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_gradients_equal_finite_differences(cell: Cell) -> None:
    x = words(2, 3, 5).requires_grad_()
    parameters = dict(cell.named_parameters())

    def run(x: Tensor, *values: Tensor) -> Tensor:
        named = {f"cell.{name}": value for name, value in zip(parameters, values, strict=True)}
        output: Tensor = functional_call(Recurrent(cell), named, (x, torch.tensor([3, 2])))[0]
        return output

    assert torch.autograd.gradcheck(run, (x, *parameters.values()), fast_mode=True)


def test_the_first_state_is_the_output(cell: Cell) -> None:
    output, state = Recurrent(cell)(words(4, 6, 5), LENGTHS)
    torch.testing.assert_close(output[torch.arange(4), LENGTHS - 1], state[0])


def test_a_sentence_may_be_read_in_two_parts(cell: Cell) -> None:
    layer, x = Recurrent(cell), words(2, 6, 5)
    whole, end = layer(x, torch.tensor([6, 6]))
    first, middle = layer(x[:, :4], torch.tensor([4, 4]))
    second, end_again = layer(x[:, 4:], torch.tensor([2, 2]), middle)
    torch.testing.assert_close(whole, torch.cat([first, second], dim=1))
    torch.testing.assert_close(end, end_again)


def test_weights_survive_saving(cell: Cell) -> None:
    other = type(cell)(5, 7).double()
    other.load_state_dict(cell.state_dict())
    x = words(4, 6, 5)
    torch.testing.assert_close(Recurrent(cell)(x, LENGTHS), Recurrent(other)(x, LENGTHS), rtol=0, atol=0)


def test_the_same_seed_gives_the_same_cell(cell: Cell) -> None:
    pair = []
    for _ in range(2):
        torch.manual_seed(3)
        pair.append(type(cell)(5, 7).state_dict())
    assert all(torch.equal(pair[0][name], pair[1][name]) for name in pair[0])


# -- the equations, against ONNX --------------------------------------------------------------------------


def onnx_layer(operator: str, outputs: int, rows: int, inputs: dict[str, Tensor], **attributes: int) -> list:
    """Run one ONNX recurrent operator in its reference implementation; [t, b, .] in, numpy out."""
    names = [f"Y{n}" for n in range(outputs)]
    node = onnx.helper.make_node(operator, list(inputs), names, hidden_size=rows, **attributes)
    kind = onnx.TensorProto.DOUBLE
    graph = onnx.helper.make_graph(
        [node],
        "layer",
        [onnx.helper.make_tensor_value_info(name, kind, None) for name in inputs if name],
        [onnx.helper.make_tensor_value_info(name, kind, None) for name in names],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)])
    feeds = {name: value.detach().cpu().numpy() for name, value in inputs.items() if name}
    return [torch.tensor(y) for y in ReferenceEvaluator(model).run(None, feeds)]


def in_order(weights: Tensor, *blocks: int) -> Tensor:
    """Return the gates' blocks of rows in ONNX's order, with ONNX's leading axis of directions."""
    parts = weights.detach().chunk(len(blocks))
    return torch.cat([parts[n] for n in blocks])[None]


def both_biases(b: Tensor, hidden: Tensor, *blocks: int) -> Tensor:
    return torch.cat([in_order(b, *blocks), in_order(hidden, *blocks)], dim=-1)


def randomised(cell: Cell) -> Cell:
    """Randomise all parameters, so that no bias is zero and no two gates are equal."""
    for parameter in cell.parameters():
        nn.init.normal_(parameter, std=0.7)
    return cell.double()


def compared_with_onnx(
    cell: Cell, operator: str, blocks: tuple[int, ...], hidden_bias: Tensor, **attributes: int
) -> None:
    x, state = words(3, 6, 5), tuple(words(3, 4) for _ in range(cell.states))
    inputs = {
        "X": x.transpose(0, 1),
        "W": in_order(cell.W_ax, *blocks),
        "R": in_order(cell.W_aa, *blocks),
        "B": both_biases(cell.b_a, hidden_bias, *blocks),
        "": torch.empty(0),
        **{f"state{n}": s[None] for n, s in enumerate(state)},
    }
    y, *ends = onnx_layer(operator, 1 + cell.states, 4, inputs, **attributes)
    output, final = Recurrent(cell, path="loop")(x, torch.tensor([6, 6, 6]), state)
    torch.testing.assert_close(output, y[:, 0].transpose(0, 1), rtol=1e-12, atol=1e-12)
    for ours, theirs in zip(final, ends, strict=True):
        torch.testing.assert_close(ours, theirs[0], rtol=1e-12, atol=1e-12)


def test_rnn_is_onnx_rnn() -> None:
    compared_with_onnx(randomised(RNNCell(5, 4)), "RNN", (0,), torch.zeros(4).double())


def test_notes_gru_is_onnx_gru_with_the_reset_before_and_z_inverted() -> None:
    cell = randomised(GRUCell(5, 4))
    turned = GRUCell(5, 4).double()
    turned.load_state_dict(cell.state_dict())
    with torch.no_grad():  # z = 1 - Γ_u, and 1 - σ(v) = σ(-v)
        for weights in turned.parameters():
            weights[4:8] *= -1
    x = words(3, 6, 5)
    inputs = {
        "X": x.transpose(0, 1),
        "W": in_order(turned.W_ax, 1, 0, 2),
        "R": in_order(turned.W_aa, 1, 0, 2),
        "B": both_biases(turned.b_a, torch.zeros(12).double(), 1, 0, 2),
    }
    y, end = onnx_layer("GRU", 2, 4, inputs, linear_before_reset=0)
    output, (final,) = Recurrent(cell, path="loop")(x, torch.tensor([6, 6, 6]))
    torch.testing.assert_close(output, y[:, 0].transpose(0, 1), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(final, end[0], rtol=1e-12, atol=1e-12)


def test_gru_reset_after_is_onnx_gru_with_linear_before_reset() -> None:
    cell = randomised(GRUResetAfterCell(5, 4))
    hidden_bias = torch.cat([torch.zeros(8).double(), cell.b_cc])
    compared_with_onnx(cell, "GRU", (1, 0, 2), hidden_bias, linear_before_reset=1)


def test_lstm_is_onnx_lstm() -> None:
    compared_with_onnx(randomised(LSTMCell(5, 4)), "LSTM", (0, 3, 1, 2), torch.zeros(16).double())


def test_gamma_u_of_one_replaces_the_memory_and_of_zero_keeps_it() -> None:
    cell = GRUCell(1, 1)
    c, x = torch.tensor([[0.5]]), torch.zeros(1, 3)
    nn.init.zeros_(cell.W_aa)
    x[0, 2] = torch.atanh(torch.tensor(-0.25))
    for pre, expected in ((40.0, -0.25), (-40.0, 0.5)):
        x[0, 1] = pre
        assert cell.step(x, (c,))[0].item() == pytest.approx(expected)


def test_no_recurrence_sees_one_word_at_a_time() -> None:
    x = words(2, 6, 5)
    other = x.clone()
    other[:, 3] += 1
    layer = Recurrent(randomised(NoRecurrenceCell(5, 4)))
    lengths = torch.tensor([6, 6])
    changed = (layer(x, lengths)[0] != layer(other, lengths)[0]).any(dim=-1)
    assert changed.tolist() == [[False, False, False, True, False, False]] * 2
    assert "W_aa" not in dict(layer.cell.named_parameters())


# -- initialisation --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [RNNCell, GRUCell, GRUResetAfterCell, LSTMCell])
def test_each_gate_is_initialised_orthogonal_and_glorot(kind: type[Cell]) -> None:
    cell = kind(30, 20)
    for block in cell.W_aa.chunk(cell.gates):
        torch.testing.assert_close(block @ block.T, torch.eye(20), atol=1e-5, rtol=0)
    bound = (6 / (30 + 20)) ** 0.5
    assert 0.9 * bound < cell.W_ax.abs().max() <= bound


def test_only_the_forget_gate_is_initialised_with_a_bias() -> None:
    assert LSTMCell(3, 2).b_a.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    assert all(parameter.eq(0).all() for parameter in (GRUResetAfterCell(3, 2).b_a, GRUCell(3, 2).b_a))


@pytest.mark.parametrize("sizes", [(0, 3), (3, 0)])
def test_a_size_below_one_is_refused(sizes: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"got {sizes[0]} and {sizes[1]}"):
        GRUCell(*sizes)


# -- the registry -----------------------------------------------------------------------------------------

USER_FILE = """
from rnner.nn.cells import Cell, register_cell
@register_cell("mine")
class MyCell(Cell):
    gates = 1
"""


def load(source: str, path: str) -> None:
    exec(compile(source, path, "exec"), {"__name__": "user_code"})


def test_built_in_cells_are_registered() -> None:
    assert {"rnn", "gru", "gru_reset_after", "lstm", "none"} <= set(cell_names())
    assert get_cell("gru") is GRUCell


def test_an_unknown_name_is_refused_with_the_registered_names() -> None:
    with pytest.raises(ValueError, match=r"'grru'.*gru, gru_reset_after, lstm"):
        get_cell("grru")


def test_a_file_may_be_loaded_twice() -> None:
    load(USER_FILE, "/home/ada/cells.py")
    first = get_cell("mine")
    load(USER_FILE, "/home/ada/cells.py")
    assert get_cell("mine") is not first


@pytest.mark.parametrize(
    ("source", "path"),
    [(USER_FILE, "/home/ada/other.py"), (USER_FILE.replace("MyCell", "Another"), "/home/ada/cells.py")],
)
def test_a_taken_name_is_refused(source: str, path: str) -> None:
    load(USER_FILE, "/home/ada/cells.py")
    with pytest.raises(ValueError, match=r"'mine' is already defined, by MyCell in /home/ada/cells.py"):
        load(source, path)


def test_objects_that_are_not_cells_are_refused() -> None:
    class NoGates(Cell):
        pass

    for wrong in (NoGates, nn.Linear, 3):
        with pytest.raises(ValueError, match="must subclass Cell and set gates"):
            register_cell("wrong")(wrong)
    assert "wrong" not in cell_names()


@pytest.mark.parametrize("device", ["cpu"], indirect=True)  # the example names no device
def test_the_example_in_the_documentation_runs() -> None:
    results = doctest.testmod(cells)
    assert results.attempted >= 5 and results.failed == 0


def test_a_cell_without_a_step_is_refused() -> None:
    class Unfinished(Cell):
        gates = 1

    with pytest.raises(NotImplementedError, match="Unfinished must implement step"):
        Recurrent(Unfinished(5, 3))(torch.randn(1, 2, 5), torch.tensor([2]))


def test_register_cell_without_a_name_is_refused() -> None:
    """Otherwise the decorator would take the class as the name, and never register the cell."""
    with pytest.raises(
        ValueError, match=r"register_cell needs a name, such as @register_cell\(\"mine\"\), not <class"
    ):

        @register_cell  # type: ignore[arg-type]
        class Nameless(Cell):
            gates = 1

"""Recurrent layers: directions, lengths, states, truncation and stacking, some against `torch.nn`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from rnner.nn.cells import Cell, GRUCell, GRUResetAfterCell, LSTMCell, RNNCell, State
from rnner.nn.recurrent import Bidirectional, Recurrent, RecurrentLayer, Stack

LENGTHS = torch.tensor([6, 3, 1, 5])


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def words(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def bidirectional(i: int, h: int, kind: type[Cell] = GRUCell, **options: object) -> Bidirectional:
    return Bidirectional(
        Recurrent(kind(i, h), **options), Recurrent(kind(i, h), reverse=True, **options)
    ).double()


class LastSeen(Cell):
    """Remembers exactly the last three words that were read, in order."""

    gates = 1
    states = 3

    def step(self, x: Tensor, state: State) -> State:
        return (x, *state[:-1])


def recorder(**options: object) -> Recurrent:
    cell = LastSeen(1, 1)
    nn.init.ones_(cell.W_ax)
    return Recurrent(cell, **options)


def test_reading_forward_ends_at_each_sentence_s_own_last_word() -> None:
    x = torch.tensor([[1.0, 2, 3, 4], [5, 6, 0, 0]])[..., None]
    output, state = recorder()(x, torch.tensor([4, 2]))
    assert output[..., 0].tolist() == [[1, 2, 3, 4], [5, 6, 0, 0]]
    assert torch.cat(state, -1).tolist() == [[4, 3, 2], [6, 5, 0]]


def test_reading_backward_starts_at_each_sentence_s_own_last_word() -> None:
    x = torch.tensor([[1.0, 2, 3, 4], [5, 6, 0, 0]])[..., None]
    output, state = recorder(reverse=True)(x, torch.tensor([4, 2]))
    assert output[..., 0].tolist() == [[1, 2, 3, 4], [5, 6, 0, 0]]
    assert torch.cat(state, -1).tolist() == [[1, 2, 3], [5, 6, 0]]


@pytest.mark.parametrize(
    ("kind", "module"), [(RNNCell, nn.RNN), (LSTMCell, nn.LSTM), (GRUResetAfterCell, nn.GRU)]
)
def test_two_directions_over_ragged_sentences_equal_torch_s_packed_layer(
    kind: type[Cell], module: type[nn.RNNBase]
) -> None:
    theirs = module(5, 4, bidirectional=True, batch_first=True).double()
    ours = bidirectional(5, 4, kind)
    with torch.no_grad():
        for suffix, layer in (("", ours.forward_layer), ("_reverse", ours.backward_layer)):
            weights = {name: getattr(theirs, f"{name}_l0{suffix}") for name in ("weight_ih", "weight_hh")}
            layer.cell.W_ax.copy_(weights["weight_ih"])
            layer.cell.W_aa.copy_(weights["weight_hh"])
            bias, hidden_bias = (getattr(theirs, f"{name}_l0{suffix}") for name in ("bias_ih", "bias_hh"))
            layer.cell.b_a.copy_(bias + hidden_bias)
            if kind is GRUResetAfterCell:
                layer.cell.b_a[8:] = bias[8:]
                layer.cell.b_cc.copy_(hidden_bias[8:])
    x = words(4, 6, 5)
    packed = nn.utils.rnn.pack_padded_sequence(x, LENGTHS.cpu(), batch_first=True, enforce_sorted=False)
    expected, ends = theirs(packed)
    expected, _ = nn.utils.rnn.pad_packed_sequence(expected, batch_first=True)
    output, state = ours(x, LENGTHS)
    torch.testing.assert_close(output, expected)
    ends = ends if isinstance(ends, tuple) else (ends,)
    for n, end in enumerate(ends):
        torch.testing.assert_close(torch.stack([state[n], state[n + len(ends)]]), end)


def test_the_initial_state_of_each_direction_is_its_own() -> None:
    layer = bidirectional(5, 4)
    x, (one, other) = words(4, 6, 5), (words(4, 4), words(4, 4))
    output, state = layer(x, LENGTHS, (one, other))
    there, end = layer.forward_layer(x, LENGTHS, (one,))
    back, start = layer.backward_layer(x, LENGTHS, (other,))
    torch.testing.assert_close(output, torch.cat([there, back], dim=-1))
    torch.testing.assert_close(state, (*end, *start))


def test_the_documented_summary_of_a_sentence() -> None:
    layer = bidirectional(5, 4, LSTMCell)
    output, state = layer(words(4, 6, 5), LENGTHS)
    summary = torch.cat([state[0], state[layer.forward_layer.states]], dim=-1)
    last = output[torch.arange(4), LENGTHS - 1, :4]
    torch.testing.assert_close(summary, torch.cat([last, output[:, 0, 4:]], dim=-1))


# -- truncated backpropagation through time ---------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
def test_truncation_changes_no_output(reverse: bool) -> None:
    cell, x = LSTMCell(5, 4).double(), words(4, 6, 5)
    whole = Recurrent(cell, reverse=reverse)(x, LENGTHS)
    cut = Recurrent(cell, reverse=reverse, truncate=2)(x, LENGTHS)
    torch.testing.assert_close(whole, cut)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_gradient_stops_at_the_borders(reverse: bool) -> None:
    layer = Recurrent(GRUCell(5, 4).double(), reverse=reverse, truncate=2)
    x = words(2, 6, 5).requires_grad_()
    start = words(2, 4).requires_grad_()
    output, _ = layer(x, torch.tensor([6, 5]), (start,))
    at = 1 if reverse else 4  # read fifth in the first sentence, fourth or fifth in the second
    (gradient, of_start) = torch.autograd.grad(output[:, at].sum(), (x, start), allow_unused=True)
    reached = gradient.abs().sum(-1).gt(0)
    # Backward, the second sentence's borders are counted from its own last word.
    expected = [[1], [1, 2]] if reverse else [[4], [4]]
    assert [row.nonzero().flatten().tolist() for row in reached] == expected
    assert of_start is None or of_start.eq(0).all()


def test_truncation_beyond_the_length_changes_no_gradient() -> None:
    cell, x = GRUCell(5, 4).double(), words(4, 6, 5)
    gradients = []
    for truncate in (None, 6):
        output, _ = Recurrent(cell, truncate=truncate)(x, LENGTHS)
        gradients.append(torch.autograd.grad(output.square().sum(), list(cell.parameters())))
    torch.testing.assert_close(*gradients)


# -- stacks -----------------------------------------------------------------------------------------------


def test_a_stack_feeds_each_layer_with_the_one_below_and_passes_every_state() -> None:
    layers = [bidirectional(5, 4), Recurrent(LSTMCell(8, 3)).double(), Recurrent(RNNCell(3, 2)).double()]
    stack = Stack(layers)
    assert (stack.input_size, stack.output_size, stack.states) == (5, 2, 5)
    x = words(4, 6, 5)
    state = tuple(words(4, size) for size in (4, 4, 3, 3, 2))
    output, final = stack(x, LENGTHS, state)
    first, one = layers[0](x, LENGTHS, state[:2])
    second, two = layers[1](first, LENGTHS, state[2:4])
    third, three = layers[2](second, LENGTHS, state[4:])
    torch.testing.assert_close(output, third)
    torch.testing.assert_close(final, (*one, *two, *three))


def test_the_module_between_layers_acts_only_there() -> None:
    class Twice(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * x

    lower, upper = Recurrent(RNNCell(5, 4)).double(), Recurrent(RNNCell(4, 3)).double()
    x = words(4, 6, 5)
    expected, _ = upper(2 * lower(x, LENGTHS)[0], LENGTHS)
    torch.testing.assert_close(Stack([lower, upper], between=Twice())(x, LENGTHS)[0], expected)


# -- errors ----------------------------------------------------------------------------------------------


def test_one_layer_cannot_be_both_directions() -> None:
    there, back = Recurrent(RNNCell(5, 4)), Recurrent(RNNCell(5, 4), reverse=True)
    with pytest.raises(ValueError, match="the same one was given twice"):
        Bidirectional(there, there)
    with pytest.raises(ValueError, match="the same one was given twice"):
        Bidirectional(there, Recurrent(there.cell, reverse=True))
    with pytest.raises(ValueError, match=r"reverse=False .* reverse=True, got True and False"):
        Bidirectional(back, there)
    with pytest.raises(ValueError, match="must be equal, got 5 and 6"):
        Bidirectional(there, Recurrent(RNNCell(6, 4), reverse=True))


def test_a_stack_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="layer 1 outputs 4 features, but layer 2 takes 5"):
        Stack([Recurrent(RNNCell(5, 4)), Recurrent(RNNCell(5, 4))])
    with pytest.raises(ValueError, match="at least one layer"):
        Stack([])


@pytest.mark.parametrize("layer", [Recurrent(GRUCell(5, 4)), bidirectional(5, 4).float()])
def test_shapes_that_do_not_fit_are_refused(layer: RecurrentLayer, device: str) -> None:
    layer, x, lengths = layer.to(device), torch.randn(4, 6, 5), LENGTHS
    with pytest.raises(ValueError, match=r"x must be \[b, t, 5\], got \[4, 6, 3\]"):
        layer(x[..., :3], lengths)
    with pytest.raises(ValueError, match=r"lengths must be \[4\] for x \[4, 6, 5\], got \[3\]"):
        layer(x, lengths[:3])
    with pytest.raises(ValueError, match=f"must have {layer.states} tensors"):
        layer(x, lengths, tuple(torch.zeros(4, 4) for _ in range(layer.states + 1)))


@pytest.mark.parametrize("device", ["cpu"], indirect=True)  # on CUDA the check would synchronize
@pytest.mark.parametrize("layer", [Recurrent(GRUCell(5, 4)), bidirectional(5, 4).float()])
def test_lengths_that_do_not_fit_are_refused_on_the_cpu(layer: RecurrentLayer) -> None:
    with pytest.raises(ValueError, match="lengths must be from 1 to 6, got 0 to 7"):
        layer(torch.randn(4, 6, 5), torch.tensor([7, 3, 0, 1]))


def test_invalid_options_are_refused() -> None:
    with pytest.raises(ValueError, match="truncate must be at least 1"):
        Recurrent(RNNCell(5, 4), truncate=0)
    with pytest.raises(ValueError, match=r"one of auto, loop, fused, native, not 'fast'"):
        Recurrent(RNNCell(5, 4), path="fast")


def test_a_step_that_does_not_return_a_tuple_is_refused() -> None:
    class Bare(RNNCell):
        def step(self, x: Tensor, state: State) -> State:
            return super().step(x, state)[0]

    with pytest.raises(ValueError, match=r"Bare\.step must return a tuple of 1 tensors"):
        Recurrent(Bare(5, 4))(torch.randn(4, 6, 5), LENGTHS)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (lambda x: x[:, :1], r"\[4, 7\], not \(\[4, 1\]\)"),
        (lambda x: x[:, :-1], r"\[4, 7\], not \(\[4, 6\]\)"),
        (lambda x: x.mean(0), r"\[4, 7\], not \(\[7\]\)"),
        (lambda x: 0.0, r"not \(float\)"),
    ],
)
def test_a_step_of_another_shape_is_refused_and_never_broadcast(
    step: Callable[[Tensor], object], message: str
) -> None:
    class Wrong(Cell):
        gates = 1

        def step(self, x: Tensor, state: State) -> State:
            return (step(x),)  # type: ignore[return-value]

    with pytest.raises(ValueError, match=r"Wrong\.step must return .*" + message):
        Recurrent(Wrong(5, 7).double())(words(4, 6, 5), LENGTHS)

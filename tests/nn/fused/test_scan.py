"""Every fast path computes what the plain loop does: values, all gradients, whatever the shape."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap

from rnner.nn.cells import Cell, GRUCell, LSTMCell, NoRecurrenceCell, RNNCell, State, cell_names, get_cell
from rnner.nn.fused import paths, scan
from rnner.nn.fused.packing import pack
from rnner.nn.fused.paths import path_names, register_path
from rnner.nn.recurrent import Bidirectional, Recurrent, RecurrentLayer

CELLS = {name: get_cell(name) for name in cell_names()}
FAST = [(name, path) for name, cell in CELLS.items() for path in path_names(cell(1, 1))[1:]]
RAGGED = [6, 3, 1, 5]
LENGTHS = {"ragged": RAGGED, "even": [4, 4, 4], "one word": [1, 1], "one sentence": [5], "T = B = 1": [1]}

CUDNN = 10  # times less exact in float32: its σ and tanh are approximations

fast_paths = pytest.mark.parametrize(("name", "path"), FAST)


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(params=["one stretch", "many stretches"])
def stretches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sentences in one go, or a step or two at a time."""
    if request.param == "many stretches":
        monkeypatch.setattr(scan, "STRETCH", 100)
    yield


def pair(name: str, path: str, i: int, h: int, dtype: torch.dtype) -> tuple[Bidirectional, Bidirectional]:
    """The same two directions twice: by a fast path, and by the loop."""
    cells = [CELLS[name](i, h).to(dtype) for _ in range(2)]
    for cell in cells:
        for parameter in cell.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
    fast, plain = (
        Bidirectional(Recurrent(cells[0], path=p), Recurrent(cells[1], reverse=True, path=p))
        for p in (path, "loop")
    )
    assert fast.forward_layer.chosen_path == path
    return fast, plain


def batch(layer: RecurrentLayer, lengths: list[int], dtype: torch.dtype, h: int) -> list[Tensor]:
    x = torch.randn(
        len(lengths), max(lengths) + 1, layer.input_size, dtype=dtype
    )  # a column of nothing but padding
    state = [torch.randn(len(lengths), h, dtype=dtype) for _ in range(layer.states)]
    return [tensor.requires_grad_() for tensor in (x, *state)]


def value_and_gradients(layer: RecurrentLayer, lengths: list[int], inputs: list[Tensor]) -> list[Tensor]:
    x, *state = inputs
    output, final = layer(x, torch.tensor(lengths), tuple(state))
    generator = torch.Generator().manual_seed(1)
    loss = output.new_zeros(())
    for result in (output, *final):
        loss = loss + (result * torch.randn(result.shape, generator=generator, dtype=result.dtype)).sum()
    wanted = [*inputs, *layer.parameters()]
    gradients = torch.autograd.grad(loss, wanted, allow_unused=True)
    return [output, *final] + [
        torch.zeros_like(w) if g is None else g for w, g in zip(wanted, gradients, strict=True)
    ]


@fast_paths
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS.keys())
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)], ids=["float64", "float32"]
)
def test_a_fast_path_equals_the_loop(
    name: str,
    path: str,
    lengths: list[int],
    dtype: torch.dtype,
    tolerance: float,
    stretches: None,
    device: str,
) -> None:
    tolerance *= CUDNN if device == "cuda" and path == "native" and dtype == torch.float32 else 1
    fast, plain = pair(name, path, 5, 7, dtype)
    inputs = batch(fast, lengths, dtype, 7)
    torch.testing.assert_close(
        value_and_gradients(fast, lengths, inputs),
        value_and_gradients(plain, lengths, inputs),
        rtol=tolerance,
        atol=tolerance,
    )


@fast_paths
@pytest.mark.parametrize("seed", range(3))
def test_a_fast_path_equals_the_loop_at_the_sizes_of_a_tagger(
    name: str, path: str, seed: int, device: str
) -> None:
    tolerance = 3e-6 * (CUDNN if device == "cuda" and path == "native" else 1)
    torch.manual_seed(seed)
    lengths = torch.randint(1, 20, (12,)).tolist()
    cells = [CELLS[name](37, 29) for _ in range(2)]
    fast, plain = (
        Bidirectional(Recurrent(cells[0], path=p), Recurrent(cells[1], reverse=True, path=p))
        for p in (path, "loop")
    )
    inputs = batch(fast, lengths, torch.float32, 29)
    for ours, loops in zip(
        value_and_gradients(fast, lengths, inputs), value_and_gradients(plain, lengths, inputs), strict=True
    ):
        assert (ours - loops).abs().max() <= tolerance * loops.abs().max().clamp(min=1)


@fast_paths
@pytest.mark.parametrize("reverse", [False, True])
def test_one_direction_alone(name: str, path: str, reverse: bool) -> None:
    cell = CELLS[name](5, 7).double()
    inputs = batch(Recurrent(cell), RAGGED, torch.float64, 7)
    torch.testing.assert_close(
        *(
            value_and_gradients(Recurrent(cell, reverse=reverse, path=p), RAGGED, inputs)
            for p in (path, "loop")
        )
    )


@pytest.mark.parametrize("name", [name for name, path in FAST if path == "fused"])
def test_gradients_are_those_of_finite_differences(name: str, stretches: None) -> None:
    fast, _ = pair(name, "fused", 2, 3, torch.float64)
    lengths = [4, 1, 3]
    inputs = batch(fast, lengths, torch.float64, 3)
    weights = dict(fast.named_parameters())

    def run(*tensors: Tensor) -> tuple[Tensor, ...]:
        x, *state = tensors[: len(inputs)]
        named = dict(zip(weights, tensors[len(inputs) :], strict=True))
        output, final = functional_call(fast, named, (x, torch.tensor(lengths), tuple(state)))
        return (output, *final)

    assert torch.autograd.gradcheck(run, (*inputs, *weights.values()), fast_mode=True)


@pytest.mark.parametrize("name", [name for name, path in FAST if path == "fused"])
def test_gradients_can_be_differentiated_again(name: str) -> None:
    fast, _ = pair(name, "fused", 2, 3, torch.float64)
    inputs = batch(fast, [3, 1], torch.float64, 3)

    def run(x: Tensor, *state: Tensor) -> Tensor:
        output, final = fast(x, torch.tensor([3, 1]), state)
        return output.square().sum() + sum(s.sum() for s in final)

    assert torch.autograd.gradgradcheck(run, inputs, fast_mode=True)


@pytest.mark.parametrize("name", [name for name, path in FAST if path == "native"])
def test_a_library_kernel_refuses_to_be_differentiated_twice(name: str) -> None:
    fast, _ = pair(name, "native", 2, 3, torch.float32)
    x, *state = batch(fast, [3, 1], torch.float32, 3)
    output, _ = fast(x, torch.tensor([3, 1]), tuple(state))
    with pytest.raises(RuntimeError, match='build the layer with path="loop"'):
        torch.autograd.grad(output.sum(), x, create_graph=True)


@fast_paths
def test_padding_may_hold_anything(name: str, path: str) -> None:
    fast, _ = pair(name, path, 5, 7, torch.float32)
    inputs = batch(fast, RAGGED, torch.float32, 7)
    poisoned = inputs[0].detach().clone()
    for row, length in enumerate(RAGGED):
        poisoned[row, length:] = float("nan")
    clean = value_and_gradients(fast, RAGGED, inputs)
    torch.testing.assert_close(
        value_and_gradients(fast, RAGGED, [poisoned.requires_grad_(), *inputs[1:]]), clean, rtol=0, atol=0
    )
    for row, length in enumerate(RAGGED):
        assert clean[0][row, length:].eq(0).all()


@fast_paths
@pytest.mark.parametrize("size", [1e2, 1e30])
def test_extreme_inputs_stay_finite(name: str, path: str, size: float) -> None:
    fast, plain = pair(name, path, 5, 7, torch.float32)
    x, *state = batch(fast, RAGGED, torch.float32, 7)
    inputs = [(x.detach() * size).requires_grad_(), *state]
    ours, loops = (value_and_gradients(layer, RAGGED, inputs) for layer in (fast, plain))
    assert all(torch.isfinite(result[:3]).all() for result in ours)
    torch.testing.assert_close(ours[0], loops[0], rtol=1e-4, atol=1e-4)


@fast_paths
def test_a_sentence_does_not_depend_on_its_batch(name: str, path: str) -> None:
    fast, _ = pair(name, path, 5, 7, torch.float32)
    x = torch.randn(4, 6, 5)
    with torch.no_grad():
        together, _ = fast(x, torch.tensor(RAGGED))
        for row, length in enumerate(RAGGED):
            alone, _ = fast(x[row : row + 1, :length], torch.tensor([length]))
            torch.testing.assert_close(together[row, :length], alone[0], rtol=0, atol=1e-6)


@fast_paths
def test_the_same_bits_each_time_with_and_without_gradients(name: str, path: str) -> None:
    fast, _ = pair(name, path, 5, 7, torch.float32)
    inputs = batch(fast, RAGGED, torch.float32, 7)
    runs = [value_and_gradients(fast, RAGGED, inputs) for _ in range(2)]
    assert all(torch.equal(one, other) for one, other in zip(*runs, strict=True))
    with torch.inference_mode():
        output, _ = fast(inputs[0], torch.tensor(RAGGED), tuple(inputs[1:]))
    torch.testing.assert_close(output, runs[0][0], rtol=0, atol=1e-6)


def test_prediction_first_does_not_spoil_training() -> None:
    layer, lengths = Recurrent(GRUCell(5, 7)), torch.tensor([4, 2, 3])
    x = torch.randn(3, 4, 5)
    with torch.inference_mode():
        layer(x, lengths)
    output, _ = layer(x, lengths)
    output.sum().backward()
    assert layer.cell.W_aa.grad is not None


def test_a_gradient_may_be_taken_twice_from_one_graph() -> None:
    layer = Recurrent(GRUCell(5, 7), path="fused")
    output, _ = layer(torch.randn(3, 4, 5), torch.tensor([4, 2, 3]))
    first = torch.autograd.grad(output.sum(), list(layer.parameters()), retain_graph=True)
    second = torch.autograd.grad(output.sum(), list(layer.parameters()))
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_frozen_words_and_frozen_weights() -> None:
    layer = Recurrent(GRUCell(5, 7), path="fused").requires_grad_(False)
    x = torch.randn(3, 4, 5, requires_grad=True)
    output, _ = layer(x, torch.tensor([4, 2, 3]))
    output.sum().backward()
    assert x.grad is not None and layer.cell.W_aa.grad is None
    assert not layer(x.detach(), torch.tensor([4, 2, 3]))[0].requires_grad


@pytest.mark.parametrize(("name", "path"), [("gru", "fused"), ("lstm", "native")])
def test_torch_func_goes_through_the_loop(name: str, path: str) -> None:
    fast, plain = pair(name, path, 5, 7, torch.float64)
    weights = dict(fast.named_parameters())
    x, lengths = torch.randn(3, 6, 5).double(), torch.tensor([6, 2, 4])

    def loss(weights: dict[str, Tensor], x: Tensor, length: Tensor, layer: RecurrentLayer) -> Tensor:
        return functional_call(layer, weights, (x[None], length[None]))[0].square().sum()

    per_sentence = vmap(grad(loss), (None, 0, 0, None))(weights, x, lengths, fast)
    for row in range(3):
        alone = torch.autograd.grad(loss(weights, x[row], lengths[row], plain), list(weights.values()))
        torch.testing.assert_close([g[row] for g in per_sentence.values()], list(alone))


def test_autocast_leaves_the_fast_paths_in_the_type_of_their_weights(device: str) -> None:
    layer = Recurrent(GRUCell(5, 7))
    x = torch.randn(2, 4, 5)
    with torch.autocast(device, dtype=torch.bfloat16):
        output, _ = layer(x.bfloat16(), torch.tensor([4, 2]))
    output.sum().backward()
    assert output.dtype == torch.float32
    torch.testing.assert_close(output, layer(x, torch.tensor([4, 2]))[0], atol=0.02, rtol=0)


@fast_paths
def test_halves_run_too(name: str, path: str) -> None:
    fast, plain = pair(name, path, 5, 7, torch.bfloat16)
    x = torch.randn(4, 6, 5, dtype=torch.bfloat16)
    output, _ = fast(x, torch.tensor(RAGGED))
    output.sum().backward()
    torch.testing.assert_close(output, plain(x, torch.tensor(RAGGED))[0], rtol=0, atol=0.05)


# -- which path runs --------------------------------------------------------------------------------------


class HalfGRU(GRUCell):
    """A subclass that computes something else than its parent."""

    def step(self, x: Tensor, state: State) -> State:
        return tuple(tensor / 2 for tensor in super().step(x, state))


@pytest.fixture
def own_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "_PATHS", {cell: dict(known) for cell, known in paths._PATHS.items()})


def test_a_subclass_never_gets_its_parent_s_mathematics() -> None:
    layer = Recurrent(HalfGRU(5, 7))
    assert layer.chosen_path == "loop"
    x, lengths = torch.randn(2, 1, 5), torch.tensor([1, 1])
    parent = Recurrent(GRUCell(5, 7))
    parent.load_state_dict(layer.state_dict())
    torch.testing.assert_close(layer(x, lengths)[0], parent(x, lengths)[0] / 2)
    with pytest.raises(ValueError, match="HalfGRU has no path 'fused'; it has: auto, loop"):
        Recurrent(HalfGRU(5, 7), path="fused")


def test_a_cell_may_bring_a_path_of_its_own(own_paths: None) -> None:
    calls = []

    def own(cells: list[Cell], *rest: object) -> tuple[Tensor, State]:
        calls.append(len(cells))
        return paths.loop_path(cells, *rest)

    register_path(HalfGRU, "fused", own)
    layer = Bidirectional(Recurrent(HalfGRU(5, 7)), Recurrent(HalfGRU(5, 7), reverse=True))
    layer(torch.randn(2, 4, 5), torch.tensor([4, 2]))
    assert calls == [2] and layer.forward_layer.chosen_path == "fused"
    with pytest.raises(ValueError, match="already"):
        register_path(HalfGRU, "fused", own)
    with pytest.raises(ValueError, match='"fused" or "native", not'):
        register_path(HalfGRU, "faster", own)


def test_the_path_that_runs_is_shown() -> None:
    shown = {name: repr(Recurrent(cell(5, 7))) for name, cell in CELLS.items()}
    assert "path=fused" in shown["gru"] and "path=native" in shown["gru_reset_after"]
    assert "path=loop" in repr(Recurrent(GRUCell(5, 7), path="loop"))


@pytest.mark.parametrize("device", ["cpu"], indirect=True)  # on CUDA it is always the fastest
def test_an_lstm_leaves_the_kernel_where_much_is_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []
    plain = paths.run_native
    monkeypatch.setitem(
        paths._PATHS[LSTMCell], "native", lambda *given: ran.append("native") or plain(torch.lstm, *given)
    )
    layer, x = Recurrent(LSTMCell(5, 7)), torch.randn(4, 6, 5)
    for lengths, runs in (([6, 6, 5, 6], ["native"]), (RAGGED, [])):
        layer(x, torch.tensor(lengths))
        assert ran == runs
        ran.clear()
    Recurrent(LSTMCell(5, 7), path="native")(x, torch.tensor(RAGGED))
    assert ran == ["native"]


def test_a_path_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="GRUCell has no path 'native'; it has: auto, loop, fused"):
        Recurrent(GRUCell(5, 7), path="native")


@pytest.mark.parametrize("path", ["loop", "fused"])
def test_a_wanted_path_is_the_one_that_runs(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    plain = GRUCell.step
    monkeypatch.setattr(GRUCell, "step", lambda *given: steps.append(1) or plain(*given))
    Recurrent(GRUCell(5, 7), path=path)(torch.randn(2, 4, 5), torch.tensor([4, 2]))
    assert len(steps) == (4 if path == "loop" else 0)


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (Recurrent(GRUCell(5, 7)), Recurrent(GRUCell(5, 7), reverse=True), True),
        (Recurrent(GRUCell(5, 7)), Recurrent(GRUCell(5, 6), reverse=True), False),
        (Recurrent(GRUCell(5, 7)), Recurrent(RNNCell(5, 7), reverse=True), False),
        (Recurrent(GRUCell(5, 7)), Recurrent(GRUCell(5, 7), reverse=True, path="loop"), False),
        (Recurrent(GRUCell(5, 7)), Recurrent(GRUCell(5, 7), reverse=True, truncate=2), False),
        (Recurrent(LSTMCell(5, 7)), Recurrent(NoRecurrenceCell(5, 7), reverse=True), False),
    ],
)
def test_directions_go_together_only_where_they_are_alike(
    one: Recurrent, other: Recurrent, together: bool, device: str
) -> None:
    layer = Bidirectional(one, other).to(device)
    assert layer.together is together
    x, lengths = torch.randn(4, 6, 5), torch.tensor(RAGGED)
    output, final = layer(x, lengths)
    (there, end), (back, start) = one(x, lengths), other(x, lengths)
    torch.testing.assert_close(output, torch.cat([there, back], dim=-1), rtol=0, atol=1e-6)
    torch.testing.assert_close(final, (*end, *start), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["gru", "lstm", "rnn", "none", "gru_reset_after"])
@pytest.mark.parametrize("reverse", [False, True])
def test_truncation_means_the_same_on_every_path(name: str, reverse: bool) -> None:
    cell = CELLS[name](5, 7).double()
    inputs = batch(Recurrent(cell), RAGGED, torch.float64, 7)
    results = [
        value_and_gradients(Recurrent(cell, path=path, reverse=reverse, truncate=2), RAGGED, inputs)
        for path in path_names(cell)
    ]
    for other in results[1:]:
        torch.testing.assert_close(other, results[0])


# -- packing ----------------------------------------------------------------------------------------------


def test_packing_holds_each_word_once_and_no_padding() -> None:
    packing = pack(torch.tensor([2, 4, 0, 1]), 5, (False, True))
    assert packing.sizes == (3, 2, 1, 1)
    # forward: first words of the sentences 1, 0, 3, then second words, ...; backward: last words first
    assert packing.words.tolist() == [[5, 0, 15, 6, 1, 7, 8], [8, 1, 15, 7, 0, 6, 5]]
    assert packing.order.tolist() == [1, 0, 3, 2]


def test_packing_refuses_lengths_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="lengths must be from 0 to 4, not 2 to 5"):
        pack(torch.tensor([5, 2]), 4, (False,))

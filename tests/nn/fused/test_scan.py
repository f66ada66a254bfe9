"""Every fast implementation computes the same as the plain loop: values and all gradients, for all shapes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap

from rnner.nn.cells import GRUCell, cell_names, get_cell
from rnner.nn.fused import scan
from rnner.nn.fused.dispatch import implementation_names
from rnner.nn.recurrent import Bidirectional, Recurrent, RecurrentLayer

CELLS = {name: get_cell(name) for name in cell_names()}
FAST = [(name, path) for name, cell in CELLS.items() for path in implementation_names(cell(1, 1))[1:]]
RAGGED = [6, 3, 1, 5]
LENGTHS = {"ragged": RAGGED, "even": [4, 4, 4], "one word": [1, 1], "one sentence": [5], "T = B = 1": [1]}

CUDNN = 10  # factor of the tolerance in float32: cuDNN approximates σ and tanh

fast_implementations = pytest.mark.parametrize(("name", "path"), FAST)


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(params=["one chunk", "many chunks"])
def chunks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run all steps as one chunk, or one or two steps per chunk."""
    if request.param == "many chunks":
        monkeypatch.setattr(scan, "CHUNK_SIZE", 100)
    yield


def pair(name: str, path: str, i: int, h: int, dtype: torch.dtype) -> tuple[Bidirectional, Bidirectional]:
    """Return the same bidirectional layer twice: with a fast implementation, and with the loop."""
    cells = [CELLS[name](i, h).to(dtype) for _ in range(2)]
    for cell in cells:
        for parameter in cell.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
    fast, plain = (
        Bidirectional(Recurrent(cells[0], path=p), Recurrent(cells[1], reverse=True, path=p))
        for p in (path, "loop")
    )
    assert fast.forward_layer.implementation == path
    return fast, plain


def batch(layer: RecurrentLayer, lengths: list[int], dtype: torch.dtype, h: int) -> list[Tensor]:
    x = torch.randn(
        len(lengths), max(lengths) + 1, layer.input_size, dtype=dtype
    )  # the last column is all padding
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


@fast_implementations
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS.keys())
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)], ids=["float64", "float32"]
)
def test_parity_with_the_loop(
    name: str,
    path: str,
    lengths: list[int],
    dtype: torch.dtype,
    tolerance: float,
    chunks: None,
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


@fast_implementations
@pytest.mark.parametrize("seed", range(3))
def test_parity_with_the_loop_at_the_sizes_of_a_tagger(name: str, path: str, seed: int, device: str) -> None:
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


@fast_implementations
@pytest.mark.parametrize("reverse", [False, True])
def test_parity_with_the_loop_in_one_direction(name: str, path: str, reverse: bool) -> None:
    cell = CELLS[name](5, 7).double()
    inputs = batch(Recurrent(cell), RAGGED, torch.float64, 7)
    torch.testing.assert_close(
        *(
            value_and_gradients(Recurrent(cell, reverse=reverse, path=p), RAGGED, inputs)
            for p in (path, "loop")
        )
    )


@pytest.mark.parametrize("name", [name for name, path in FAST if path == "fused"])
def test_gradients_equal_finite_differences(name: str, chunks: None) -> None:
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
def test_second_derivatives(name: str) -> None:
    fast, _ = pair(name, "fused", 2, 3, torch.float64)
    inputs = batch(fast, [3, 1], torch.float64, 3)

    def run(x: Tensor, *state: Tensor) -> Tensor:
        output, final = fast(x, torch.tensor([3, 1]), state)
        return output.square().sum() + sum(s.sum() for s in final)

    assert torch.autograd.gradgradcheck(run, inputs, fast_mode=True)


@pytest.mark.parametrize("name", [name for name, path in FAST if path == "native"])
def test_library_kernels_refuse_second_derivatives(name: str) -> None:
    fast, _ = pair(name, "native", 2, 3, torch.float32)
    x, *state = batch(fast, [3, 1], torch.float32, 3)
    output, _ = fast(x, torch.tensor([3, 1]), tuple(state))
    with pytest.raises(RuntimeError, match='build the layer with path="loop"'):
        torch.autograd.grad(output.sum(), x, create_graph=True)


@fast_implementations
def test_padding_is_never_read(name: str, path: str) -> None:
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


@fast_implementations
@pytest.mark.parametrize("size", [1e2, 1e30])
def test_extreme_inputs_stay_finite(name: str, path: str, size: float) -> None:
    fast, plain = pair(name, path, 5, 7, torch.float32)
    x, *state = batch(fast, RAGGED, torch.float32, 7)
    inputs = [(x.detach() * size).requires_grad_(), *state]
    ours, loops = (value_and_gradients(layer, RAGGED, inputs) for layer in (fast, plain))
    assert all(torch.isfinite(result[:3]).all() for result in ours)
    torch.testing.assert_close(ours[0], loops[0], rtol=1e-4, atol=1e-4)


@fast_implementations
def test_a_sentence_does_not_depend_on_its_batch(name: str, path: str) -> None:
    fast, _ = pair(name, path, 5, 7, torch.float32)
    x = torch.randn(4, 6, 5)
    with torch.no_grad():
        together, _ = fast(x, torch.tensor(RAGGED))
        for row, length in enumerate(RAGGED):
            alone, _ = fast(x[row : row + 1, :length], torch.tensor([length]))
            torch.testing.assert_close(together[row, :length], alone[0], rtol=0, atol=1e-6)


@fast_implementations
def test_results_are_deterministic(name: str, path: str) -> None:
    fast, _ = pair(name, path, 5, 7, torch.float32)
    inputs = batch(fast, RAGGED, torch.float32, 7)
    runs = [value_and_gradients(fast, RAGGED, inputs) for _ in range(2)]
    assert all(torch.equal(one, other) for one, other in zip(*runs, strict=True))
    with torch.inference_mode():
        output, _ = fast(inputs[0], torch.tensor(RAGGED), tuple(inputs[1:]))
    torch.testing.assert_close(output, runs[0][0], rtol=0, atol=1e-6)


def test_prediction_before_training_does_not_break_it() -> None:
    layer, lengths = Recurrent(GRUCell(5, 7)), torch.tensor([4, 2, 3])
    x = torch.randn(3, 4, 5)
    with torch.inference_mode():
        layer(x, lengths)
    output, _ = layer(x, lengths)
    output.sum().backward()
    assert layer.cell.W_aa.grad is not None


def test_a_graph_may_be_retained_for_a_second_backward_pass() -> None:
    layer = Recurrent(GRUCell(5, 7), path="fused")
    output, _ = layer(torch.randn(3, 4, 5), torch.tensor([4, 2, 3]))
    first = torch.autograd.grad(output.sum(), list(layer.parameters()), retain_graph=True)
    second = torch.autograd.grad(output.sum(), list(layer.parameters()))
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_frozen_inputs_and_frozen_weights() -> None:
    layer = Recurrent(GRUCell(5, 7), path="fused").requires_grad_(False)
    x = torch.randn(3, 4, 5, requires_grad=True)
    output, _ = layer(x, torch.tensor([4, 2, 3]))
    output.sum().backward()
    assert x.grad is not None and layer.cell.W_aa.grad is None
    assert not layer(x.detach(), torch.tensor([4, 2, 3]))[0].requires_grad


@pytest.mark.parametrize(("name", "path"), [("gru", "fused"), ("lstm", "native")])
def test_torch_func_runs_the_loop(name: str, path: str) -> None:
    fast, plain = pair(name, path, 5, 7, torch.float64)
    weights = dict(fast.named_parameters())
    x, lengths = torch.randn(3, 6, 5).double(), torch.tensor([6, 2, 4])

    def loss(weights: dict[str, Tensor], x: Tensor, length: Tensor, layer: RecurrentLayer) -> Tensor:
        return functional_call(layer, weights, (x[None], length[None]))[0].square().sum()

    per_sentence = vmap(grad(loss), (None, 0, 0, None))(weights, x, lengths, fast)
    for row in range(3):
        alone = torch.autograd.grad(loss(weights, x[row], lengths[row], plain), list(weights.values()))
        torch.testing.assert_close([g[row] for g in per_sentence.values()], list(alone))


def test_autocast_does_not_change_the_dtype_of_fast_implementations(device: str) -> None:
    layer = Recurrent(GRUCell(5, 7))
    x = torch.randn(2, 4, 5)
    with torch.autocast(device, dtype=torch.bfloat16):
        output, _ = layer(x.bfloat16(), torch.tensor([4, 2]))
    output.sum().backward()
    assert output.dtype == torch.float32
    torch.testing.assert_close(output, layer(x, torch.tensor([4, 2]))[0], atol=0.02, rtol=0)


@fast_implementations
def test_half_precision(name: str, path: str) -> None:
    fast, plain = pair(name, path, 5, 7, torch.bfloat16)
    x = torch.randn(4, 6, 5, dtype=torch.bfloat16)
    output, _ = fast(x, torch.tensor(RAGGED))
    output.sum().backward()
    torch.testing.assert_close(output, plain(x, torch.tensor(RAGGED))[0], rtol=0, atol=0.05)


@pytest.mark.parametrize("name", ["gru", "lstm", "rnn", "none", "gru_reset_after"])
@pytest.mark.parametrize("reverse", [False, True])
def test_truncation_is_the_same_in_every_implementation(name: str, reverse: bool) -> None:
    cell = CELLS[name](5, 7).double()
    inputs = batch(Recurrent(cell), RAGGED, torch.float64, 7)
    results = [
        value_and_gradients(Recurrent(cell, path=path, reverse=reverse, truncate=2), RAGGED, inputs)
        for path in implementation_names(cell)
    ]
    for other in results[1:]:
        torch.testing.assert_close(other, results[0])

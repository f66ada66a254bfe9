"""Dropout: what is dropped together, what is kept, and that nothing is dropped in evaluation."""

import pytest
import torch

from rnner.nn.cells import cell_names, get_cell
from rnner.nn.dropout import LockedDropout, RecurrentDropout, WordDropout
from rnner.nn.fused.dispatch import implementation_names
from rnner.nn.recurrent import Bidirectional, Recurrent


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_a_sentence_drops_the_same_features_at_every_position():
    dropped = LockedDropout(0.4)(torch.ones(20, 7, 50))
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert not torch.equal(dropped[0], dropped[1])
    assert dropped.unique().tolist() == pytest.approx([0, 1 / 0.6])
    assert dropped.mean().item() == pytest.approx(1, abs=0.05)


def test_words_become_unknown_with_the_given_probability():
    words = torch.cat([torch.zeros(10_000, dtype=torch.int64), torch.arange(2, 10_002)])
    dropped = WordDropout(0.2)(words)
    unknown = dropped == 1
    composed, others = unknown.float().split(10_000)
    assert composed.mean().item() == pytest.approx(0.2, abs=0.02)
    assert others.mean().item() == pytest.approx(0.2, abs=0.02)
    assert torch.equal(dropped[~unknown], words[~unknown])


@pytest.mark.parametrize(
    ("module", "x"), [(LockedDropout, torch.ones(2, 3, 4)), (WordDropout, torch.arange(9))]
)
def test_nothing_is_dropped_in_evaluation_or_with_probability_zero(module, x, device):
    x = x.to(device)
    assert torch.equal(module(0.9).eval()(x), x)
    assert torch.equal(module(0.0)(x), x)


@pytest.mark.parametrize("module", [LockedDropout, WordDropout, RecurrentDropout])
@pytest.mark.parametrize("p", [-0.1, 1.0, float("nan")])
def test_a_probability_outside_zero_to_one_is_refused(module, p):
    with pytest.raises(ValueError, match=f"at least 0 and below 1, got {p}"):
        module(p)


def layer_of(name, path):
    cells = [get_cell(name)(4, 6) for _ in range(2)]
    return Bidirectional(Recurrent(cells[0], path=path), Recurrent(cells[1], reverse=True, path=path))


X, LENGTHS = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(1)), torch.tensor([5, 2, 4])
PATHS = [(name, path) for name in cell_names() for path in implementation_names(get_cell(name)(1, 1))]


@pytest.mark.parametrize(("name", "path"), PATHS)
def test_recurrent_weights_are_dropped_alike_in_every_implementation(name, path):
    layer, dropout = layer_of(name, path), RecurrentDropout(0.5)
    torch.manual_seed(2)
    found = dropout(layer, X, LENGTHS)
    torch.manual_seed(2)
    with torch.no_grad():
        for cell in (layer.forward_layer.cell, layer.backward_layer.cell):
            if cell.recurrent:
                cell.W_aa.copy_(torch.nn.functional.dropout(cell.W_aa, 0.5))
    torch.testing.assert_close(found, layer(X, LENGTHS)[0], rtol=0, atol=1e-5)


def test_dropped_recurrent_weights_have_no_gradient_and_do_not_change():
    layer = layer_of("lstm", "auto")
    before = {name: weight.clone() for name, weight in layer.named_parameters()}
    RecurrentDropout(0.5)(layer, X, LENGTHS).sum().backward()
    shares = [(w.grad == 0).float().mean() for name, w in layer.named_parameters() if name.endswith("W_aa")]
    assert len(shares) == 2 and all(0.3 < share < 0.7 for share in shares)
    assert all(torch.equal(weight, before[name]) for name, weight in layer.named_parameters())
    assert all((w.grad != 0).all() for name, w in layer.named_parameters() if name.endswith("W_ax"))


@pytest.mark.parametrize("dropout", [RecurrentDropout(0.9).eval(), RecurrentDropout(0.0)])
def test_no_recurrent_weight_is_dropped_in_evaluation_or_with_probability_zero(dropout):
    layer = layer_of("gru", "auto")
    assert torch.equal(dropout(layer, X, LENGTHS), layer(X, LENGTHS)[0])

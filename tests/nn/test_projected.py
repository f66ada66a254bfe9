"""Precomputed input products give the same output as the layer."""

import pytest
import torch

from rnner.nn.cells import get_cell
from rnner.nn.projected import ProjectedRecurrence
from rnner.nn.recurrent import Bidirectional, Recurrent

LENGTHS = torch.tensor([3, 7, 1, 7, 5])
# Prediction precomputes products on the CPU only.
pytestmark = pytest.mark.parametrize("device", ["cpu"], indirect=True)


def layer_of(cell, both, path="auto"):
    torch.manual_seed(1)
    kind = get_cell(cell)
    one, other = (Recurrent(kind(6, 4), reverse=reverse, path=path) for reverse in (False, True))
    layer = Bidirectional(one, other) if both else one
    for parameter in layer.parameters():
        parameter.data.uniform_(-1, 1)
    return layer


def read(layer, forms, documents):
    """Return the outputs of a layer and its projection; 4 features depend on the word, 2 on the document."""
    words = torch.randint(len(forms), (5, 7))
    x = torch.cat([forms[words], documents[:, None].expand(-1, 7, -1)], dim=-1)
    expected, _ = layer(x, LENGTHS)
    projected = ProjectedRecurrence.from_layer(layer)
    tables, shares = projected.project(forms, 0, biased=True), projected.project(documents, 4, biased=False)
    return expected, projected.run(tables, words, LENGTHS, shares)


@pytest.mark.parametrize("both", [True, False])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@torch.no_grad()
def test_the_output_is_that_of_the_layer(cell, both):
    expected, found = read(layer_of(cell, both), torch.randn(9, 4), torch.randn(5, 2))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    assert not found[0, 3:].any() and found[0, 2].any()


@torch.no_grad()
def test_shares_are_optional():
    layer, forms, words = layer_of("lstm", True), torch.randn(9, 6), torch.randint(9, (5, 7))
    projected = ProjectedRecurrence.from_layer(layer)
    found = projected.run(projected.project(forms, 0, biased=True), words, LENGTHS)
    torch.testing.assert_close(found, layer(forms[words], LENGTHS)[0], atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_sentences_longer_than_a_chunk(monkeypatch):
    monkeypatch.setattr("rnner.nn.projected._CHUNK_SIZE", 1)
    expected, found = read(layer_of("lstm", True), torch.randn(9, 4), torch.randn(5, 2))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


def test_the_weights_of_the_layer_do_not_change():
    layer = layer_of("lstm", True)
    before = [parameter.clone() for parameter in layer.parameters()]
    ProjectedRecurrence.from_layer(layer)
    assert all(torch.equal(*pair) for pair in zip(before, layer.parameters(), strict=True))


@pytest.mark.parametrize(
    ("cell", "path"), [("none", "auto"), ("gru_reset_after", "auto"), ("lstm", "native")]
)
def test_layers_without_a_scan_are_not_projected(cell, path):
    assert ProjectedRecurrence.from_layer(layer_of(cell, True, path)) is None

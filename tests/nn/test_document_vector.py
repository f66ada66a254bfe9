"""The document vector: the gated mean of a document's words, independent of other documents."""

import pytest
import torch

from rnner.nn.document_vector import DocumentVector

COUNTS = torch.tensor([1.0, 2.0, 5.0, 1.0, 3.0, 1.0, 1.0])
DOCUMENTS = torch.tensor([0, 0, 0, 1, 2, 2, 2])


@pytest.fixture
def layer():
    """Return a layer whose gate prefers some words to others."""
    torch.manual_seed(1)
    layer = DocumentVector(4).double()
    with torch.no_grad():
        layer.gate.weight.normal_()
        layer.gate.bias.normal_()
    return layer


@pytest.fixture
def vectors():
    return torch.randn(7, 4, dtype=torch.double, generator=torch.Generator().manual_seed(2))


def test_the_vector_equals_the_formula(layer, vectors):
    u, b = layer.gate.weight[0].tolist(), layer.gate.bias.item()
    rows = vectors.tolist()
    for document, found in enumerate(layer(vectors, COUNTS.double(), DOCUMENTS, 3).tolist()):
        above, below = [0.0] * 4, 0.0
        for v, n, owner in zip(rows, COUNTS.tolist(), DOCUMENTS.tolist(), strict=True):
            if owner == document:
                product = sum(x * y for x, y in zip(u, v, strict=True))
                g = n / (1 + torch.tensor(-(product + b), dtype=torch.double).exp().item())
                above = [a + g * x for a, x in zip(above, v, strict=True)]
                below += g
        assert found == pytest.approx([a / below for a in above], abs=1e-12)


def test_an_untrained_layer_returns_the_mean_of_the_documents_words(vectors):
    vectors = vectors.float()
    found = DocumentVector(4)(vectors, COUNTS, DOCUMENTS, 3)
    words = vectors.repeat_interleave(COUNTS.long(), dim=0)
    owners = DOCUMENTS.repeat_interleave(COUNTS.long())
    means = torch.stack([words[owners == document].mean(0) for document in range(3)])
    torch.testing.assert_close(found, means)


def test_gradients_equal_finite_differences(layer, vectors):
    def of(vectors, weight, bias):
        parameters = {"gate.weight": weight, "gate.bias": bias}
        return torch.func.functional_call(layer, parameters, (vectors, COUNTS.double(), DOCUMENTS, 3))

    inputs = [tensor.detach().clone().requires_grad_() for tensor in (vectors, *layer.parameters())]
    assert torch.autograd.gradcheck(of, inputs)


def test_a_document_without_words_is_zeros_and_changes_no_other(layer, vectors):
    places = torch.tensor([1, 3, 4])  # documents 0 (the first), 2 and 5 (the last) have no words
    found = layer(vectors, COUNTS.double(), places[DOCUMENTS], 6)
    assert torch.equal(found[[0, 2, 5]], torch.zeros(3, 4, dtype=torch.double))
    assert torch.equal(found[places], layer(vectors, COUNTS.double(), DOCUMENTS, 3))


def test_documents_without_words_do_not_change_the_gradients(layer, vectors):
    weights = torch.randn(6, 4, dtype=torch.double, generator=torch.Generator().manual_seed(3))
    places, inputs = torch.tensor([1, 3, 4]), [vectors.requires_grad_(), *layer.parameters()]
    among = layer(vectors, COUNTS.double(), places[DOCUMENTS], 6)
    alone = layer(vectors, COUNTS.double(), DOCUMENTS, 3)
    found = torch.autograd.grad((among * weights).sum(), inputs)
    expected = torch.autograd.grad((alone * weights[places]).sum(), inputs)
    for one, other in zip(found, expected, strict=True):
        assert other.any()
        torch.testing.assert_close(one, other)


def test_documents_without_any_words_are_zeros_without_gradient(layer):
    nothing = torch.zeros(0, 4, dtype=torch.double, requires_grad=True)
    found = layer(nothing, torch.zeros(0).double(), torch.zeros(0, dtype=torch.long), 2)
    assert torch.equal(found, torch.zeros(2, 4, dtype=torch.double))
    found.sum().backward()
    for parameter in layer.parameters():
        assert torch.equal(parameter.grad, torch.zeros_like(parameter))


def test_counts_of_a_repeated_vector_add_up(layer, vectors):
    twice, counts = torch.cat([vectors, vectors[:2]]), torch.cat([COUNTS, torch.tensor([2.0, 1.0])]).double()
    found = layer(twice, counts, torch.cat([DOCUMENTS, DOCUMENTS[:2]]), 3)
    merged = COUNTS.double() + torch.tensor([2.0, 1.0, 0, 0, 0, 0, 0])
    torch.testing.assert_close(found, layer(vectors, merged, DOCUMENTS, 3))


def test_the_order_of_words_does_not_matter(layer, vectors):
    order = torch.tensor([3, 6, 0, 5, 2, 4, 1])
    found = layer(vectors, COUNTS.double(), DOCUMENTS, 3)
    turned = layer(vectors[order], COUNTS.double()[order], DOCUMENTS[order], 3)
    torch.testing.assert_close(turned, found)


def test_documents_do_not_leak_into_one_another(layer, vectors):
    found = layer(vectors, COUNTS.double(), DOCUMENTS, 3)
    for document in range(3):
        own = DOCUMENTS.eq(document)
        alone = layer(vectors[own], COUNTS.double()[own], torch.zeros_like(DOCUMENTS[own]), 1)
        torch.testing.assert_close(alone[0], found[document])
    vectors.requires_grad_()
    layer(vectors, COUNTS.double(), DOCUMENTS, 3)[1].sum().backward()
    assert vectors.grad[DOCUMENTS == 1].abs().sum() > 0
    assert (vectors.grad[DOCUMENTS != 1] == 0).all()


def test_a_gate_open_for_one_word_returns_its_vector():
    layer, vectors = DocumentVector(2), torch.tensor([[30.0, 1.0], [-30.0, 2.0], [-30.0, 3.0]])
    with torch.no_grad():
        layer.gate.weight[0, 0] = 1.0
    found = layer(vectors, torch.tensor([1.0, 50.0, 50.0]), torch.zeros(3, dtype=torch.long), 1)
    torch.testing.assert_close(found, vectors[:1])

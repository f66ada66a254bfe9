"""The parts of a tagger as ONNX operators; letters and inputs are those of `rnner.export.writer`, h the hidden size.

The recurrences are ONNX's own, which take time first:

    cell               operator
    rnn                RNN
    gru                GRU, linear_before_reset = 0, z = 1 - Γ_u
    gru_reset_after    GRU, linear_before_reset = 1
    lstm               LSTM
    none               RNN, its recurrent weights 0
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from rnner.errors import ModelError
from rnner.export.graph import Array, Graph
from rnner.model.tagger import Tagger
from rnner.nn.cells import (
    Cell,
    GRUCell,
    GRUResetAfterCell,
    LSTMCell,
    NoRecurrenceCell,
    RNNCell,
    cell_names,
    get_cell,
)
from rnner.nn.characters import CharacterCNN, CharacterRecurrent
from rnner.nn.document_vector import LEAST, DocumentVector
from rnner.nn.embeddings import WordEmbedding
from rnner.nn.recurrent import Bidirectional, Recurrent

_FLOAT, _INT32 = 1, 6  # TensorProto.FLOAT and INT32
_TO_THE_END = 1 << 62


def add_tagger(graph: Graph, tagger: Tagger, rows: Array, *, composes: bool, lexicon: int) -> None:
    """What `Tagger.forward` computes, with time first.

    Args:
        graph: to be added to.
        tagger: in torch.
        rows: [m] int64, the order of the frozen rows in the graph.
        composes: whether forms may be composed.
        lexicon: what the lexicon knows of a word, l; 0 without one.
    """
    words = _Words(graph, tagger.words, rows, composes)
    forms = graph.add("Transpose", graph.input("forms", "b", "t"), perm=[1, 0])
    of_forms = [words.add("", "n")]
    if tagger.casing is not None:
        table = graph.constant(tagger.casing.weight, "casing_table")
        of_forms.append(graph.add("Gather", table, graph.input("casing", "n")))
    if tagger.characters is not None:
        of_forms.append(_characters(graph, tagger.characters))
    parts = [graph.add("Gather", graph.add("Concat", *of_forms, axis=-1), forms)]
    if lexicon:
        known = graph.input("lexicon", "b", "t", lexicon, kind=np.float32)
        parts.append(graph.add("Transpose", known, perm=[1, 0, 2]))
    if tagger.document is not None:
        parts.append(_about(graph, tagger.document, words.add("document_", "m"), forms))
    x = graph.add("Concat", *parts, axis=-1)
    lengths = graph.add("Cast", graph.input("lengths", "b"), to=_INT32)
    for number, layer in enumerate(cast(nn.ModuleList, tagger.encoder.layers)):
        x = _side_by_side(graph, _recurrent(graph, layer, x, lengths, f"encoder_{number}")[0], [0, 2, 1, 3])
    scores = _linear(graph, tagger.emission, x, "emission")
    graph.give("emissions", graph.add("Transpose", scores, perm=[1, 0, 2]))


# --- words and documents -----------------------------------------------------------------------------------


class _Words(NamedTuple):
    """Vectors of words: their rows, or the sums of their pieces."""

    graph: Graph
    embedding: WordEmbedding
    rows: Array
    composes: bool

    def add(self, prefix: str, n: str) -> str:
        """Those of the words that an input names: [n, w]."""
        graph = self.graph
        vectors = self._looked_up(graph.input(f"{prefix}words", n))
        if not self.composes:
            return vectors
        q, p = f"{prefix}q", f"{prefix}p"
        composed = graph.input(f"{prefix}composed", q)
        pieces = self._looked_up(graph.input(f"{prefix}pieces", q, p))  # [q, p, w]
        weights = graph.input(f"{prefix}weights", q, p, kind=np.float32)
        sums = graph.add("MatMul", _unsqueezed(graph, weights, 1), pieces)  # [q, 1, w]
        sums = graph.add("Squeeze", sums, graph.constant([1]))
        return graph.add("ScatterND", vectors, _unsqueezed(graph, composed, 1), sums)

    def _looked_up(self, ids: str) -> str:
        """Those of ids [...]: [..., w], as in `WordEmbedding`; half and int8 stay that in the file."""
        graph, embedding = self.graph, self.embedding
        learned = graph.constant(embedding.weight, "trained_vectors")
        if embedding.vectors is None:
            return graph.add("Gather", learned, ids)
        first, zero = graph.constant(embedding.trained, "trained"), graph.constant(0, "zero")
        order = torch.from_numpy(self.rows)
        given = graph.constant(embedding.vectors[order], "frozen_vectors")
        frozen = graph.add("GreaterOrEqual", ids, first)
        one = graph.add("Gather", learned, graph.add("Where", frozen, zero, ids))
        place = graph.add("Max", graph.add("Sub", ids, first), zero)
        other = graph.add("Cast", graph.add("Gather", given, place), to=_FLOAT)
        if embedding.scales is not None:
            scales = graph.constant(embedding.scales[order], "frozen_scales")
            other = graph.add("Mul", other, graph.add("Gather", scales, place))
        return graph.add("Where", _unsqueezed(graph, frozen, -1), other, one)


def _about(graph: Graph, document: DocumentVector, vectors: str, forms: str) -> str:
    """What documents of words `vectors` [m, w] are about, at the positions of forms [t, b]: [t, b, w]."""
    gates = graph.add("Sigmoid", _linear(graph, document.gate, vectors, "gate"))  # [m, 1]
    counts = graph.input("counts", "d", "m", kind=np.float32)
    weights = graph.add("Mul", counts, graph.add("Transpose", gates, perm=[1, 0]))
    total = graph.add("ReduceSum", weights, graph.constant([1]), keepdims=1)
    total = graph.add("Max", total, graph.constant(np.array(LEAST, dtype=np.float32)))
    means = graph.add("Div", graph.add("MatMul", weights, vectors), total)
    everywhere = graph.add("Mul", forms, graph.constant(0, "zero"))
    return graph.add("Gather", means, graph.add("Add", everywhere, graph.input("document_of", "b")))


# --- characters --------------------------------------------------------------------------------------------


def _characters(graph: Graph, encoder: nn.Module) -> str:
    """Features of forms [n, h] from their characters [n, c]."""
    given = graph.input("characters", "n", "c")
    # A form without characters counts as one unknown character.
    first = graph.add("Max", _columns(graph, given, 0, 1), graph.constant(1, "one"))
    characters = graph.add("Concat", first, _columns(graph, given, 1, _TO_THE_END), axis=1)
    if isinstance(encoder, CharacterCNN):
        return _largest_window(graph, encoder, characters)
    assert isinstance(encoder, CharacterRecurrent)
    table = graph.constant(encoder.embedding.weight, "character_table")
    x = graph.add("Gather", table, graph.add("Transpose", characters, perm=[1, 0]))
    inside = graph.add("Cast", graph.add("Greater", characters, graph.constant(0, "zero")), to=_INT32)
    lengths = graph.add("ReduceSum", inside, graph.constant([1]), keepdims=0)
    return _side_by_side(graph, _recurrent(graph, encoder.layer, x, lengths, "characters")[1], [1, 0, 2])


def _largest_window(graph: Graph, encoder: CharacterCNN, characters: str) -> str:
    """The convolution as sums of rows of tables, see `CharacterCNN`."""
    tables = torch.matmul(encoder.embedding.weight, encoder.kernel)
    tables[:, 0] = 0  # beside a word, padding adds nothing,
    tables[encoder.width // 2, 0] = -torch.inf  # and it is never the middle of a window
    margin = encoder.width // 2
    padded = graph.add("Pad", characters, graph.constant([0, margin, 0, margin]))
    sums = ""
    for o, table in enumerate(tables):
        end = o - 2 * margin
        rows = graph.add(
            "Gather", graph.constant(table), _columns(graph, padded, o, end if end < 0 else _TO_THE_END)
        )
        sums = graph.add("Add", sums, rows) if sums else rows
    largest = graph.add("ReduceMax", sums, axes=[1], keepdims=0)
    return graph.add("Add", largest, graph.constant(encoder.bias))


# --- recurrence --------------------------------------------------------------------------------------------

# The operator, where its gates stand among ours, and its attributes.
_OPERATORS: dict[type[Cell], tuple[str, list[int], dict[str, Any]]] = {
    RNNCell: ("RNN", [0], {}),
    NoRecurrenceCell: ("RNN", [0], {}),
    GRUCell: ("GRU", [1, 0, 2], {"linear_before_reset": 0}),  # theirs: z, r, h; ours: r, u, c
    GRUResetAfterCell: ("GRU", [1, 0, 2], {"linear_before_reset": 1}),
    LSTMCell: ("LSTM", [0, 3, 1, 2], {}),  # theirs: i, o, f, c; ours: u, f, c, o
}


def _recurrent(graph: Graph, layer: nn.Module, x: str, lengths: str, name: str) -> tuple[str, str]:
    """A recurrence over x [t, b, i]: outputs [t, directions, b, h] and last states [directions, b, h]."""
    if isinstance(layer, Bidirectional):
        parts, direction = [layer.forward_layer, layer.backward_layer], "bidirectional"
    else:
        assert isinstance(layer, Recurrent)
        parts, direction = [layer], "reverse" if layer.reverse else "forward"
    cells = [part.cell for part in parts]
    if len(kinds := {type(cell) for cell in cells}) > 1 or not kinds <= _OPERATORS.keys():
        names = {get_cell(name): name for name in cell_names()}
        own = " beside ".join(sorted(names.get(kind, kind.__name__) for kind in kinds))
        known = ", ".join(sorted(names[kind] for kind in _OPERATORS))
        raise ModelError(f"ONNX has no operator for the cell {own}; it has one for: {known}")
    operator, order, attributes = _OPERATORS[type(cells[0])]
    weights = zip(*(_weights(cell, order) for cell in cells), strict=True)
    constants = [
        graph.constant(torch.stack(both), f"{name}_{letter}")
        for letter, both in zip("WRB", weights, strict=True)
    ]
    inside = {"direction": direction, "hidden_size": cells[0].hidden_size, **attributes}
    output, end = graph.add_many(operator, 2, x, *constants, lengths, **inside)
    return output, end


def _weights(cell: Cell, order: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """W [g*h, i], R [g*h, h] and B [2*g*h] of a cell, the gates in another order."""
    h, rows = cell.hidden_size, len(cell.b_a)
    own = cell.W_aa if cell.recurrent else cell.b_a.new_zeros(rows, h)
    inner = torch.zeros_like(cell.b_a)
    if isinstance(cell, GRUResetAfterCell):
        inner[2 * h :] = cell.b_cc
    sign = torch.ones_like(cell.b_a)
    if isinstance(cell, GRUCell):
        sign[h : 2 * h] = -1  # z = 1 - Γ_u, and 1 - σ(x) = σ(-x)
    gates = torch.arange(rows).view(-1, h)[order].flatten()
    W, R, b = (part[gates] for part in (cell.W_ax * sign[:, None], own * sign[:, None], cell.b_a * sign))
    return W, R, torch.cat([b, inner[gates]])


# --- operators in short ------------------------------------------------------------------------------------


def _linear(graph: Graph, layer: nn.Linear, x: str, name: str) -> str:
    product = graph.add("MatMul", x, graph.constant(layer.weight.T, f"{name}_weight"))
    return graph.add("Add", product, graph.constant(layer.bias, f"{name}_bias"))


def _side_by_side(graph: Graph, x: str, perm: list[int]) -> str:
    """What several directions give, brought next to each other by `perm`, as one: [..., directions * h]."""
    beside = graph.add("Transpose", x, perm=perm)
    return graph.add("Reshape", beside, graph.constant([0] * (len(perm) - 2) + [-1]))


def _unsqueezed(graph: Graph, x: str, axis: int) -> str:
    return graph.add("Unsqueeze", x, graph.constant([axis]))


def _columns(graph: Graph, x: str, start: int, end: int) -> str:
    """x[:, start:end]."""
    return graph.add("Slice", x, graph.constant([start]), graph.constant([end]), graph.constant([1]))

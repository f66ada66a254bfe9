"""The layers of a tagger as ONNX operators.

Inputs and letters are those of `rnner.export.writer`; h is the hidden size.

Recurrences become ONNX operators, which expect time first:

    cell               operator
    rnn                RNN
    gru                GRU, linear_before_reset = 0, z = 1 - Γ_u
    gru_reset_after    GRU, linear_before_reset = 1
    lstm               LSTM
    none               RNN with zero recurrent weights
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
from rnner.nn.document_vector import MIN_WEIGHT, DocumentVector
from rnner.nn.embeddings import WordEmbedding
from rnner.nn.recurrent import RecurrentLayer, Stack

_FLOAT, _INT32 = 1, 6  # TensorProto.FLOAT and INT32
_TO_THE_END = 1 << 62


def add_tagger(graph: Graph, tagger: Tagger, rows: Array, *, composes: bool, lexicon: int) -> None:
    """Add the computation of `Tagger.forward`, with time as the first axis.

    Args:
        graph: the graph.
        tagger: the tagger.
        rows: [m] int64, the order of the frozen vectors in the graph.
        composes: whether vectors of forms may be composed of pieces.
        lexicon: number of lexicon features of a word, l; 0 without a lexicon.
    """
    words = _WordVectors(graph, tagger.words, rows, composes)
    forms = graph.add("Transpose", graph.input("forms", "b", "t"), perm=[1, 0])
    of_forms = [words.add("", "n")]
    if tagger.casing is not None:
        table = graph.constant(tagger.casing.weight, "casing_table")
        of_forms.append(graph.add("Gather", table, graph.input("casing", "n")))
    if tagger.characters is not None:
        of_forms.append(_characters(graph, tagger.characters))
    parts = [graph.add("Gather", graph.add("Concat", *of_forms, axis=-1), forms)]
    if lexicon:
        features = graph.input("lexicon", "b", "t", lexicon, dtype=np.float32)
        parts.append(graph.add("Transpose", features, perm=[1, 0, 2]))
    if tagger.document is not None:
        parts.append(_document(graph, tagger.document, words.add("document_", "m"), forms))
    x = graph.add("Concat", *parts, axis=-1)
    lengths = graph.add("Cast", graph.input("lengths", "b"), to=_INT32)
    for number, layer in enumerate(cast(Stack, tagger.encoder).layers):
        output, _ = _recurrent(graph, cast(RecurrentLayer, layer), x, lengths, f"encoder_{number}")
        x = _join_directions(graph, output, [0, 2, 1, 3])
    scores = _linear(graph, tagger.emission, x, "emission")
    graph.output("emissions", graph.add("Transpose", scores, perm=[1, 0, 2]))


# --- words and documents -----------------------------------------------------------------------------------


class _WordVectors(NamedTuple):
    """Adds the vectors of words: their rows, or weighted sums of the rows of their pieces."""

    graph: Graph
    embedding: WordEmbedding
    rows: Array
    composes: bool

    def add(self, prefix: str, n: str) -> str:
        """Add the vectors [n, w] of the words in the inputs whose names begin with `prefix`."""
        graph = self.graph
        vectors = self._look_up(graph.input(f"{prefix}words", n))
        if not self.composes:
            return vectors
        q, p = f"{prefix}q", f"{prefix}p"
        composed = graph.input(f"{prefix}composed", q)
        pieces = self._look_up(graph.input(f"{prefix}pieces", q, p))  # [q, p, w]
        weights = graph.input(f"{prefix}weights", q, p, dtype=np.float32)
        sums = graph.add("MatMul", graph.add("Unsqueeze", weights, [1]), pieces)  # [q, 1, w]
        sums = graph.add("Squeeze", sums, [1])
        return graph.add("ScatterND", vectors, graph.add("Unsqueeze", composed, [1]), sums)

    def _look_up(self, ids: str) -> str:
        """Add the rows [..., w] of ids [...], as in `WordEmbedding`; vectors keep their precision."""
        graph, embedding = self.graph, self.embedding
        trained = graph.constant(embedding.weight, "trained_vectors")
        if embedding.vectors is None:
            return graph.add("Gather", trained, ids)
        first, zero = graph.constant(embedding.trained, "trained"), graph.constant(0, "zero")
        order = torch.from_numpy(self.rows)
        frozen = graph.constant(embedding.vectors[order], "frozen_vectors")
        is_frozen = graph.add("GreaterOrEqual", ids, first)
        trained_rows = graph.add("Gather", trained, graph.add("Where", is_frozen, zero, ids))
        place = graph.add("Max", graph.add("Sub", ids, first), zero)
        frozen_rows = graph.add("Cast", graph.add("Gather", frozen, place), to=_FLOAT)
        if embedding.scales is not None:
            scales = graph.constant(embedding.scales[order], "frozen_scales")
            frozen_rows = graph.add("Mul", frozen_rows, graph.add("Gather", scales, place))
        return graph.add("Where", graph.add("Unsqueeze", is_frozen, [-1]), frozen_rows, trained_rows)


def _document(graph: Graph, document: DocumentVector, vectors: str, forms: str) -> str:
    """Add the document vector [t, b, w] at the positions of forms [t, b], from word vectors [m, w]."""
    gates = graph.add("Sigmoid", _linear(graph, document.gate, vectors, "gate"))  # [m, 1]
    counts = graph.input("counts", "d", "m", dtype=np.float32)
    weights = graph.add("Mul", counts, graph.add("Transpose", gates, perm=[1, 0]))
    total = graph.add("ReduceSum", weights, [1], keepdims=1)
    total = graph.add("Max", total, graph.constant(np.array(MIN_WEIGHT, dtype=np.float32)))
    means = graph.add("Div", graph.add("MatMul", weights, vectors), total)
    zeros = graph.add("Mul", forms, graph.constant(0, "zero"))
    return graph.add("Gather", means, graph.add("Add", zeros, graph.input("document_of", "b")))


# --- characters --------------------------------------------------------------------------------------------


def _characters(graph: Graph, encoder: nn.Module) -> str:
    """Add the features [n, h] of forms from their characters [n, c]."""
    given = graph.input("characters", "n", "c")
    # A form without characters counts as one unknown character.
    first = graph.add("Max", _columns(graph, given, 0, 1), graph.constant(1, "one"))
    characters = graph.add("Concat", first, _columns(graph, given, 1, _TO_THE_END), axis=1)
    if isinstance(encoder, CharacterCNN):
        return _character_cnn(graph, encoder, characters)
    assert isinstance(encoder, CharacterRecurrent)
    table = graph.constant(encoder.embedding.weight, "character_table")
    x = graph.add("Gather", table, graph.add("Transpose", characters, perm=[1, 0]))
    inside = graph.add("Cast", graph.add("Greater", characters, graph.constant(0, "zero")), to=_INT32)
    lengths = graph.add("ReduceSum", inside, [1], keepdims=0)
    return _join_directions(graph, _recurrent(graph, encoder.layer, x, lengths, "characters")[1], [1, 0, 2])


def _character_cnn(graph: Graph, encoder: CharacterCNN, characters: str) -> str:
    """Add the convolution as sums of table rows; see `CharacterCNN`."""
    tables = torch.matmul(encoder.embedding.weight, encoder.kernel)
    tables[:, 0] = 0  # padding beside a word adds nothing,
    tables[encoder.width // 2, 0] = -torch.inf  # and no window is centred on it
    margin = encoder.width // 2
    padded = graph.add("Pad", characters, [0, margin, 0, margin])
    sums = ""
    for offset, table in enumerate(tables):
        rows = graph.add("Gather", table, _columns(graph, padded, offset, offset - 2 * margin or _TO_THE_END))
        sums = graph.add("Add", sums, rows) if sums else rows
    largest = graph.add("ReduceMax", sums, axes=[1], keepdims=0)
    return graph.add("Add", largest, encoder.bias)


# --- recurrence --------------------------------------------------------------------------------------------

_DIRECTIONS = {(False,): "forward", (True,): "reverse", (False, True): "bidirectional"}
# For each cell: the operator, rnner's gates in ONNX's order, and its attributes.
_OPERATORS: dict[type[Cell], tuple[str, list[int], dict[str, Any]]] = {
    RNNCell: ("RNN", [0], {}),
    NoRecurrenceCell: ("RNN", [0], {}),
    GRUCell: ("GRU", [1, 0, 2], {"linear_before_reset": 0}),  # ONNX: z, r, h; rnner: r, u, c
    GRUResetAfterCell: ("GRU", [1, 0, 2], {"linear_before_reset": 1}),
    LSTMCell: ("LSTM", [0, 3, 1, 2], {}),  # ONNX: i, o, f, c; rnner: u, f, c, o
}


def _recurrent(graph: Graph, layer: RecurrentLayer, x: str, lengths: str, name: str) -> tuple[str, str]:
    """Add a recurrence over x [t, b, i]: outputs [t, directions, b, h] and last states [directions, b, h]."""
    cells = [part.cell for part in layer.directions]
    direction = _DIRECTIONS[tuple(part.reverse for part in layer.directions)]
    if len(kinds := {type(cell) for cell in cells}) > 1 or not kinds <= _OPERATORS.keys():
        names = {get_cell(name): name for name in cell_names()}
        own = " combined with ".join(sorted(names.get(kind, kind.__name__) for kind in kinds))
        known = ", ".join(sorted(names[kind] for kind in _OPERATORS))
        raise ModelError(f"ONNX has no operator for the cell {own}; it has one for: {known}")
    operator, order, attributes = _OPERATORS[type(cells[0])]
    weights = zip(*(_weights(cell, order) for cell in cells), strict=True)
    named = zip((f"{name}_{letter}" for letter in "WRB"), weights, strict=True)
    constants = [graph.constant(torch.stack(both), letter) for letter, both in named]
    options = {"direction": direction, "hidden_size": cells[0].hidden_size, **attributes}
    output, end = graph.add_many(operator, 2, x, *constants, lengths, **options)
    return output, end


def _weights(cell: Cell, order: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Return W [g*h, i], R [g*h, h] and B [2*g*h] of a cell, with its gates in the given order."""
    h, rows = cell.hidden_size, len(cell.b_a)
    W_aa = cell.W_aa if cell.recurrent else cell.b_a.new_zeros(rows, h)
    b_aa = torch.zeros_like(cell.b_a)
    if isinstance(cell, GRUResetAfterCell):
        b_aa[2 * h :] = cell.b_cc
    sign = torch.ones_like(cell.b_a)
    if isinstance(cell, GRUCell):
        sign[h : 2 * h] = -1  # z = 1 - Γ_u, and 1 - σ(x) = σ(-x)
    gates = torch.arange(rows).view(-1, h)[order].flatten()
    W, R, b = (part[gates] for part in (cell.W_ax * sign[:, None], W_aa * sign[:, None], cell.b_a * sign))
    return W, R, torch.cat([b, b_aa[gates]])


# --- shorthands --------------------------------------------------------------------------------------------


def _linear(graph: Graph, layer: nn.Linear, x: str, name: str) -> str:
    product = graph.add("MatMul", x, graph.constant(layer.weight.T, f"{name}_weight"))
    return graph.add("Add", product, graph.constant(layer.bias, f"{name}_bias"))


def _join_directions(graph: Graph, x: str, perm: list[int]) -> str:
    """Transpose x by `perm` to [..., directions, h], then concatenate the directions."""
    beside = graph.add("Transpose", x, perm=perm)
    return graph.add("Reshape", beside, [0] * (len(perm) - 2) + [-1])


def _columns(graph: Graph, x: str, start: int, end: int) -> str:
    """Add x[:, start:end]."""
    return graph.add("Slice", x, [start], [end], [1])

"""Checks of a graph before a runtime opens it: known operators, finite weights, bounded memory.

A graph may contain only the operators and attributes that `rnner export` writes, so it cannot have loops,
branches or functions, or read other files. The size of every value is computed twice: for a batch, and for a
batch with all sizes doubled. A graph must not compute far more numbers than it has weights, nor may a value
grow faster than the square of the sizes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnner.export.protobuf import Field, integers, read_message, signed, text

Array = NDArray[Any]
Shape = tuple[int, ...]

_GRAPH = {1: "node*", 2: "name", 5: "initializer*", 11: "input*", 12: "output*"}
_NODE = {1: "input*", 2: "output*", 4: "op_type", 5: "attribute*"}
_ATTRIBUTE = {1: "name", 3: "i", 4: "s", 8: "ints*", 20: "type"}
_TENSOR = {1: "dims*", 2: "data_type", 8: "name", 9: "raw_data", 13: "external*", 14: "location"}
_VALUE = {1: "name", 2: "type"}

_DTYPES = {1: np.float32, 3: np.int8, 7: np.int64, 10: np.float16}
_CAST = {1, 6}  # float32 and int32
_SIZES = {"b": 16, "t": 16, "n": 128, "c": 16, "q": 32, "p": 16, "m": 128, "d": 16}  # of the smaller batch
_MAX_NUMBERS = 1 << 24  # allowed for this batch, in addition to a multiple of the weights
_MAX_GROWTH = 5.0  # 4 for the square, and 1 for margins around characters
_MAX_NODES = 5000  # a tagger with 64 layers has 300 nodes
_BLOCK = 1 << 18

_INPUTS = {
    **dict.fromkeys(("words", "casing"), "n"),
    "characters": "nc",
    "forms": "bt",
    "lengths": "b",
    "lexicon": "btl",
    **dict.fromkeys(("composed", "document_composed"), "q"),
    **dict.fromkeys(("pieces", "weights", "document_pieces", "document_weights"), "qp"),
    "document_words": "m",
    "counts": "dm",
    "document_of": "b",
}
"""The dimensions of each input, as letters of `_SIZES` (l: lexicon features); see writer.py."""


class CheckedGraph(NamedTuple):
    """Inputs, outputs and constants of a graph that passed the check."""

    inputs: list[str]
    outputs: list[str]
    width: int  # of the last output
    constants: dict[str, Array]


def check_graph(graph: memoryview, tables: Mapping[str, Array], lexicon: int) -> CheckedGraph:
    """Check that `rnner export` may have written a graph, and return its inputs, outputs and constants.

    Args:
        graph: the bytes of the graph.
        tables: the constants that are stored in another file, by name.
        lexicon: number of lexicon features per word.

    Raises:
        ValueError: `rnner export` cannot have written the graph; the message says why.
    """
    parts = read_message(graph, _GRAPH)
    if len(parts["node"]) > _MAX_NODES:
        raise ValueError("its graph has too many operators")
    constants = dict(_constant(each, tables) for each in parts["initializer"])
    inputs, outputs = ([_name(each) for each in parts[end]] for end in ("input", "output"))
    if unknown := set(inputs) - _INPUTS.keys():
        raise ValueError(f"its graph has the unknown inputs {', '.join(sorted(unknown))}")
    for name, array in constants.items():
        if not is_finite(array[1:] if _has_padding_row(name, array) else array):
            raise ValueError(f"the weights {name!r} have a number that is NaN or infinite")
    nodes = [_Node.read(each) for each in parts["node"]]
    once, twice = (
        _shapes(nodes, inputs, constants, {name: scale * size for name, size in _SIZES.items()}, lexicon)
        for scale in (1, 2)
    )
    weights = sum(array.size for array in constants.values())
    if sum(map(math.prod, once.values())) > _MAX_NUMBERS + 4 * weights:
        raise ValueError("its graph computes far more numbers than it has weights")
    if any(math.prod(twice[name]) > _MAX_GROWTH * math.prod(shape) for name, shape in once.items()):
        raise ValueError("the memory that its graph needs grows too fast with the length of the text")
    last = once.get(outputs[-1]) if outputs else None
    return CheckedGraph(inputs, outputs, last[-1] if last else 0, constants)


def is_finite(array: Array) -> bool:
    """Return whether all numbers are finite. Works in blocks to save memory."""
    if array.dtype.kind != "f":
        return True
    flat = array.reshape(-1)
    starts = range(0, len(flat), _BLOCK)
    return all(bool(np.isfinite(flat[start : start + _BLOCK]).all()) for start in starts)


# --- parts of a graph --------------------------------------------------------------------------------------


class _Node(NamedTuple):
    operator: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]

    @classmethod
    def read(cls, message: memoryview) -> _Node:
        node = read_message(message, _NODE)
        operator = text(node["op_type"]) if "op_type" in node else ""
        if operator not in _OPERATORS:
            raise ValueError(f"its graph has the operator {operator[:40]!r}, which rnner does not write")
        attributes = dict(_attribute(each) for each in node["attribute"])
        if unknown := attributes.keys() - _OPERATORS[operator].attributes:
            raise ValueError(f"its operator {operator} has the unknown attribute {min(unknown)[:40]!r}")
        if attributes.get("to", 1) not in _CAST:
            raise ValueError("its graph converts numbers to an unknown type")
        inputs, outputs = ([text(each) for each in node[end]] for end in ("input", "output"))
        return cls(operator, inputs, outputs, attributes)


def _attribute(message: memoryview) -> tuple[str, Any]:
    fields = read_message(message, _ATTRIBUTE)
    if "s" in fields:
        value: Any = text(fields["s"])
    else:
        value = signed(_int(fields, "i")) if "i" in fields else integers(fields["ints"])
    return _name_of(fields), value


def _constant(message: memoryview, tables: Mapping[str, Array]) -> tuple[str, Array]:
    """Return the name of a constant and its numbers, as a view of the file without a copy."""
    fields = read_message(message, _TENSOR)
    name, shape = _name_of(fields), tuple(integers(fields["dims"]))
    dtype = _DTYPES.get(_int(fields, "data_type"))
    if dtype is None or min(shape, default=0) < 0:
        raise ValueError(f"the weights {name!r} have an unknown type or size")
    if _int(fields, "location"):
        table = tables.get(name)
        if table is None or table.shape != shape or table.dtype != dtype:
            raise ValueError(f"the weights {name!r} are not in its model folder")
        return name, table
    raw = fields.get("raw_data", memoryview(b""))
    if not isinstance(raw, memoryview) or fields["external"]:
        raise ValueError(f"the weights {name!r} are not in the file")
    if len(raw) != math.prod(shape) * np.dtype(dtype).itemsize:
        raise ValueError(f"the weights {name!r} have {len(raw)} bytes, but the shape {list(shape)}")
    return name, np.frombuffer(raw, np.dtype(dtype).newbyteorder("<")).reshape(shape)


def _name(message: memoryview) -> str:
    return _name_of(read_message(message, _VALUE))


def _name_of(fields: Mapping[str, Field]) -> str:
    return text(fields.get("name", memoryview(b"")))


def _int(fields: Mapping[str, Field], name: str) -> int:
    value = fields.get(name, 0)
    if not isinstance(value, int):
        raise ValueError(f"its field {name} is not a number")
    return value


def _has_padding_row(name: str, array: Array) -> bool:
    """Return whether row 0 may be -inf, as in character tables, where padding must never be the maximum."""
    return name.startswith("constant_") and array.ndim == 2 and not np.isnan(array[:1]).any()


# --- sizes -------------------------------------------------------------------------------------------------


class _Call(NamedTuple):
    """The arguments of an operator: shapes of its inputs, values of the constant ones, and its attributes."""

    shapes: list[Shape]
    values: list[Array | None]
    attributes: Mapping[str, Any]

    def integers(self, place: int) -> list[int]:
        """Return the values of a constant input that holds axes or sizes."""
        value = self.values[place]
        if value is None or value.dtype != np.int64 or value.size > 8:
            raise ValueError("its graph has a shape that is not a constant")
        return [int(number) for number in value.reshape(-1)]


class _Operator(NamedTuple):
    shape: Callable[[_Call], Shape]
    attributes: frozenset[str] = frozenset()


def _shapes(
    nodes: Sequence[_Node],
    inputs: Sequence[str],
    constants: Mapping[str, Array],
    sizes: Mapping[str, int],
    lexicon: int,
) -> dict[str, Shape]:
    """Return the shape of each value that the graph computes, for inputs of these sizes."""
    known = {name: array.shape for name, array in constants.items()}
    known |= {
        name: tuple(lexicon if letter == "l" else sizes[letter] for letter in _INPUTS[name])
        for name in inputs
    }
    found: dict[str, Shape] = {}
    for node in nodes:
        call = _Call(
            [known[name] for name in node.inputs],
            [constants.get(name) for name in node.inputs],
            node.attributes,
        )
        try:
            shape = _OPERATORS[node.operator].shape(call)
            shapes = [shape] if len(node.outputs) == 1 else [shape, (shape[1], shape[2], shape[3])]
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"its operator {node.operator} does not fit its inputs ({error})") from None
        new = dict(zip(node.outputs, shapes, strict=False))
        found |= new
        known.update(new)
    return found


def _broadcast(call: _Call) -> Shape:
    return np.broadcast_shapes(*call.shapes)


def _same(call: _Call) -> Shape:
    return call.shapes[0]


def _concat(call: _Call) -> Shape:
    first, axis = list(call.shapes[0]), call.attributes["axis"]
    first[axis] = sum(shape[axis] for shape in call.shapes)
    return tuple(first)


def _gather(call: _Call) -> Shape:
    return call.shapes[1] + call.shapes[0][1:]


def _matmul(call: _Call) -> Shape:
    left, right = call.shapes
    return (*np.broadcast_shapes(left[:-2], right[:-2]), left[-2], right[-1])


def _pad(call: _Call) -> Shape:
    (shape, *_), pads = call.shapes, call.integers(1)
    before, after = pads[: len(shape)], pads[len(shape) :]
    return tuple(size + sum(beside) for size, *beside in zip(shape, before, after, strict=True))


def _reduced(call: _Call, axes: list[int]) -> Shape:
    shape = list(call.shapes[0])
    for axis in axes:
        shape[axis] = 1 if call.attributes["keepdims"] else 0
    return tuple(size for size in shape if size)


def _recurrence(call: _Call) -> Shape:
    time, batch, _ = call.shapes[0]
    directions, _, hidden = call.shapes[2]
    return time, directions, batch, hidden


def _reshape(call: _Call) -> Shape:
    (shape, *_), wanted = call.shapes, call.integers(1)
    kept = tuple(shape[place] for place, size in enumerate(wanted[:-1]) if size == 0)
    if wanted != [0] * len(kept) + [-1]:
        raise ValueError("its graph changes a shape in an unknown way")
    return (*kept, math.prod(shape[len(kept) :]))


def _slice(call: _Call) -> Shape:
    (start,), (end,), (axis,) = (call.integers(place) for place in (1, 2, 3))
    shape = list(call.shapes[0])
    shape[axis] = len(range(*slice(start, end).indices(shape[axis])))
    return tuple(shape)


def _squeeze(call: _Call) -> Shape:
    shape = list(call.shapes[0])
    for axis in call.integers(1):
        del shape[axis]
    return tuple(shape)


def _transpose(call: _Call) -> Shape:
    if sorted(call.attributes["perm"]) != list(range(len(call.shapes[0]))):
        raise ValueError("its order of dimensions is invalid")
    return tuple(call.shapes[0][axis] for axis in call.attributes["perm"])


def _unsqueeze(call: _Call) -> Shape:
    (axis,), shape = call.integers(1), call.shapes[0]
    return (*shape[:axis], 1, *shape[axis:]) if axis >= 0 else (*shape, 1)


_RECURRENT = frozenset({"direction", "hidden_size"})
_OPERATORS = {
    **dict.fromkeys(("Add", "Div", "Max", "Mul", "Sub"), _Operator(_broadcast)),
    **dict.fromkeys(("Greater", "GreaterOrEqual", "Where"), _Operator(_broadcast)),
    **dict.fromkeys(("Identity", "ScatterND", "Sigmoid"), _Operator(_same)),
    **dict.fromkeys(("LSTM", "RNN"), _Operator(_recurrence, _RECURRENT)),
    "Cast": _Operator(_same, frozenset({"to"})),
    "Concat": _Operator(_concat, frozenset({"axis"})),
    "GRU": _Operator(_recurrence, _RECURRENT | {"linear_before_reset"}),
    "Gather": _Operator(_gather),
    "MatMul": _Operator(_matmul),
    "Pad": _Operator(_pad),
    "ReduceMax": _Operator(
        lambda call: _reduced(call, call.attributes["axes"]), frozenset({"axes", "keepdims"})
    ),
    "ReduceSum": _Operator(lambda call: _reduced(call, call.integers(1)), frozenset({"keepdims"})),
    "Reshape": _Operator(_reshape),
    "Slice": _Operator(_slice),
    "Squeeze": _Operator(_squeeze),
    "Transpose": _Operator(_transpose, frozenset({"perm"})),
    "Unsqueeze": _Operator(_unsqueeze),
}

"""Mutations of ONNX files, for fuzz_model_files.py. Not a script itself."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

import numpy as np
import onnx
from model_mutations import NUMBERS, ODD_FLOATS, damage, forge_tree
from onnx import helper, numpy_helper

from rnner.export.onnx_file import CHECKSUM_KEY, NO_CHECKSUM, with_checksum

_OPERATORS = (
    *("Loop", "If", "Scan", "Expand", "Tile", "Range", "Resize", "ConstantOfShape", "RandomNormal", "Einsum"),
    *(
        "Concat",
        "MatMul",
        "Gather",
        "Mul",
        "Identity",
        "Reshape",
        "Pad",
        "Transpose",
        "Slice",
        "Max",
        "Where",
        "LSTM",
    ),
)


def forge_onnx(data: bytes, draw: Random) -> bytes:
    """Change operators, attributes, constants, inputs or metadata of an ONNX file; its checksum fits."""
    model = onnx.load_from_string(data)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        draw.choice((_forge_node, _forge_node, _forge_constant, _forge_constant, _forge_metadata_of_onnx))(
            model, draw
        )
    return sealed(model)


def sealed(model: Any) -> bytes:
    """Return the content of a model, with a checksum that fits."""
    kept = {entry.key: entry.value for entry in model.metadata_props if entry.key != CHECKSUM_KEY}
    helper.set_model_props(model, {**kept, CHECKSUM_KEY: NO_CHECKSUM})
    return with_checksum(model.SerializeToString())


def _forge_node(model: Any, draw: Random) -> None:
    nodes = model.graph.node
    if not nodes:
        return
    node, other = draw.choice(nodes), draw.choice(nodes)
    names = [name for each in nodes for name in (*each.input, *each.output)]
    change = draw.choice(
        ("operator", "input", "input", "attribute", "attribute", "delete", "add", "exchange", "loop")
    )
    if change == "operator":
        node.op_type = draw.choice(_OPERATORS)
    elif change == "input" and node.input:
        node.input[draw.randrange(len(node.input))] = draw.choice((*names, "", "nothing"))
    elif change == "attribute":
        _forge_attribute(node, draw)
    elif change == "delete":
        nodes.remove(node)
    elif change == "exchange":
        copied = copy.deepcopy(node)
        node.CopyFrom(other)
        other.CopyFrom(copied)
    elif change == "loop" and other.output:
        node.input.append(other.output[0])
    else:
        operator, count = draw.choice(_OPERATORS), draw.choice((1, 2, 3, 6))
        inputs = [draw.choice(names) for _ in range(count)]
        extra = helper.make_node(operator, inputs, [f"extra_{draw.random()}"])
        if operator == "Concat":
            extra.attribute.append(helper.make_attribute("axis", 0))
        nodes.insert(draw.choice((0, len(nodes))), extra)


def _forge_attribute(node: Any, draw: Random) -> None:
    if not node.attribute or draw.random() < 0.1:
        name = draw.choice(("axis", "perm", "hidden_size", "to", "activations", "clip", "direction"))
        node.attribute.append(helper.make_attribute(name, draw.choice((0, 1, 8, [0, 1], "reverse"))))
        return
    attribute = draw.choice(node.attribute)
    if attribute.ints:
        attribute.ints[draw.randrange(len(attribute.ints))] = draw.choice(NUMBERS)
    elif attribute.s:
        attribute.s = draw.choice((b"forward", b"reverse", b"bidirectional", b"", b"\xff", b"x" * 5000))
    else:
        attribute.i = draw.choice(NUMBERS)


def _forge_constant(model: Any, draw: Random) -> None:
    if not model.graph.initializer:
        return
    constant, other = draw.choice(model.graph.initializer), draw.choice(model.graph.initializer)
    change = draw.choice(("numbers", "numbers", "dims", "type", "name", "delete", "bytes", "external"))
    if change == "numbers" and not constant.external_data and constant.raw_data:
        array = numpy_helper.to_array(constant).copy()
        flat = array.reshape(-1)
        where = draw.choice((0, -1, slice(None)))
        with np.errstate(all="ignore"):
            if array.dtype.kind == "f":
                flat[where] = np.array(draw.choice(ODD_FLOATS)).astype(array.dtype)
            else:
                flat[where] = np.array(draw.choice(NUMBERS), dtype=np.int64).astype(array.dtype)
        constant.CopyFrom(numpy_helper.from_array(array, constant.name))
    elif change == "dims":
        dims = list(constant.dims)
        new = draw.choice(
            ([*dims, 1], dims[:-1], dims[::-1], [draw.choice(NUMBERS)], [*dims[:-1], draw.choice(NUMBERS)])
        )
        del constant.dims[:]
        constant.dims.extend(new)
    elif change == "type":
        constant.data_type = draw.choice(range(25))
    elif change == "name":
        constant.name = draw.choice((other.name, "x", ""))
    elif change == "delete":
        model.graph.initializer.remove(constant)
    elif change == "bytes":
        constant.raw_data = damage(constant.raw_data, draw)
    else:
        entry = constant.external_data.add()
        entry.key = draw.choice(("location", "offset", "length"))
        entry.value = draw.choice(("/etc/passwd", "../../x", "model.safetensors", "-1", str(2**62)))
        constant.data_location = 1


def _forge_metadata_of_onnx(model: Any, draw: Random) -> None:
    if draw.random() < 0.2 and model.graph.input:
        given = draw.choice(model.graph.input)
        given.name = draw.choice(("words", "x", "", "lexicon", "counts"))
        return
    entry = draw.choice(model.metadata_props)
    try:
        tree = json.loads(entry.value)
    except ValueError:
        tree = None
    if isinstance(tree, dict | list) and draw.random() < 0.9:
        entry.value = json.dumps(forge_tree(tree, draw))
    elif draw.random() < 0.5:
        lines = entry.value.split("\n")
        entry.value = "\n".join(draw.sample(lines, draw.randint(0, len(lines))))
    else:
        entry.value = draw.choice(("", "0", "nan", "-1", "1e999", "x" * 10_000, "0.5", "[]", "[" * 10_000))

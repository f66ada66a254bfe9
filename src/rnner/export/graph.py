"""Building an ONNX graph operator by operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:  # an optional dependency
    from onnx import GraphProto

Array = NDArray[Any]
Value = str | Tensor | Array | Sequence[int] | int


class Graph:
    """An ONNX graph under construction. Inputs, constants and results are referred to by name."""

    def __init__(self) -> None:
        from onnx import helper

        self._helper: Any = helper
        self._nodes: list[Any] = []
        self._constants: dict[str, Array] = {}
        self._inputs: dict[str, Any] = {}

    def input(self, name: str, *shape: str | int, dtype: type[np.generic] = np.int64) -> str:
        """Add an input; letters in the shape are variable sizes."""
        element_type = self._helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self._inputs[name] = self._helper.make_tensor_value_info(name, element_type, shape)
        return name

    def constant(self, value: Value, name: str = "") -> str:
        """Add weights or integers; if the name has a value already, that value is kept."""
        name = name or f"constant_{len(self._constants)}"
        array = value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
        self._constants.setdefault(name, array)
        return name

    def add(self, operator: str, *inputs: Value, **attributes: Any) -> str:
        """Add an operator with one result. Inputs that are not names become constants."""
        return self.add_many(operator, 1, *inputs, **attributes)[0]

    def add_many(self, operator: str, outputs: int, *inputs: Value, **attributes: Any) -> list[str]:
        """Add an operator with several results."""
        given = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        names = [f"{operator}_{len(self._nodes)}_{i}" for i in range(outputs)]
        self._nodes.append(self._helper.make_node(operator, given, names, **attributes))
        return names

    def output(self, name: str, value: str) -> None:
        """Make a value an output of the graph, under the given name."""
        self._nodes.append(self._helper.make_node("Identity", [value], [name]))

    def proto(self, name: str, **outputs: Sequence[str | int]) -> GraphProto:
        """Return the graph, given the shape of each output (float32)."""
        from onnx import TensorProto, numpy_helper

        graph: GraphProto = self._helper.make_graph(
            self._nodes,
            name,
            list(self._inputs.values()),
            [self._helper.make_tensor_value_info(each, TensorProto.FLOAT, outputs[each]) for each in outputs],
            [numpy_helper.from_array(array, each) for each, array in self._constants.items()],
        )
        return graph

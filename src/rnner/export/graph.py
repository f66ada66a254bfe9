"""An ONNX graph, put together operator by operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:  # an extra
    from onnx import GraphProto

Array = NDArray[Any]


class Graph:
    """Operators, constants and inputs, as they are added; what each gives goes by a name."""

    def __init__(self) -> None:
        from onnx import helper

        self._helper: Any = helper
        self._nodes: list[Any] = []
        self._constants: dict[str, Array] = {}
        self._inputs: dict[str, Any] = {}

    def input(self, name: str, *shape: str | int, kind: type[np.generic] = np.int64) -> str:
        """An input of the graph; letters are sizes that vary."""
        of = self._helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        self._inputs[name] = self._helper.make_tensor_value_info(name, of, shape)
        return name

    def constant(self, value: Tensor | Array | Sequence[int] | int, name: str = "") -> str:
        """Weights or whole numbers; what is given twice under a name is kept once."""
        name = name or f"constant_{len(self._constants)}"
        array = value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
        self._constants.setdefault(name, array)
        return name

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """An operator; returns the name of what it gives."""
        return self.add_many(operator, 1, *inputs, **attributes)[0]

    def add_many(self, operator: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """An operator that gives several things; returns their names."""
        names = [f"{operator}_{len(self._nodes)}_{i}" for i in range(outputs)]
        self._nodes.append(self._helper.make_node(operator, inputs, names, **attributes))
        return names

    def give(self, name: str, value: str) -> None:
        """Let the graph give a value under a name."""
        self._nodes.append(self._helper.make_node("Identity", [value], [name]))

    def proto(self, name: str, **given: Sequence[str | int]) -> GraphProto:
        """The graph; `given` are the shapes of what it gives, in float32."""
        from onnx import TensorProto, numpy_helper

        outputs = [
            self._helper.make_tensor_value_info(each, TensorProto.FLOAT, shape)
            for each, shape in given.items()
        ]
        constants = [numpy_helper.from_array(array, each) for each, array in self._constants.items()]
        graph: GraphProto = self._helper.make_graph(
            self._nodes, name, list(self._inputs.values()), outputs, constants
        )
        return graph

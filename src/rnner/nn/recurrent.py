"""Recurrent layers: a cell run over sentences, in one or two directions and in one or more layers.

All layers have the signature `layer(x [b, t, i], lengths [b], state=None) -> (output [b, t, o], state)`.
Padding is on the right; it is never read, and the output there is zero. A state is a flat tuple of `states`
tensors `[b, h]`. Letters: b sentences, t words, i input features, o output
features, h units.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn

from rnner.nn.cells import Cell, State
from rnner.nn.fused.dispatch import choose_implementation, in_functorch, run_recurrence
from rnner.nn.loop import Recurrence
from rnner.nn.padding import reverse_sequences


class RecurrentLayer(nn.Module):
    """Base class of `Recurrent`, `Bidirectional` and `Stack`."""

    input_size: int
    """i, the number of input features per word."""
    output_size: int
    """o, the number of output features per word."""
    states: int
    """Number of tensors `[b, h]` in the layer's state."""

    @property
    def directions(self) -> tuple[Recurrent, ...]:
        """The recurrences of a single layer, one per direction; a `Stack` has none."""
        return ()

    def __call__(self, x: Tensor, lengths: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Call `forward`; defined only for its type annotations."""
        return cast("tuple[Tensor, State]", super().__call__(x, lengths, state))

    def check_inputs(self, x: Tensor, lengths: Tensor, state: State | None) -> None:
        """Raise a ValueError if shapes or lengths are invalid."""
        if x.dim() != 3 or x.shape[-1] != self.input_size:
            raise ValueError(f"x must be [b, t, {self.input_size}], got {list(x.shape)}")
        if lengths.shape != x.shape[:1]:
            raise ValueError(
                f"lengths must be [{x.shape[0]}] for x {list(x.shape)}, got {list(lengths.shape)}"
            )
        if state is not None and len(state) != self.states:
            raise ValueError(f"state must have {self.states} tensors [b, h], got {len(state)}")
        if lengths.device.type == "cpu" and not in_functorch():  # on CUDA the check would synchronize
            least, most = (int(length) for length in lengths.aminmax())
            if least < 1 or most > x.shape[1]:
                raise ValueError(f"lengths must be from 1 to {x.shape[1]}, got {least} to {most}")


class Recurrent(RecurrentLayer):
    """A cell, run over each sentence in one direction.

    Args:
        cell: computes each step.
        reverse: read each sentence backward, from its own last word to its first. The output stays aligned
            with the words.
        path: the implementation. "loop" is the plain loop over `cell.step`, which works for every cell;
            "fused" and "native" compute the same numbers faster, for the cells that have them; "auto" picks
            the one that benchmarks found fastest. Second derivatives need "loop" or "fused".
        truncate: truncated backpropagation through time (Williams and Peng 1990): detach the state after
            every `truncate` words, counted in reading order. The output does not change, but no gradient
            flows from the words after such a boundary to those before it. Use it for sequences whose
            activations do not fit in memory. None backpropagates through whole sentences.

    Raises:
        ValueError: the cell has no implementation of that name (the message lists those it has), or
            `truncate` is below 1.
    """

    def __init__(
        self, cell: Cell, *, reverse: bool = False, path: str = "auto", truncate: int | None = None
    ) -> None:
        super().__init__()
        if truncate is not None and truncate < 1:
            raise ValueError(f"truncate must be at least 1, or None for whole sentences, got {truncate}")
        self.cell = cell
        self.reverse = reverse
        self.truncate = truncate
        self.path = path
        self.input_size = cell.input_size
        self.output_size = cell.hidden_size
        self.states = cell.states
        self.implementation  # noqa: B018  (raises here, not at the first batch)

    @property
    def implementation(self) -> str:
        """The implementation that runs: "loop", "fused" or "native" (always "loop" under `torch.func`)."""
        return choose_implementation(self.cell, self.path)

    @property
    def directions(self) -> tuple[Recurrent, ...]:
        """The layer itself."""
        return (self,)

    def forward(self, x: Tensor, lengths: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Run the cell over each sentence.

        Args:
            x: `[b, t, i]`, float.
            lengths: `[b]` int64, from 1 to t.
            state: the initial state, `cell.states` tensors `[b, h]`; zeros by default.

        Returns:
            output: `[b, t, h]`, a<t> at each word, zero in the padding.
            state: the state after the last word read: each sentence's own last word, or its first with
                `reverse`.

        Raises:
            ValueError: shapes or (checked on the CPU only) lengths are invalid.
        """
        self.check_inputs(x, lengths, state)
        if self.truncate is None:
            return run_recurrence(self.path, Recurrence((self.cell,), (self.reverse,), x, lengths, state))
        if self.reverse:
            x = reverse_sequences(x, lengths)
        outputs: list[Tensor] = []
        for n, piece in enumerate(torch.split(x, self.truncate, dim=1)):
            if state is not None and n > 0:
                state = tuple(tensor.detach() for tensor in state)
            rest = (lengths - n * self.truncate).clamp(0, piece.shape[1])
            output, state = run_recurrence(self.path, Recurrence((self.cell,), (False,), piece, rest, state))
            outputs.append(output)
        output = torch.cat(outputs, dim=1)
        return reverse_sequences(output, lengths) if self.reverse else output, cast(State, state)

    def extra_repr(self) -> str:
        """Return the direction and the implementation that runs, for `print(layer)`."""
        truncate = f", truncate={self.truncate}" if self.truncate else ""
        return f"reverse={self.reverse}, path={self.implementation}{truncate}"


class Bidirectional(RecurrentLayer):
    """Two recurrences over the same sentences, one per direction (Schuster and Paliwal 1997).

    Args:
        forward_layer: reads forward.
        backward_layer: reads backward (`reverse=True`).

    Raises:
        ValueError: the same layer is given twice, a direction is wrong, or the input sizes differ.
    """

    def __init__(self, forward_layer: Recurrent, backward_layer: Recurrent) -> None:
        super().__init__()
        if forward_layer is backward_layer or forward_layer.cell is backward_layer.cell:
            raise ValueError("each direction needs its own layer and cell; the same one was given twice")
        if forward_layer.reverse or not backward_layer.reverse:
            raise ValueError(
                "forward_layer must have reverse=False and backward_layer reverse=True, got "
                f"{forward_layer.reverse} and {backward_layer.reverse}"
            )
        if forward_layer.input_size != backward_layer.input_size:
            raise ValueError(
                "both directions read the same words, so their input sizes must be equal, got "
                f"{forward_layer.input_size} and {backward_layer.input_size}"
            )
        self.forward_layer = forward_layer
        self.backward_layer = backward_layer
        self.input_size = forward_layer.input_size
        self.output_size = forward_layer.output_size + backward_layer.output_size
        self.states = forward_layer.states + backward_layer.states

    def forward(self, x: Tensor, lengths: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Run both directions.

        Args:
            x: `[b, t, i]`, float.
            lengths: `[b]` int64, from 1 to t.
            state: the forward layer's tensors, then the backward layer's; zeros by default.

        Returns:
            output: `[b, t, o]`, the forward output followed by the backward output, zero in the padding.
            state: the forward layer's tensors (after each sentence's last word), then the backward layer's
                (after its first). `torch.cat([state[0], state[layer.forward_layer.states]], dim=-1)`
                summarizes each sentence.
        """
        self.check_inputs(x, lengths, state)
        there, back = self.directions
        if self.runs_jointly:
            return run_recurrence(
                there.path, Recurrence((there.cell, back.cell), (False, True), x, lengths, state)
            )
        n = there.states
        output_there, end = there(x, lengths, state and state[:n])
        output_back, start = back(x, lengths, state and state[n:])
        return torch.cat([output_there, output_back], dim=-1), end + start

    @property
    def directions(self) -> tuple[Recurrent, ...]:
        """The layer that reads forward, then the one that reads backward."""
        return self.forward_layer, self.backward_layer

    @property
    def runs_jointly(self) -> bool:
        """Whether one call computes both directions: same cell class, size and path, no truncation."""
        there, back = self.directions
        return (
            type(there.cell) is type(back.cell)
            and (there.output_size, there.path) == (back.output_size, back.path)
            and there.truncate is back.truncate is None
        )


class Stack(RecurrentLayer):
    """Stacked layers. Each reads the output of the layer below.

    Args:
        layers: from the bottom up; the input size of each must be the output size of the one below.
        between: a module applied to the output of each layer but the last, such as dropout.

    Raises:
        ValueError: there are no layers, or their sizes do not match.
    """

    def __init__(self, layers: Iterable[RecurrentLayer], between: nn.Module | None = None) -> None:
        super().__init__()
        layers = list(layers)
        if not layers:
            raise ValueError("a stack needs at least one layer")
        for n, (below, above) in enumerate(pairwise(layers), start=1):
            if below.output_size != above.input_size:
                sizes = f"outputs {below.output_size} features, but layer {n + 1} takes {above.input_size}"
                raise ValueError(f"layer {n} {sizes}")
        self.layers = nn.ModuleList(layers)
        self.between = between
        self.input_size = layers[0].input_size
        self.output_size = layers[-1].output_size
        self.states = sum(layer.states for layer in layers)

    def forward(self, x: Tensor, lengths: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Run all layers.

        Args:
            x: `[b, t, i]`, float.
            lengths: `[b]` int64, from 1 to t.
            state: the tensors of all layers, from the bottom up; zeros by default.

        Returns:
            output: `[b, t, o]` of the last layer, zero in the padding.
            state: the final states of all layers, from the bottom up.
        """
        self.check_inputs(x, lengths, state)
        final: State = ()
        for n, module in enumerate(self.layers):
            layer = cast(RecurrentLayer, module)
            initial = None if state is None else state[len(final) : len(final) + layer.states]
            if n > 0 and self.between is not None:
                x = self.between(x)
            x, end = layer(x, lengths, initial)
            final += end
        return x, final

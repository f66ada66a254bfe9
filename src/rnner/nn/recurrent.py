"""Recurrence over sentences: the loop that defines what a cell means, two directions, several layers.

Every layer here is called alike, `layer(x [b, t, i], lengths [b], state=None) -> (output [b, t, o], state)`,
with padding on the right: what stands there is never read, and the output there is zero. A state is one flat
tuple of tensors `[b, h]`, as many as the layer's `states`.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn

from rnner.nn.cells import Cell, State
from rnner.nn.fused.paths import choose_path, is_transformed, run_path
from rnner.nn.loop import reverse_each


class RecurrentLayer(nn.Module):
    """What `Recurrent`, `Bidirectional` and `Stack` have in common, for whoever builds upon them."""

    input_size: int
    """i, features of a word that come in."""
    output_size: int
    """o, features of a word that go out."""
    states: int
    """How many tensors `[b, h]` the layer's state has."""

    def __call__(self, x: Tensor, lengths: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """As `forward`; here only so that its types are known."""
        return cast("tuple[Tensor, State]", super().__call__(x, lengths, state))

    def check(self, x: Tensor, lengths: Tensor, state: State | None) -> None:
        """Raise a ValueError that says which shapes or lengths came and which were wanted."""
        if x.dim() != 3 or x.shape[-1] != self.input_size:
            raise ValueError(f"x must be [b, t, {self.input_size}], not {list(x.shape)}")
        if lengths.shape != x.shape[:1]:
            raise ValueError(
                f"lengths must be [{x.shape[0]}] for x {list(x.shape)}, not {list(lengths.shape)}"
            )
        if state is not None and len(state) != self.states:
            raise ValueError(f"the state must be {self.states} tensors [b, h], not {len(state)}")
        if lengths.device.type == "cpu" and not is_transformed():  # on CUDA looking would mean waiting
            least, most = (int(length) for length in lengths.aminmax())
            if least < 1 or most > x.shape[1]:
                raise ValueError(f"lengths must be from 1 to {x.shape[1]}, not {least} to {most}")


class Recurrent(RecurrentLayer):
    """A cell, run over each sentence in one direction.

    Args:
        cell: what is done at each word.
        reverse: read each sentence backward, from its own last word to its first. Outputs stay at the
            words they belong to.
        path: how it is computed. "loop" is the plain loop over `cell.step`, which every cell has; "fused"
            and "native" are faster ways to the same numbers, for the cells that have them; "auto" takes the
            one that measured fastest. Gradients of gradients need "loop" or "fused".
        truncate: truncated backpropagation through time (Williams and Peng 1990): the state is detached
            after every so many words, counted in the direction of reading. Outputs are the same. What the
            gradient leaves out is every influence across such a border: nothing that happens after one
            reaches a word (or the initial state) before it. Use it when a sequence is too long for
            everything to be kept; None backpropagates through all of it.

    Raises:
        ValueError: a path that the cell does not have (the message names those it has), or a `truncate`
            below 1.
    """

    def __init__(
        self, cell: Cell, *, reverse: bool = False, path: str = "auto", truncate: int | None = None
    ) -> None:
        super().__init__()
        if truncate is not None and truncate < 1:
            raise ValueError(f"truncate must be 1 or more, or None for all of the sentence, not {truncate}")
        self.cell = cell
        self.reverse = reverse
        self.truncate = truncate
        self.path = path
        self.input_size = cell.input_size
        self.output_size = cell.hidden_size
        self.states = cell.states
        self.chosen_path  # noqa: B018  (raises now, not at the first batch)

    @property
    def chosen_path(self) -> str:
        """The path that runs: "loop", "fused" or "native" (under `torch.func` transforms always the loop)."""
        return choose_path(self.cell, self.path)

    def forward(self, x: Tensor, lengths: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Run the cell over each sentence.

        Args:
            x: `[b, t, i]`, float.
            lengths: `[b]` int64, from 1 to t.
            state: `cell.states` tensors `[b, h]` to start from; zeros if not given.

        Returns:
            output: `[b, t, h]`, a<t> at each word, zero in the padding.
            state: the state after each sentence's own last word in the direction of reading (with
                `reverse`, that is its first).

        Raises:
            ValueError: shapes that do not fit, or (looked at on CPU only) lengths.
        """
        self.check(x, lengths, state)
        if self.truncate is None:
            return self._run(x, lengths, state, self.reverse)
        return self._run_in_pieces(x, lengths, state, self.truncate)

    def _run(self, x: Tensor, lengths: Tensor, state: State | None, reverse: bool) -> tuple[Tensor, State]:
        return run_path(self.path, (self.cell,), (reverse,), x, lengths, state)

    def _run_in_pieces(
        self, x: Tensor, lengths: Tensor, state: State | None, piece: int
    ) -> tuple[Tensor, State]:
        """WeightedRows of so many words in the order of reading; only the values of a state pass between them."""
        if self.reverse:
            x = reverse_each(x, lengths)
        outputs = []
        for begin in range(0, x.shape[1], piece):
            part = x[:, begin : begin + piece]
            output, state = self._run(part, (lengths - begin).clamp(0, part.shape[1]), state, False)
            outputs.append(output)
            if begin + piece < x.shape[1]:
                state = tuple(tensor.detach() for tensor in state)
        output, state = torch.cat(outputs, dim=1), cast(State, state)
        return reverse_each(output, lengths) if self.reverse else output, state

    def extra_repr(self) -> str:
        """Direction and the path that runs, for `print(layer)`."""
        truncate = f", truncate={self.truncate}" if self.truncate else ""
        return f"reverse={self.reverse}, path={self.chosen_path}{truncate}"


class Bidirectional(RecurrentLayer):
    """Two directions over the same sentences, side by side (Schuster and Paliwal 1997).

    Args:
        forward_layer: reads forward.
        backward_layer: reads backward (`reverse=True`).

    Raises:
        ValueError: one layer given twice, a wrong direction, or inputs of different sizes.
    """

    def __init__(self, forward_layer: Recurrent, backward_layer: Recurrent) -> None:
        super().__init__()
        if forward_layer is backward_layer or forward_layer.cell is backward_layer.cell:
            raise ValueError("the two directions need a layer and a cell each, not the same one twice")
        if forward_layer.reverse or not backward_layer.reverse:
            raise ValueError(
                "forward_layer must have reverse=False and backward_layer reverse=True, not "
                f"{forward_layer.reverse} and {backward_layer.reverse}"
            )
        if forward_layer.input_size != backward_layer.input_size:
            raise ValueError(
                "both directions read the same words, so their input sizes must be equal, not "
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
            state: the forward layer's tensors, then the backward layer's.

        Returns:
            output: `[b, t, 2h]`, forward beside backward, zero in the padding.
            state: the forward layer's tensors (after each sentence's last word), then the backward layer's
                (after its first); a summary of whole sentences is
                `torch.cat([state[0], state[layer.forward_layer.states]], dim=-1)`.
        """
        self.check(x, lengths, state)
        one, other = self.forward_layer, self.backward_layer
        if self.together:
            return run_path(one.path, (one.cell, other.cell), (False, True), x, lengths, state)
        own, others = (None, None) if state is None else (state[: one.states], state[one.states :])
        there, end = one(x, lengths, own)
        back, start = other(x, lengths, others)
        return torch.cat([there, back], dim=-1), end + start

    @property
    def together(self) -> bool:
        """Whether both directions go through one scan: same class, size and path, and nothing truncated."""
        one, other = self.forward_layer, self.backward_layer
        return (
            type(one.cell) is type(other.cell)
            and one.output_size == other.output_size
            and one.path == other.path
            and one.truncate is None
            and other.truncate is None
        )


class Stack(RecurrentLayer):
    """Layers one upon the other: each reads what the one below gives out.

    Args:
        layers: from the bottom up; each must take as many features as the one below gives.
        between: applied to what goes from layer to layer (dropout, say), not after the last.

    Raises:
        ValueError: no layers, or sizes that do not fit.
    """

    def __init__(self, layers: Iterable[RecurrentLayer], between: nn.Module | None = None) -> None:
        super().__init__()
        layers = list(layers)
        if not layers:
            raise ValueError("a stack needs one layer or more")
        for n, (below, above) in enumerate(pairwise(layers), start=1):
            if below.output_size != above.input_size:
                raise ValueError(
                    f"layer {n} gives {below.output_size} features, layer {n + 1} takes {above.input_size}"
                )
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
            state: the tensors of all layers, from the bottom up.

        Returns:
            output: `[b, t, o]` of the last layer, zero in the padding.
            state: the final states of all layers, from the bottom up.
        """
        self.check(x, lengths, state)
        final: State = ()
        for n, module in enumerate(self.layers):
            layer = cast(RecurrentLayer, module)
            own = None if state is None else state[len(final) : len(final) + layer.states]
            if n > 0 and self.between is not None:
                x = self.between(x)
            x, end = layer(x, lengths, own)
            final += end
        return x, final

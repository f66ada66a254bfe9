"""Recurrent cells. Each computes one time step, in the notation of the lecture notes.

Letters: x<t> is the input, a<t> the activation (the output of a cell), c<t> the memory, c̃ its candidate,
Γ a gate, * elementwise multiplication, σ the logistic function.
Shapes: `[b, t, i]` is b sentences of t words with i features each; h is the hidden size.

A cell computes a single step; `rnner.nn.recurrent` runs it over sentences, in either direction. To add a
cell, such as an LSTM with peephole connections, subclass `Cell` and apply `@register_cell`: in this file to
ship it with rnner, or in a file of your own that you pass as `--code`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import ClassVar, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

State = tuple[Tensor, ...]
"""The state passed from word to word: `states` tensors `[b, h]`, the first of which is the output."""


class Cell(nn.Module):
    """One step of a recurrence. To write a cell, subclass it, set `gates` and implement `step`.

    The weights of all gates are stacked, in the order in which `step` splits them. Every product with the
    input counts as a gate, the candidate included.

        W_ax  `[gates*h, i]`  multiplies the input x<t>
        W_aa  `[gates*h, h]`  multiplies the previous activation a<t-1>
        b_a   `[gates*h]`     bias

    Each gate's block of W_ax starts with Glorot uniform values (Glorot and Bengio 2010), each block of W_aa
    as an orthogonal matrix (Saxe et al. 2014), and b_a at zero. For another initialisation, or for more
    parameters, write an `__init__` that calls `super().__init__(input_size, hidden_size)` first.

    A complete cell (the minimal gated unit, Zhou et al. 2016):

        >>> import torch
        >>> from rnner.nn.cells import Cell, State, register_cell
        >>> @register_cell("mgu")
        ... class MGUCell(Cell):
        ...     gates = 2
        ...
        ...     def step(self, x: torch.Tensor, state: State) -> State:
        ...         (a,) = state
        ...         x_f, x_c = x.chunk(2, dim=-1)
        ...         W_f, W_c = self.W_aa.chunk(2)
        ...         gamma_f = torch.sigmoid(x_f + a @ W_f.T)
        ...         candidate = torch.tanh(x_c + (gamma_f * a) @ W_c.T)
        ...         return (gamma_f * candidate + (1 - gamma_f) * a,)
        >>> from rnner.nn.recurrent import Recurrent
        >>> layer = Recurrent(MGUCell(input_size=5, hidden_size=3))
        >>> output, state = layer(torch.randn(2, 7, 5), torch.tensor([7, 4]))
        >>> output.shape
        torch.Size([2, 7, 3])

    Args:
        input_size: i, the number of features of x<t>.
        hidden_size: h, the number of features of a<t>.

    Raises:
        ValueError: a size is below 1.
    """

    gates: ClassVar[int]
    """Number of blocks of h rows in W_ax, W_aa and b_a."""
    states: ClassVar[int] = 1
    """Number of tensors `[b, h]` in a state."""
    recurrent: ClassVar[bool] = True
    """Whether the cell has a W_aa."""

    b_a: nn.Parameter
    W_ax: nn.Parameter
    W_aa: nn.Parameter

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        if input_size < 1 or hidden_size < 1:
            raise ValueError(f"both sizes of a cell must be at least 1, got {input_size} and {hidden_size}")
        self.input_size = input_size
        self.hidden_size = hidden_size
        rows = self.gates * hidden_size
        self.W_ax = nn.Parameter(torch.empty(rows, input_size))
        self.b_a = nn.Parameter(torch.zeros(rows))
        for block in self.W_ax.chunk(self.gates):
            nn.init.xavier_uniform_(block)
        if self.recurrent:
            self.W_aa = nn.Parameter(torch.empty(rows, hidden_size))
            for block in self.W_aa.chunk(self.gates):
                nn.init.orthogonal_(block)

    def project(self, x: Tensor) -> Tensor:
        """Return W_ax x + b_a for any number of words at once: x `[..., i]` to `[..., gates*h]`."""
        return F.linear(x, self.W_ax, self.b_a)

    def initial_state(self, like: Tensor) -> State:
        """Return `states` zero tensors `[b, h]` with batch size, dtype and device of `like` `[b, ...]`."""
        return tuple(like.new_zeros(like.shape[0], self.hidden_size) for _ in range(self.states))

    def step(self, x: Tensor, state: State) -> State:
        """Compute one step.

        Args:
            x: `[b, gates*h]`, one word per sentence, already projected (see `project`).
            state: `states` tensors `[b, h]`.

        Returns:
            The next state, a tuple like `state`; its first tensor is the output a<t>.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement step(x, state)")

    def extra_repr(self) -> str:
        """Return the sizes, for `print(cell)`."""
        return f"{self.input_size}, {self.hidden_size}"


# -- the registry -----------------------------------------------------------------------------------------

CellType = TypeVar("CellType", bound=type[Cell])
_CELLS: dict[str, tuple[type[Cell], tuple[str, str]]] = {}


def register_cell(name: str) -> Callable[[CellType], CellType]:
    """Register a cell under a name, as a decorator: `@register_cell("mgu")`.

    When the same source runs again (a file loaded twice), the new class replaces the old one.

    Raises:
        ValueError: the name is missing (`@register_cell` alone) or belongs to another cell, or the decorated
            object is not a `Cell` with `gates`.
    """
    if not isinstance(name, str) or not name:
        raise ValueError(f'register_cell needs a name, such as @register_cell("mine"), not {name!r}')
    source = sys._getframe(1).f_code.co_filename

    def register(cell: CellType) -> CellType:
        if not (isinstance(cell, type) and issubclass(cell, Cell) and getattr(cell, "gates", 0) >= 1):
            raise ValueError(f"cell {name!r}: {cell!r} must subclass Cell and set gates to at least 1")
        origin = (source, cell.__qualname__)
        if name in _CELLS and _CELLS[name][1] != origin:
            file, other = _CELLS[name][1]
            raise ValueError(f"cell {name!r} is already defined, by {other} in {file}; choose another name")
        _CELLS[name] = (cell, origin)
        return cell

    return register


def cell_names() -> list[str]:
    """Return the names of all registered cells, in alphabetical order."""
    return sorted(_CELLS)


def get_cell(name: str) -> type[Cell]:
    """Return the cell class registered under a name; if there is none, raise a ValueError with all names."""
    if name not in _CELLS:
        raise ValueError(f"unknown cell {name!r}; expected one of: {', '.join(cell_names())}")
    return _CELLS[name][0]


# -- the cells --------------------------------------------------------------------------------------------


@register_cell("rnn")
class RNNCell(Cell):
    """The plain recurrent unit (the notes; Elman 1990).

    a<t> = tanh(W_aa a<t-1> + W_ax x<t> + b_a)
    """

    gates = 1

    def step(self, x: Tensor, state: State) -> State:
        """Compute one step from x `[b, h]` and state (a<t-1>,)."""
        (a,) = state
        return (torch.tanh(a @ self.W_aa.T + x),)


@register_cell("gru")
class GRUCell(Cell):
    """The gated recurrent unit of the notes: the reset gate acts before the matrix product (Cho et al. 2014).

    Γ_r  = σ(W_r [c<t-1>, x<t>] + b_r)
    Γ_u  = σ(W_u [c<t-1>, x<t>] + b_u)
    c̃    = tanh(W_c [Γ_r * c<t-1>, x<t>] + b_c)
    c<t> = Γ_u * c̃ + (1 - Γ_u) * c<t-1>,   a<t> = c<t>

    Order of the gates: r, u, c. This is ONNX's `GRU` with `linear_before_reset=0` and z = 1 - Γ_u.
    `torch.nn.GRU` computes a different unit: see `GRUResetAfterCell`.
    """

    gates = 3

    def step(self, x: Tensor, state: State) -> State:
        """Compute one step from x `[b, 3h]` and state (c<t-1>,)."""
        (c,) = state
        x_r, x_u, x_c = x.chunk(3, dim=-1)
        W_r, W_u, W_c = self.W_aa.chunk(3)
        gamma_r = torch.sigmoid(c @ W_r.T + x_r)
        gamma_u = torch.sigmoid(c @ W_u.T + x_u)
        candidate = torch.tanh((gamma_r * c) @ W_c.T + x_c)
        return (gamma_u * candidate + (1 - gamma_u) * c,)


@register_cell("gru_reset_after")
class GRUResetAfterCell(Cell):
    """The gated recurrent unit of cuDNN and `torch.nn.GRU`: the reset gate acts after the matrix product.

    Γ_r  = σ(W_r [c<t-1>, x<t>] + b_r)
    z    = σ(W_z [c<t-1>, x<t>] + b_z)
    c̃    = tanh(W_cx x<t> + b_c + Γ_r * (W_cc c<t-1> + b_cc))
    c<t> = (1 - z) * c̃ + z * c<t-1>,   a<t> = c<t>

    z is the complement of the notes' update gate, 1 - Γ_u. Order of the gates: r, z, c (torch's r, z, n). The
    bias inside the reset is a separate parameter, b_cc `[h]`. This is ONNX's `GRU` with
    `linear_before_reset=1`.
    """

    gates = 3

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.b_cc = nn.Parameter(torch.zeros(hidden_size))

    def step(self, x: Tensor, state: State) -> State:
        """Compute one step from x `[b, 3h]` and state (c<t-1>,)."""
        (c,) = state
        x_r, x_z, x_c = x.chunk(3, dim=-1)
        W_r, W_z, W_c = self.W_aa.chunk(3)
        gamma_r = torch.sigmoid(c @ W_r.T + x_r)
        z = torch.sigmoid(c @ W_z.T + x_z)
        candidate = torch.tanh(x_c + gamma_r * (c @ W_c.T + self.b_cc))
        return ((1 - z) * candidate + z * c,)


@register_cell("lstm")
class LSTMCell(Cell):
    """Long short-term memory with a forget gate (Hochreiter and Schmidhuber 1997; Gers et al. 2000).

    Γ_u  = σ(W_u [a<t-1>, x<t>] + b_u)
    Γ_f  = σ(W_f [a<t-1>, x<t>] + b_f)
    c̃    = tanh(W_c [a<t-1>, x<t>] + b_c)
    Γ_o  = σ(W_o [a<t-1>, x<t>] + b_o)
    c<t> = Γ_u * c̃ + Γ_f * c<t-1>
    a<t> = Γ_o * tanh(c<t>)

    Order of the gates: u, f, c, o (torch's i, f, g, o). b_f is initialised to 1, so that an untrained cell
    remembers (Jozefowicz et al. 2015). The state is (a, c).
    """

    gates = 4
    states = 2

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        nn.init.ones_(self.b_a[hidden_size : 2 * hidden_size])

    def step(self, x: Tensor, state: State) -> State:
        """Compute one step from x `[b, 4h]` and state (a<t-1>, c<t-1>)."""
        a, c = state
        u, f, g, o = (a @ self.W_aa.T + x).chunk(4, dim=-1)
        gamma_u, gamma_f, gamma_o = torch.sigmoid(u), torch.sigmoid(f), torch.sigmoid(o)
        candidate = torch.tanh(g)
        c = gamma_u * candidate + gamma_f * c
        return gamma_o * torch.tanh(c), c


@register_cell("none")
class NoRecurrenceCell(Cell):
    """A cell without recurrence. It sees each word alone and is the baseline that shows what recurrence adds.

    a<t> = tanh(W_ax x<t> + b_a)
    """

    gates = 1
    recurrent = False

    def step(self, x: Tensor, state: State) -> State:
        """Compute one step from x `[b, h]`; the previous state is ignored."""
        return (torch.tanh(x),)

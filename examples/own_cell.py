"""A recurrent cell in a file of your own: a peephole LSTM (Gers and Schmidhuber 2000).

Run it with `python examples/own_cell.py`, or train a tagger with it:

    rnner train --config configs/quickstart.yaml --code examples/own_cell.py --set encoder.cell=peephole_lstm
"""

import torch
from torch import Tensor, nn

from rnner.nn.cells import Cell, State, register_cell
from rnner.nn.recurrent import Recurrent


@register_cell("peephole_lstm")
class PeepholeLSTMCell(Cell):
    """The gates of an LSTM that also see the memory.

    Γ_u  = σ(W_u [a<t-1>, x<t>] + p_u * c<t-1> + b_u)
    Γ_f  = σ(W_f [a<t-1>, x<t>] + p_f * c<t-1> + b_f)
    c<t> = Γ_u * tanh(W_c [a<t-1>, x<t>] + b_c) + Γ_f * c<t-1>
    Γ_o  = σ(W_o [a<t-1>, x<t>] + p_o * c<t> + b_o)
    a<t> = Γ_o * tanh(c<t>)
    """

    gates = 4
    states = 2

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.peepholes = nn.Parameter(torch.zeros(3, hidden_size))

    def step(self, x: Tensor, state: State) -> State:
        """Take one step; x `[b, 4h]` is already projected, state is (a<t-1>, c<t-1>)."""
        a, c = state
        p_u, p_f, p_o = self.peepholes
        u, f, g, o = (a @ self.W_aa.T + x).chunk(4, dim=-1)
        c = torch.sigmoid(u + p_u * c) * torch.tanh(g) + torch.sigmoid(f + p_f * c) * c
        return torch.sigmoid(o + p_o * c) * torch.tanh(c), c


def main() -> None:
    """Read two sentences of 7 and 4 words with 5 features each."""
    layer = Recurrent(PeepholeLSTMCell(input_size=5, hidden_size=3))
    output, (a, c) = layer(torch.randn(2, 7, 5), torch.tensor([7, 4]))
    print(f"output {list(output.shape)}, final state {list(a.shape)} and {list(c.shape)}")


if __name__ == "__main__":
    main()

"""A recurrent cell in a file of your own: an LSTM with coupled gates (Greff et al. 2017).

Run it with `python examples/own_cell.py`, or train a tagger with it:

    rnner train --config quickstart --code examples/own_cell.py --set encoder.cell=coupled_lstm
"""

import torch
from torch import Tensor

from rnner.nn.cells import Cell, State, register_cell
from rnner.nn.recurrent import Recurrent


@register_cell("coupled_lstm")
class CoupledLSTMCell(Cell):
    """An LSTM that forgets exactly as much as it adds.

    Γ_u  = σ(W_u [a<t-1>, x<t>] + b_u)
    Γ_o  = σ(W_o [a<t-1>, x<t>] + b_o)
    c<t> = Γ_u * tanh(W_c [a<t-1>, x<t>] + b_c) + (1 - Γ_u) * c<t-1>
    a<t> = Γ_o * tanh(c<t>)
    """

    gates = 3
    states = 2

    def step(self, x: Tensor, state: State) -> State:
        """Take one step; x `[b, 3h]` is already projected, state is (a<t-1>, c<t-1>)."""
        a, c = state
        u, g, o = (a @ self.W_aa.T + x).chunk(3, dim=-1)
        c = torch.lerp(c, torch.tanh(g), torch.sigmoid(u))
        return torch.sigmoid(o) * torch.tanh(c), c


def main() -> None:
    """Run the cell over two sentences, of 7 and 4 words with 5 features each."""
    layer = Recurrent(CoupledLSTMCell(input_size=5, hidden_size=3))
    output, (a, c) = layer(torch.randn(2, 7, 5), torch.tensor([7, 4]))
    print(f"output {list(output.shape)}, final state {list(a.shape)} and {list(c.shape)}")


if __name__ == "__main__":
    main()

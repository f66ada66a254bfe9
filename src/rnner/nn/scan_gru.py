"""The notes' GRU, fused: its steps, and their backpropagation through time written out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rnner.nn.packing import Stretch

into_tanh = torch.ops.aten.tanh_backward.grad_input  # (d, y, grad_input=) = d * (1 - y²), for y = tanh(v)
into_sigmoid = torch.ops.aten.sigmoid_backward.grad_input  # d * y * (1 - y), for y = σ(v)


class GRUScan:
    """`GRUCell` for a stretch of steps; rows of the weights r, u, c. See `rnner.nn.scan.Scan`.

    In the loops, names that end in _d are views with the directions first, as products want them.
    """

    groups: tuple[int, ...] = (2, 1)
    tanh = 2

    def forward(
        self, gates: Sequence[Tensor], states: Sequence[Tensor], W_aa: Tensor, stretch: Stretch
    ) -> None:
        """Γ_r, Γ_u and c̃ take the place of their projected inputs."""
        gamma, candidate = gates
        h = candidate.shape[-1]
        W_gamma, W_c = W_aa[..., : 2 * h], W_aa[..., 2 * h :]
        minus_one = candidate.new_tensor(-1.0)
        reset = torch.empty_like(candidate[: stretch.sizes[0]])  # Γ_r * c<t-1>
        steps = zip(
            stretch.sizes,
            *stretch.blocks(states[0]),
            stretch.blocks(states[0].transpose(0, 1), 1)[0],
            *map(stretch.split, (gamma, gamma[..., :h], gamma[..., h:], candidate)),
            stretch.split(gamma.transpose(0, 1), 1),
            stretch.split(candidate.transpose(0, 1), 1),
            strict=True,
        )
        for size, c, c_new, c_d, g, g_r, g_u, c_tilde, g_d, c_tilde_d in steps:
            g_d.baddbmm_(c_d, W_gamma)
            g.sigmoid_()
            kept = torch.mul(g_r, c, out=reset[:size])
            c_tilde_d.baddbmm_(kept.transpose(0, 1), W_c)
            torch.add(minus_one, c_tilde.sigmoid_(), alpha=2, out=c_tilde)
            torch.lerp(c, c_tilde, g_u, out=c_new)

    def backward(
        self,
        d_gates: Tensor,
        d_states: Sequence[Tensor],
        d_W_aa: Tensor,
        gates: Sequence[Tensor],
        states: Sequence[Tensor],
        W_aa: Tensor,
        stretch: Stretch,
    ) -> None:
        """With dc the gradient of c<t>, and d_r, d_u, d_c̃ those of what goes into the gates' σ and tanh.

        d_c̃ = dc * Γ_u * (1 - c̃²)
        d_u = dc * (c̃ - c<t-1>) * Γ_u * (1 - Γ_u)
        d_k = d_c̃ W_c, the gradient of Γ_r * c<t-1>
        d_r = d_k * c<t-1> * Γ_r * (1 - Γ_r)
        dc<t-1> += dc * (1 - Γ_u) + d_k * Γ_r + [d_r, d_u] [W_r, W_u]
        """
        gamma, candidate = gates
        h = candidate.shape[-1]
        W_gamma, W_c = W_aa[:, : 2 * h], W_aa[:, 2 * h :]
        earlier = stretch.earlier(states[0])
        d_gates_d = d_gates.transpose(0, 1)
        d_gamma_d, d_candidate_d = d_gates_d[..., : 2 * h], d_gates_d[..., 2 * h :]
        scratch = candidate.new_empty(3, *candidate[: stretch.sizes[0]].shape)
        steps = zip(
            stretch.sizes,
            *stretch.blocks(d_states[0]),
            stretch.blocks(d_states[0].transpose(0, 1), 1)[0],
            *map(stretch.split, (earlier, gamma[..., :h], gamma[..., h:], candidate)),
            *map(stretch.split, d_gates.chunk(3, dim=-1)),
            stretch.split(d_gamma_d, 1),
            stretch.split(d_candidate_d, 1),
            strict=True,
        )
        for size, dc_old, dc, dc_old_d, c, g_r, g_u, c_tilde, d_r, d_u, d_c, d_g_d, d_c_d in reversed(
            list(steps)
        ):
            d_k, renewed, v = scratch[:, :size]
            torch.mul(dc, g_u, out=renewed)
            into_tanh(renewed, c_tilde, grad_input=d_c)
            into_sigmoid(torch.sub(c_tilde, c, out=v).mul_(dc), g_u, grad_input=d_u)
            torch.bmm(d_c_d, W_c, out=d_k.transpose(0, 1))
            into_sigmoid(torch.mul(d_k, c, out=v), g_r, grad_input=d_r)
            dc_old.add_(dc).sub_(renewed).addcmul_(d_k, g_r)
            dc_old_d.baddbmm_(d_g_d, W_gamma)
        d_W_aa[..., : 2 * h].baddbmm_(earlier.transpose(0, 1).mT, d_gamma_d)
        d_W_aa[..., 2 * h :].baddbmm_((gamma[..., :h] * earlier).transpose(0, 1).mT, d_candidate_d)

"""The notes' GRU, fused: its steps, and their backpropagation through time written out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rnner.nn.packing import Stretch

aten = torch.ops.aten


class GRUScan:
    """`GRUCell` for a stretch of steps; rows of the weights r, u, c. See `rnner.nn.scan.Scan`."""

    groups: tuple[int, ...] = (2, 1)
    tanh = 2

    def forward(
        self, gates: Sequence[Tensor], states: Sequence[Tensor], W_aa: Tensor, stretch: Stretch
    ) -> None:
        """Γ_r, Γ_u and c̃ take the place of their projected inputs."""
        gamma, candidate = gates
        h = candidate.shape[-1]
        minus_one = candidate.new_tensor(-1.0)
        W_gamma, W_c = W_aa[:, : 2 * h].mT, W_aa[:, 2 * h :].mT
        kept = torch.empty_like(candidate[: stretch.sizes[0]])  # Γ_r * c<t-1>
        before, after = stretch.blocks(states[0])
        for size, c, new, c_d, g, g_d, g_r, g_u, cand, cand_d in zip(
            stretch.sizes,
            before,
            after,
            stretch.blocks(states[0].transpose(0, 1), 1)[0],
            stretch.split(gamma),
            stretch.split(gamma.transpose(0, 1), 1),
            stretch.split(gamma[..., :h]),
            stretch.split(gamma[..., h:]),
            stretch.split(candidate),
            stretch.split(candidate.transpose(0, 1), 1),
            strict=True,
        ):
            g_d.baddbmm_(c_d, W_gamma)
            g.sigmoid_()
            reset = torch.mul(g_r, c, out=kept[:size])
            cand_d.baddbmm_(reset.transpose(0, 1), W_c)
            torch.add(minus_one, cand.sigmoid_(), alpha=2, out=cand)
            torch.lerp(c, cand, g_u, out=new)

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
        d(Γ_r * c<t-1>) = d_c̃ W_c
        d_r = d(Γ_r * c<t-1>) * c<t-1> * Γ_r * (1 - Γ_r)
        dc<t-1> += dc * (1 - Γ_u) + d(Γ_r * c<t-1>) * Γ_r + [d_r, d_u] [W_r, W_u]

        What stands beside the running gradients is computed for all steps before the loop.
        """
        gamma, candidate = gates
        h = candidate.shape[-1]
        g_r, g_u = gamma.chunk(2, dim=-1)
        c = stretch.earlier(states[0])
        by_candidate = aten.tanh_backward(g_u, candidate)
        by_u = aten.sigmoid_backward(candidate - c, g_u)
        by_r = aten.sigmoid_backward(c, g_r)
        keep = 1 - g_u
        d_r, d_u, d_c = d_gates.chunk(3, dim=-1)
        W_gamma, W_c = W_aa[:, : 2 * h], W_aa[:, 2 * h :]
        d_kept = torch.empty_like(candidate[: stretch.sizes[0]])
        into, out_of = stretch.blocks(d_states[0])
        directions = d_gates.transpose(0, 1)
        for size, d_new, d_old, d_old_d, *rest in reversed(
            list(
                zip(
                    stretch.sizes,
                    out_of,
                    into,
                    stretch.blocks(d_states[0].transpose(0, 1), 1)[0],
                    *map(stretch.split, (by_candidate, by_u, by_r, keep, g_r, d_c, d_u, d_r)),
                    stretch.split(directions[..., 2 * h :], 1),
                    stretch.split(directions[..., : 2 * h], 1),
                    strict=True,
                )
            )
        ):
            step_c, step_u, step_r, step_keep, step_g_r, s_c, s_u, s_r, s_c_d, s_gamma_d = rest
            torch.mul(d_new, step_c, out=s_c)
            torch.mul(d_new, step_u, out=s_u)
            k = d_kept[:size]
            torch.bmm(s_c_d, W_c, out=k.transpose(0, 1))
            torch.mul(k, step_r, out=s_r)
            d_old.addcmul_(d_new, step_keep).addcmul_(k, step_g_r)
            d_old_d.baddbmm_(s_gamma_d, W_gamma)
        reset = g_r * c
        d_W_aa[..., : 2 * h].baddbmm_(c.transpose(0, 1).mT, directions[..., : 2 * h])
        d_W_aa[..., 2 * h :].baddbmm_(reset.transpose(0, 1).mT, directions[..., 2 * h :])

"""The LSTM, fused: its steps, and their backpropagation through time written out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rnner.nn.packing import Stretch

aten = torch.ops.aten


class LSTMScan:
    """`LSTMCell` for a stretch of steps; rows of the weights u, f, c, o. See `rnner.nn.scan.Scan`."""

    groups: tuple[int, ...] = (4,)
    tanh = 2

    def forward(
        self, gates: Sequence[Tensor], states: Sequence[Tensor], W_aa: Tensor, stretch: Stretch
    ) -> None:
        """Γ_u, Γ_f, c̃ and Γ_o take the place of their projected inputs."""
        (gamma,) = gates
        minus_one = gamma.new_tensor(-1.0)
        squashed = torch.empty_like(states[1][: stretch.sizes[0]])  # tanh(c<t>)
        a_before, _ = stretch.blocks(states[0].transpose(0, 1), 1)
        _, a_after = stretch.blocks(states[0])
        for size, a, a_new, c, c_new, g_d, g, g_u, g_f, candidate, g_o in zip(
            stretch.sizes,
            a_before,
            a_after,
            *stretch.blocks(states[1]),
            stretch.split(gamma.transpose(0, 1), 1),
            *map(stretch.split, (gamma, *gamma.chunk(4, dim=-1))),
            strict=True,
        ):
            g_d.baddbmm_(a, W_aa)
            g.sigmoid_()
            torch.add(minus_one, candidate, alpha=2, out=candidate)
            torch.mul(g_f, c, out=c_new).addcmul_(g_u, candidate)
            tanh_c = torch.add(c_new, c_new, out=squashed[:size]).sigmoid_()
            torch.add(minus_one, tanh_c, alpha=2, out=tanh_c)
            torch.mul(g_o, tanh_c, out=a_new)

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
        """With da, dc the gradients of a<t>, c<t>, and d_u ... d_o those of what goes into σ and tanh.

        d_o = da * tanh(c<t>) * Γ_o * (1 - Γ_o);   dc += da * Γ_o * (1 - tanh²(c<t>))
        d_u = dc * c̃ * Γ_u * (1 - Γ_u);   d_f = dc * c<t-1> * Γ_f * (1 - Γ_f);   d_c̃ = dc * Γ_u * (1 - c̃²)
        dc<t-1> += dc * Γ_f;   da<t-1> += [d_u, d_f, d_c̃, d_o] W_aa

        What stands beside the running gradients is computed for all steps before the loop.
        """
        (gamma,) = gates
        g_u, g_f, candidate, g_o = gamma.chunk(4, dim=-1)
        tanh_c = torch.sigmoid(2 * states[1][stretch.before :]).mul_(2).sub_(1)
        into_c = aten.tanh_backward(g_o, tanh_c)
        by_c = d_gates.new_empty(*g_u.shape[:2], 3, g_u.shape[2])
        by_c[:, :, 0] = aten.sigmoid_backward(candidate, g_u)
        by_c[:, :, 1] = aten.sigmoid_backward(stretch.earlier(states[1]), g_f)
        by_c[:, :, 2] = aten.tanh_backward(g_u, candidate)
        by_o = aten.sigmoid_backward(tanh_c, g_o)
        directions = d_gates.transpose(0, 1)
        of_c, of_o = d_gates[..., : 3 * g_u.shape[2]].view_as(by_c), d_gates[..., 3 * g_u.shape[2] :]
        _, da_all = stretch.blocks(d_states[0])
        da_before, _ = stretch.blocks(d_states[0].transpose(0, 1), 1)
        steps = zip(
            da_all,
            da_before,
            *stretch.blocks(d_states[1]),
            *map(stretch.split, (into_c, by_c, by_o, g_f, of_c, of_o)),
            stretch.split(directions, 1),
            strict=True,
        )
        for da, da_old, dc_old, dc, k_c, k_gates, k_o, forget, d_c, d_o, d_d in reversed(list(steps)):
            torch.mul(da, k_o, out=d_o)
            dc.addcmul_(da, k_c)
            torch.mul(dc.unsqueeze(2), k_gates, out=d_c)
            dc_old.addcmul_(dc, forget)
            da_old.baddbmm_(d_d, W_aa)
        d_W_aa.baddbmm_(stretch.earlier(states[0]).transpose(0, 1).mT, directions)

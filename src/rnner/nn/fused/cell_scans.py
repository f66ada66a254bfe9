"""The notes' GRU, fused: its steps, and their backpropagation through time written out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rnner.nn.fused.packing import Stretch

into_tanh = torch.ops.aten.tanh_backward.grad_input  # (d, y, grad_input=) = d * (1 - y²), for y = tanh(v)
into_sigmoid = torch.ops.aten.sigmoid_backward.grad_input  # d * y * (1 - y), for y = σ(v)


class GRUScan:
    """`GRUCell` for a stretch of steps; rows of the weights r, u, c. See `rnner.nn.fused.scan.Scan`.

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


aten = torch.ops.aten


class LSTMScan:
    """`LSTMCell` for a stretch of steps; rows of the weights u, f, c, o. See `rnner.nn.fused.scan.Scan`."""

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


into_tanh = torch.ops.aten.tanh_backward.grad_input  # (d, y, grad_input=) = d * (1 - y²), for y = tanh(v)


class RNNScan:
    """`RNNCell` for a stretch of steps. See `rnner.nn.fused.scan.Scan`."""

    groups: tuple[int, ...] = (1,)
    tanh = 0

    def forward(
        self, gates: Sequence[Tensor], states: Sequence[Tensor], W_aa: Tensor, stretch: Stretch
    ) -> None:
        """a<t> = tanh(W_aa a<t-1> + what was projected)."""
        (projected,) = gates
        minus_one = projected.new_tensor(-1.0)
        _, after = stretch.blocks(states[0])
        before_d, after_d = stretch.blocks(states[0].transpose(0, 1), 1)
        inputs = stretch.split(projected.transpose(0, 1), 1)
        for a, x, new_d, new in zip(before_d, inputs, after_d, after, strict=True):
            torch.baddbmm(x, a, W_aa, out=new_d)
            torch.add(minus_one, new.sigmoid_(), alpha=2, out=new)

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
        """With da the gradient of a<t> and d that of what goes into the tanh.

        d = da * (1 - a<t>²);  da<t-1> += d W_aa
        """
        _, d_after = stretch.blocks(d_states[0])
        d_before, _ = stretch.blocks(d_states[0].transpose(0, 1), 1)
        directions = d_gates.transpose(0, 1)
        steps = zip(
            d_before,
            d_after,
            stretch.blocks(states[0])[1],
            stretch.split(d_gates),
            stretch.split(directions, 1),
            strict=True,
        )
        for d_old, d_new, a, d, d_d in reversed(list(steps)):
            into_tanh(d_new, a, grad_input=d)
            d_old.baddbmm_(d_d, W_aa)
        d_W_aa.baddbmm_(stretch.earlier(states[0]).transpose(0, 1).mT, directions)

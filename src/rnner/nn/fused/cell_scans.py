"""The RNN, the GRU and the LSTM over many steps, with backpropagation through time written out.

Each `CellScan` loops over the steps of one chunk, in place and for D directions at once. Names that end in
`_D` are views `[D, rows, ...]`, as batched matrix products need them; the others are `[rows, D, ...]`.
`rnner.nn.fused.scan` runs them over whole sentences, and `rnner.nn.loop` defines what they must compute.

tanh(v) = 2σ(2v) - 1, and on the CPU torch's σ takes a fifth of the time of its tanh. So everything that
enters a cell's tanh (projected input, rows of W_aa) is doubled in advance (see `CellScan.double_tanh_gate_`).
The price is an absolute error: one rounding of a number near 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from rnner.nn.fused.packing import StepChunk

tanh_backward = torch.ops.aten.tanh_backward  # (d, y) -> d * (1 - y²), for y = tanh(v)
sigmoid_backward = torch.ops.aten.sigmoid_backward  # (d, y) -> d * y * (1 - y), for y = σ(v)
tanh_backward_out = tanh_backward.grad_input
sigmoid_backward_out = sigmoid_backward.grad_input

Tensors = Sequence[Tensor]


def sigmoid_to_tanh_(sigmoid: Tensor, minus_one: Tensor) -> Tensor:
    """Turn σ(2v) into tanh(v), in place."""
    return torch.add(minus_one, sigmoid, alpha=2, out=sigmoid)


class Gradients(NamedTuple):
    """The gradients that `CellScan.backward` computes for one chunk of n rows."""

    gates: Tensor
    """`[n, D, gates*h]`, the gradient of the projected input, which `backward` fills in."""
    states: Tensors
    """For each state `[size_before + n, D, h]`, gradient from outside the chunk; `backward` adds to it."""
    W_aa: Tensor
    """`[D, h, gates*h]`, the gradient of W_aa transposed, to which `backward` adds."""


class CellScan:
    """Base class: one cell's equations for a chunk of n rows (see `StepChunk` for the layout)."""

    gate_groups: tuple[int, ...]
    """Number of gates in each buffer of gates, in the order of the weights."""
    tanh_gate: int
    """Index, in the order of the weights, of the gate that uses tanh instead of σ."""

    def forward(self, gates: Tensors, states: Tensors, W_aa: Tensor, chunk: StepChunk) -> None:
        """Compute the steps.

        Args:
            gates: for each group `[n, D, group*h]`, the projected input, to be overwritten with the gates.
            states: for each state `[size_before + n, D, h]`, of which the last n rows are to be filled.
            W_aa: `[D, h, gates*h]`, transposed, which makes products faster.
            chunk: the layout.
        """
        raise NotImplementedError

    def backward(self, d: Gradients, gates: Tensors, states: Tensors, W_aa: Tensor, chunk: StepChunk) -> None:
        """Backpropagate through the steps, the last one first.

        Args:
            d: the gradients to compute.
            gates: as `forward` left them.
            states: as `forward` left them.
            W_aa: `[D, gates*h, h]`.
            chunk: the layout.
        """
        raise NotImplementedError

    def double_tanh_gate_(self, weight: Tensor, h: int) -> None:
        """Double the rows of the tanh gate in weights `[D, gates*h, ...]`."""
        weight[:, self.tanh_gate * h : (self.tanh_gate + 1) * h] *= 2

    def group_rows(self, h: int) -> list[slice]:
        """Return the rows of each group of gates in the weights."""
        return [slice(*ends) for ends in pairwise(accumulate((n * h for n in self.gate_groups), initial=0))]


class RNNScan(CellScan):
    """`RNNCell`: a<t> = tanh(W_aa a<t-1> + W_ax x<t> + b_a)."""

    gate_groups = (1,)
    tanh_gate = 0

    def forward(self, gates: Tensors, states: Tensors, W_aa: Tensor, chunk: StepChunk) -> None:
        """Compute a<t>; the projected inputs stay as they are."""
        minus_one = W_aa.new_tensor(-1.0)
        for a_D, x_D, a_new_D, a_new in zip(
            chunk.states_before(states[0], directions_first=True),
            chunk.split(gates[0], directions_first=True),
            chunk.states_after(states[0], directions_first=True),
            chunk.states_after(states[0]),
            strict=True,
        ):
            torch.baddbmm(x_D, a_D, W_aa, out=a_new_D)
            sigmoid_to_tanh_(a_new.sigmoid_(), minus_one)

    def backward(self, d: Gradients, gates: Tensors, states: Tensors, W_aa: Tensor, chunk: StepChunk) -> None:
        """Backpropagate; da is the gradient of a<t>, and d_a that of the argument of its tanh.

        d_a = da * (1 - a<t>²)
        da<t-1> += d_a W_aa
        """
        d_gates, (da_all,), d_W_aa = d
        steps = zip(
            chunk.states_after(da_all),
            chunk.states_before(da_all, directions_first=True),
            chunk.states_after(states[0]),
            chunk.split(d_gates),
            chunk.split(d_gates, directions_first=True),
            strict=True,
        )
        for da, da_before_D, a, d_a, d_a_D in reversed(list(steps)):
            tanh_backward_out(da, a, grad_input=d_a)
            da_before_D.baddbmm_(d_a_D, W_aa)
        d_W_aa.baddbmm_(chunk.previous_states(states[0]).transpose(0, 1).mT, d_gates.transpose(0, 1))


class GRUScan(CellScan):
    """`GRUCell`; order of the gates: r, u, c."""

    gate_groups = (2, 1)
    tanh_gate = 2

    def forward(self, gates: Tensors, states: Tensors, W_aa: Tensor, chunk: StepChunk) -> None:
        """Compute c<t>; Γ_r, Γ_u and c̃ overwrite their projected inputs."""
        gamma, candidate = gates
        h = candidate.shape[-1]
        W_gamma, W_c = W_aa[..., : 2 * h], W_aa[..., 2 * h :]
        minus_one = W_aa.new_tensor(-1.0)
        scratch = torch.empty_like(candidate[: chunk.batch_sizes[0]])
        for size, c, c_D, c_new, g_ru, g_ru_D, g_r, g_u, c_tilde, c_tilde_D in zip(
            chunk.batch_sizes,
            chunk.states_before(states[0]),
            chunk.states_before(states[0], directions_first=True),
            chunk.states_after(states[0]),
            chunk.split(gamma),
            chunk.split(gamma, directions_first=True),
            *map(chunk.split, (gamma[..., :h], gamma[..., h:], candidate)),
            chunk.split(candidate, directions_first=True),
            strict=True,
        ):
            g_ru_D.baddbmm_(c_D, W_gamma)
            g_ru.sigmoid_()
            kept = torch.mul(g_r, c, out=scratch[:size])  # Γ_r * c<t-1>
            c_tilde_D.baddbmm_(kept.transpose(0, 1), W_c)
            sigmoid_to_tanh_(c_tilde.sigmoid_(), minus_one)
            torch.lerp(c, c_tilde, g_u, out=c_new)

    def backward(self, d: Gradients, gates: Tensors, states: Tensors, W_aa: Tensor, chunk: StepChunk) -> None:
        """Backpropagate; dc is the gradient of c<t>, and d_r, d_u, d_c are those of the arguments of σ, tanh.

        d_c = dc * Γ_u * (1 - c̃²)
        d_u = dc * (c̃ - c<t-1>) * Γ_u * (1 - Γ_u)
        d_k = d_c W_c, the gradient of Γ_r * c<t-1>
        d_r = d_k * c<t-1> * Γ_r * (1 - Γ_r)
        dc<t-1> += dc * (1 - Γ_u) + d_k * Γ_r + [d_r, d_u] [W_r, W_u]
        """
        gamma, candidate = gates
        d_gates, (dc_all,), d_W_aa = d
        h = candidate.shape[-1]
        W_gamma, W_c = W_aa[:, : 2 * h], W_aa[:, 2 * h :]
        d_gamma, d_candidate = d_gates[..., : 2 * h], d_gates[..., 2 * h :]
        gamma_r, previous = gamma[..., :h], chunk.previous_states(states[0])
        scratch = candidate.new_empty(3, *candidate[: chunk.batch_sizes[0]].shape)
        steps = zip(
            chunk.batch_sizes,
            chunk.states_after(dc_all),
            chunk.states_before(dc_all),
            chunk.states_before(dc_all, directions_first=True),
            *map(chunk.split, (previous, gamma_r, gamma[..., h:], candidate)),
            *map(chunk.split, d_gates.chunk(3, dim=-1)),
            chunk.split(d_gamma, directions_first=True),
            chunk.split(d_candidate, directions_first=True),
            strict=True,
        )
        for size, dc, dc_before, dc_before_D, c, g_r, g_u, c_tilde, d_r, d_u, d_c, d_ru_D, d_c_D in reversed(
            list(steps)
        ):
            d_k, renewed, v = scratch[:, :size]
            torch.mul(dc, g_u, out=renewed)
            tanh_backward_out(renewed, c_tilde, grad_input=d_c)
            sigmoid_backward_out(torch.sub(c_tilde, c, out=v).mul_(dc), g_u, grad_input=d_u)
            torch.bmm(d_c_D, W_c, out=d_k.transpose(0, 1))
            sigmoid_backward_out(torch.mul(d_k, c, out=v), g_r, grad_input=d_r)
            dc_before.add_(dc).sub_(renewed).addcmul_(d_k, g_r)
            dc_before_D.baddbmm_(d_ru_D, W_gamma)
        d_W_aa[..., : 2 * h].baddbmm_(previous.transpose(0, 1).mT, d_gamma.transpose(0, 1))
        d_W_aa[..., 2 * h :].baddbmm_((gamma_r * previous).transpose(0, 1).mT, d_candidate.transpose(0, 1))


class LSTMScan(CellScan):
    """`LSTMCell`; order of the gates: u, f, c, o."""

    gate_groups = (4,)
    tanh_gate = 2

    def forward(self, gates: Tensors, states: Tensors, W_aa: Tensor, chunk: StepChunk) -> None:
        """Compute a<t> and c<t>; Γ_u, Γ_f, c̃ and Γ_o overwrite their projected inputs."""
        (gamma,) = gates
        minus_one = W_aa.new_tensor(-1.0)
        scratch = torch.empty_like(states[1][: chunk.batch_sizes[0]])
        for size, a_D, a_new, c, c_new, g_ufco_D, g_ufco, g_u, g_f, c_tilde, g_o in zip(
            chunk.batch_sizes,
            chunk.states_before(states[0], directions_first=True),
            chunk.states_after(states[0]),
            chunk.states_before(states[1]),
            chunk.states_after(states[1]),
            chunk.split(gamma, directions_first=True),
            *map(chunk.split, (gamma, *gamma.chunk(4, dim=-1))),
            strict=True,
        ):
            g_ufco_D.baddbmm_(a_D, W_aa)
            g_ufco.sigmoid_()
            sigmoid_to_tanh_(c_tilde, minus_one)
            torch.mul(g_f, c, out=c_new).addcmul_(g_u, c_tilde)
            tanh_c = sigmoid_to_tanh_(torch.add(c_new, c_new, out=scratch[:size]).sigmoid_(), minus_one)
            torch.mul(g_o, tanh_c, out=a_new)

    def backward(self, d: Gradients, gates: Tensors, states: Tensors, W_aa: Tensor, chunk: StepChunk) -> None:
        """Backpropagate; da, dc are gradients of a<t>, c<t>; d_u ... d_o those of the arguments of σ, tanh.

        d_o = da * tanh(c<t>) * Γ_o * (1 - Γ_o)
        dc += da * Γ_o * (1 - tanh²(c<t>))
        d_u = dc * c̃ * Γ_u * (1 - Γ_u)
        d_f = dc * c<t-1> * Γ_f * (1 - Γ_f)
        d_c = dc * Γ_u * (1 - c̃²)
        dc<t-1> += dc * Γ_f
        da<t-1> += [d_u, d_f, d_c, d_o] W_aa

        The factors of da and dc are computed before the loop, for all steps at once.
        """
        d_gates, (da_all, dc_all), d_W_aa = d
        g_u, g_f, c_tilde, g_o = gates[0].chunk(4, dim=-1)
        h = g_u.shape[2]
        tanh_c = torch.sigmoid(2 * states[1][chunk.size_before :]).mul_(2).sub_(1)
        dc_by_da, do_by_da = tanh_backward(g_o, tanh_c), sigmoid_backward(tanh_c, g_o)
        dufc_by_dc = d_gates.new_empty(*g_u.shape[:2], 3, h)
        dufc_by_dc[:, :, 0] = sigmoid_backward(c_tilde, g_u)
        dufc_by_dc[:, :, 1] = sigmoid_backward(chunk.previous_states(states[1]), g_f)
        dufc_by_dc[:, :, 2] = tanh_backward(g_u, c_tilde)
        d_ufc_all, d_o_all = d_gates[..., : 3 * h].view_as(dufc_by_dc), d_gates[..., 3 * h :]
        steps = zip(
            chunk.states_after(da_all),
            chunk.states_before(da_all, directions_first=True),
            chunk.states_after(dc_all),
            chunk.states_before(dc_all),
            *map(chunk.split, (g_f, dc_by_da, do_by_da, dufc_by_dc, d_o_all, d_ufc_all)),
            chunk.split(d_gates, directions_first=True),
            strict=True,
        )
        for da, da_before_D, dc, dc_before, g_f, c_by_a, o_by_a, ufc_by_c, d_o, d_ufc, d_D in reversed(
            list(steps)
        ):
            torch.mul(da, o_by_a, out=d_o)
            dc.addcmul_(da, c_by_a)
            torch.mul(dc.unsqueeze(2), ufc_by_c, out=d_ufc)
            dc_before.addcmul_(dc, g_f)
            da_before_D.baddbmm_(d_D, W_aa)
        d_W_aa.baddbmm_(chunk.previous_states(states[0]).transpose(0, 1).mT, d_gates.transpose(0, 1))

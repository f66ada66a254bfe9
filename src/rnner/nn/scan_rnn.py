"""The plain RNN, fused: its steps, and their backpropagation through time written out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rnner.nn.packing import Stretch

into_tanh = torch.ops.aten.tanh_backward.grad_input  # (d, y, grad_input=) = d * (1 - y²), for y = tanh(v)


class RNNScan:
    """`RNNCell` for a stretch of steps. See `rnner.nn.scan.Scan`."""

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

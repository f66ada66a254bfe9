"""Time the CRF's loss and gradient against autograd over the textbook log-sum-exp loop.

    python scripts/bench_crf.py [--threads 1] [--repeats 50]

Both compute the same numbers (checked), in float32, in turns; medians in milliseconds. Viterbi and the
marginals are timed beside them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor

from rnner.nn.crf import join, log_likelihood, marginals
from rnner.nn.viterbi import viterbi

SHAPES = ((10, 15, 17), (32, 25, 9), (32, 25, 17), (32, 100, 17), (64, 50, 40))


def textbook_loss(emissions: Tensor, tags: Tensor, lengths: Tensor, moves: Tensor) -> Tensor:
    """Mean negative log-likelihood: log-sum-exp at every step, the gradient left to autograd."""
    start, step, end = moves[-1, :-1], moves[:-1, :-1], moves[:-1, -1]
    inside = torch.arange(emissions.shape[1]) < lengths[:, None]
    alpha = start + emissions[:, 0]
    for t in range(1, emissions.shape[1]):
        new = (alpha[:, :, None] + step + emissions[:, t, None]).logsumexp(1)
        alpha = torch.where(inside[:, t, None], new, alpha)
    gold = (emissions.gather(2, tags[:, :, None])[:, :, 0] * inside).sum(1)
    gold = gold + (step[tags[:, :-1], tags[:, 1:]] * inside[:, 1:]).sum(1)
    gold = gold + start[tags[:, 0]] + end[tags.gather(1, lengths[:, None] - 1)[:, 0]]
    return ((alpha + end).logsumexp(1) - gold).mean()


def our_loss(emissions: Tensor, tags: Tensor, lengths: Tensor, moves: Tensor) -> Tensor:
    return -log_likelihood(emissions, tags, lengths, moves).mean()


def alternate(functions: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median milliseconds of each function, run in turns after three rounds to warm up."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for i in range(repeats + 3):
        for name, function in functions.items():
            begin = time.perf_counter()
            function()
            if i >= 3:
                times[name].append(1e3 * (time.perf_counter() - begin))
    return {name: median(values) for name, values in times.items()}


def bench(b: int, t: int, k: int, repeats: int) -> dict[str, float]:
    torch.manual_seed(0)
    emissions = torch.randn(b, t, k, requires_grad=True)
    moves = join(torch.randn(k), torch.randn(k, k), torch.randn(k)).requires_grad_()
    lengths = torch.randint(max(1, t * 3 // 4), t + 1, (b,))
    lengths[0] = t
    tags = torch.randint(k, (b, t))

    def gradients(loss: Callable[..., Tensor]) -> tuple[Tensor, ...]:
        return torch.autograd.grad(loss(emissions, tags, lengths, moves), (emissions, moves))

    for ours, theirs in zip(gradients(our_loss), gradients(textbook_loss), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    return alternate(
        {
            "textbook": lambda: gradients(textbook_loss),
            "ours": lambda: gradients(our_loss),
            "viterbi": lambda: viterbi(emissions, lengths, moves),
            "marginals": lambda: marginals(emissions, lengths, moves),
        },
        repeats,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=50)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{'sentences':>9} {'tokens':>6} {'tags':>4}   textbook       ours  times   viterbi  marginals")
    for b, t, k in SHAPES:
        ms = bench(b, t, k, options.repeats)
        ratio = ms["textbook"] / ms["ours"]
        print(
            f"{b:>9} {t:>6} {k:>4} {ms['textbook']:>10.3f} {ms['ours']:>10.3f} {ratio:>6.1f}"
            f" {ms['viterbi']:>9.3f} {ms['marginals']:>10.3f}"
        )


if __name__ == "__main__":
    main()

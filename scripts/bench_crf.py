"""Time the CRF's loss and gradient against autograd over the textbook log-sum-exp loop.

    python scripts/bench_crf.py [--threads 1] [--repeats 50] [--calls 1]

Both are checked to give the same numbers, in float32. They take turns; the table shows the medians in
milliseconds, their ratio ("times") and the ratio of the best times ("best"). Viterbi decoding and the
marginals are timed too. With --calls 1, each call finds the data of another function in the CPU caches, as in
training; with more calls per turn, the later ones find their own data. Takes about a minute; run nothing
else meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import torch
from common import argument_parser
from timing import call_times
from torch import Tensor

from rnner.nn.crf.loss import crf_loss
from rnner.nn.crf.marginals import marginals
from rnner.nn.crf.transitions import join_transitions
from rnner.nn.crf.viterbi import viterbi

SHAPES = ((10, 15, 17), (32, 25, 9), (32, 25, 17), (32, 100, 17), (64, 50, 40))


def textbook_loss(emissions: Tensor, tags: Tensor, lengths: Tensor, moves: Tensor) -> Tensor:
    """Return the mean negative log-likelihood: log-sum-exp at every step, with gradients by autograd."""
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


def example(b: int, t: int, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return emissions, tags, lengths and moves for b sentences of at most t tokens and k tags."""
    torch.manual_seed(0)
    emissions = torch.randn(b, t, k, requires_grad=True)
    moves = join_transitions(torch.randn(k), torch.randn(k, k), torch.randn(k)).requires_grad_()
    lengths = torch.randint(max(1, t * 3 // 4), t + 1, (b,))
    lengths[0] = t
    return emissions, torch.randint(k, (b, t)), lengths, moves


def bench(b: int, t: int, k: int, repeats: int, calls: int) -> dict[str, list[float]]:
    emissions, tags, lengths, moves = example(b, t, k)

    def gradients(function: Callable[..., Tensor]) -> tuple[Tensor, ...]:
        return torch.autograd.grad(function(emissions, tags, lengths, moves), (emissions, moves))

    for ours, theirs in zip(gradients(crf_loss), gradients(textbook_loss), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    functions: dict[str, Callable[[], object]] = {
        "textbook": lambda: gradients(textbook_loss),
        "rnner": lambda: gradients(crf_loss),
        "viterbi": lambda: viterbi(emissions, lengths, moves),
        "marginals": lambda: marginals(emissions, lengths, moves),
    }
    call_times(functions, range(3))  # warm up
    return call_times(functions, range(repeats), calls=calls)


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--calls", type=int, default=1, help="calls per turn")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print("sentences tokens tags   textbook      rnner  times   best   viterbi  marginals")
    for b, t, k in SHAPES:
        times = bench(b, t, k, options.repeats, options.calls)
        ms = {name: median(values) for name, values in times.items()}
        ratio, best = ms["textbook"] / ms["rnner"], min(times["textbook"]) / min(times["rnner"])
        print(
            f"{b:>9} {t:>6} {k:>4} {ms['textbook']:>10.3f} {ms['rnner']:>10.3f} {ratio:>6.1f} {best:>6.1f}"
            f" {ms['viterbi']:>9.3f} {ms['marginals']:>10.3f}"
        )


if __name__ == "__main__":
    main()

"""Time the recurrent layers: every implementation of rnner, torch.nn's layer, and the bare matrix products.

    python scripts/bench_recurrent.py                       # everything; four minutes
    python scripts/bench_recurrent.py --cells gru --threads 1 --seconds 1
    python scripts/bench_recurrent.py --json rows.json

All layers are bidirectional, in float32, on rows of full length (the best case for torch.nn, which computes
padding). The implementations in a comparison take turns and medians are reported, so that other load affects
all equally. "floor" is the minimum work of the equations: their matrix products, in their sizes and order,
with nothing in between. "train" is forward and backward, including the gradient of the input. For all
implementations the allocator keeps freed memory, as in `rnner train`.

Prints one line per cell, mode and shape, then geometric means over the shapes and the time per token as
sentences grow. Run nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from common import argument_parser, write_json
from timing import call_times, rounds_for
from torch import Tensor, nn

from rnner.nn.cells import get_cell
from rnner.nn.fused.dispatch import implementation_names
from rnner.nn.recurrent import Bidirectional, Recurrent
from rnner.system.process_memory import keep_freed_memory

Shape = tuple[int, int, int, int]
Row = dict[str, Any]
SHAPES: list[Shape] = [
    (15, 10, 150, 100),
    (25, 32, 150, 200),
    (50, 64, 150, 200),
    (200, 32, 150, 200),
    (12, 400, 30, 25),
]
BASELINES = {"rnn": nn.RNN, "gru": nn.GRU, "gru_reset_after": nn.GRU, "lstm": nn.LSTM}
# How many gates share each product with the previous state.
PRODUCTS = {"rnn": (1,), "gru": (2, 1), "gru_reset_after": (3,), "lstm": (4,)}
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def rnner_layer(cell: str, path: str, shape: Shape) -> Bidirectional:
    _, _, i, h = shape
    kind = get_cell(cell)
    return Bidirectional(Recurrent(kind(i, h), path=path), Recurrent(kind(i, h), reverse=True, path=path))


def layer_task(module: nn.Module, shape: Shape, mode: str, *rest: Tensor) -> Callable[[], None]:
    """Return a function that runs a layer once: forward without gradients, or forward and backward."""
    t, b, i, _ = shape
    x = torch.randn(b, t, i, requires_grad=mode == "train")

    def train() -> None:
        module.zero_grad()
        x.grad = None
        output = module(x, *rest)[0]
        output.backward(torch.ones_like(output))

    def forward() -> None:
        with torch.no_grad():
            module(x, *rest)

    return train if mode == "train" else forward


def floor_task(cell: str, shape: Shape, mode: str) -> Callable[[], None]:
    """Return a function that computes only the matrix products, for both directions at once."""
    t, b, i, h = shape
    groups = PRODUCTS[cell]
    n, rows = t * b, sum(groups) * h
    x, dx, W_ax = torch.randn(2, n, i), torch.empty(2, n, i), torch.randn(2, i, rows)
    gates, dW_ax = torch.randn(2, n, rows), torch.empty(2, i, rows)
    states = torch.randn(2, n, h)
    state, new = torch.randn(2, b, h), torch.empty(2, b, h)
    blocks = [(torch.randn(2, h, g * h), torch.randn(2, b, g * h), torch.empty(2, h, g * h)) for g in groups]

    def run() -> None:
        torch.bmm(x, W_ax, out=gates)
        for _ in range(t):
            for W, block, _ in blocks:
                torch.bmm(state, W, out=block)
        if mode == "forward":
            return
        for _ in range(t):
            for W, block, _ in reversed(blocks):
                torch.bmm(block, W.mT, out=new)
        first = 0
        for _, block, dW in blocks:
            torch.bmm(states.mT, gates[..., first : (first := first + block.shape[-1])], out=dW)
        torch.bmm(x.mT, gates, out=dW_ax)
        torch.bmm(gates, W_ax.mT, out=dx)

    def without_gradients() -> None:
        with torch.no_grad():
            run()

    return without_gradients


def median_times(tasks: dict[str, Callable[[], None]], seconds: float, clock: str) -> dict[str, float]:
    """Return the median time of each task in ms, over about `seconds` seconds and at least five rounds."""
    call_times(tasks, range(1))  # warm up
    times = call_times(tasks, rounds_for(seconds, 5), clock=CLOCKS[clock])
    return {name: median(own) for name, own in times.items()}


def compare(cell: str, shape: Shape, mode: str, threads: int, args: argparse.Namespace) -> list[Row]:
    t, b, i, h = shape
    baseline = BASELINES[cell]
    reference = f"torch.nn.{baseline.__name__}"
    lengths = torch.full((b,), t)
    tasks = {reference: layer_task(baseline(i, h, bidirectional=True, batch_first=True), shape, mode)}
    for path in implementation_names(get_cell(cell)(1, 1)):
        if path not in args.skip:
            tasks[path] = layer_task(rnner_layer(cell, path, shape), shape, mode, lengths)
    tasks["floor"] = floor_task(cell, shape, mode)
    times = median_times(tasks, args.seconds, args.clock)
    chosen = rnner_layer(cell, "auto", shape).forward_layer.implementation
    return [
        {
            "cell": cell,
            "path": path,
            "auto": path == chosen,
            "mode": mode,
            "threads": threads,
            "shape": list(shape),
            "ms": round(ms, 4),
            "baseline": reference,
            "baseline_ms": round(times[reference], 4),
            "ratio": round(ms / times[reference], 4),
        }
        for path, ms in times.items()
        if path != reference
    ]


def print_growth(cell: str, args: argparse.Namespace) -> None:
    """Print the microseconds per token as sentences grow, in batches of 32."""
    lengths = (25, 50, 100, 200, 400, 800)
    tasks = {}
    for t in lengths:
        shape = (t, 32, 150, 200)
        tasks[str(t)] = layer_task(rnner_layer(cell, "auto", shape), shape, "train", torch.full((32,), t))
    times = median_times(tasks, 5 * args.seconds, args.clock)
    per_token = [times[str(t)] * 1e3 / (32 * t) for t in lengths]
    print(
        f"\n{cell}, auto, train, µs per token at B=32: "
        + "  ".join(f"T={t} {us:.1f}" for t, us in zip(lengths, per_token, strict=True))
        + f"  (largest / T=25: {max(per_token) / per_token[0]:.2f})"
    )


def print_comparison(rows: list[Row]) -> None:
    first = rows[0]
    line = f"{first['cell']:16}{first['mode']:9}{first['threads']:<8}{first['shape']!s:22}"
    paths = [f"{row['path']}{'*' * row['auto']} {row['ms']:.2f} ({row['ratio']:.2f})" for row in rows]
    print(f"{line}{first['baseline_ms']:10.2f}   {'  '.join(paths)}", flush=True)


def print_means(rows: list[Row]) -> None:
    """Print geometric means over the shapes, relative to torch.nn and to the floor."""
    ratios: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for row in rows:
        ratios[row["cell"], row["mode"], row["threads"], row["path"]].append(row["ratio"])
    print("\ngeometric means over the shapes, relative to torch.nn")
    for (cell, mode, threads, path), values in ratios.items():
        mean, floor = geometric_mean(values), geometric_mean(ratios[cell, mode, threads, "floor"])
        print(f"{cell:16}{mode:9}{threads:<8}{path:8}{mean:6.2f}   relative to the floor {mean / floor:.2f}")


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--cells", nargs="+", default=["gru", "rnn", "lstm"], choices=list(BASELINES))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--modes", nargs="+", default=["forward", "train"], choices=["forward", "train"])
    parser.add_argument("--skip", nargs="*", default=[], help="implementations to leave out, such as loop")
    parser.add_argument("--seconds", type=float, default=2.0, help="per line of the comparison")
    parser.add_argument("--clock", default="wall", choices=list(CLOCKS), help="use cpu on a shared machine")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    args = parser.parse_args()
    torch.manual_seed(0)
    keep_freed_memory()
    rows = []
    print(
        f"{'cell':16}{'mode':9}{'threads':8}{'T, B, I, H':22}{'torch.nn':>10}   rnner: ms (ratio); * is auto"
    )
    for threads in args.threads:
        torch.set_num_threads(threads)
        for cell in args.cells:
            for mode in args.modes:
                for shape in SHAPES:
                    print_comparison(new := compare(cell, shape, mode, threads, args))
                    rows += new
    print_means(rows)
    torch.set_num_threads(args.threads[0])
    for cell in args.cells:
        print_growth(cell, args)
    write_json(args.json, rows)


if __name__ == "__main__":
    main()

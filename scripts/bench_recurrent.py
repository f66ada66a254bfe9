"""Time the recurrent layers side by side: every path of ours, torch.nn's layer, and the bare matrix products.

    python scripts/bench_recurrent.py                       # everything; some minutes
    python scripts/bench_recurrent.py --cells gru --threads 1 --seconds 1
    python scripts/bench_recurrent.py --json rows.json

All layers are bidirectional, on float32 and rows of full length (the best case for torch.nn, which computes
padding). The competitors of a comparison take turns, round after round; the median of their rounds counts,
so that whatever else the machine does falls on all alike. "floor" is what the equations cannot do without:
their matrix products, in their sizes and order, with nothing between. "train" is forward and backward, the
gradient of the input included. The allocator keeps freed memory, for all competitors, as it does when
`rnner train` runs. Run it with nothing else running.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from rnner.nn.cells import get_cell
from rnner.nn.fused.paths import path_names
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
# How many gates share each product with the state before them.
PRODUCTS = {"rnn": (1,), "gru": (2, 1), "gru_reset_after": (3,), "lstm": (4,)}
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def ours(cell: str, path: str, shape: Shape) -> Bidirectional:
    _, _, i, h = shape
    kind = get_cell(cell)
    return Bidirectional(Recurrent(kind(i, h), path=path), Recurrent(kind(i, h), reverse=True, path=path))


def as_task(module: nn.Module, shape: Shape, mode: str, *rest: Tensor) -> Callable[[], None]:
    """One round of a layer: forward without gradients, or forward and backward."""
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


def floor(cell: str, shape: Shape, mode: str) -> Callable[[], None]:
    """The matrix products alone, both directions at once, into buffers that are there."""
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


def take_turns(
    tasks: dict[str, Callable[[], None]], seconds: float, clock: Callable[[], float]
) -> dict[str, float]:
    """The median time of each task in ms; about so many seconds altogether, five rounds at least."""
    for task in tasks.values():
        task()
    times: dict[str, list[float]] = defaultdict(list)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[next(iter(tasks))]) < 5:
        for name, task in tasks.items():
            begin = clock()
            task()
            times[name].append((clock() - begin) * 1e3)
    return {name: median(taken) for name, taken in times.items()}


def compare(cell: str, shape: Shape, mode: str, threads: int, args: argparse.Namespace) -> list[Row]:
    t, b, i, h = shape
    baseline = BASELINES[cell]
    theirs = f"torch.nn.{baseline.__name__}"
    lengths = torch.full((b,), t)
    tasks = {theirs: as_task(baseline(i, h, bidirectional=True, batch_first=True), shape, mode)}
    for path in path_names(get_cell(cell)(1, 1)):
        if path not in args.skip:
            tasks[path] = as_task(ours(cell, path, shape), shape, mode, lengths)
    tasks["floor"] = floor(cell, shape, mode)
    times = take_turns(tasks, args.seconds, CLOCKS[args.clock])
    chosen = ours(cell, "auto", shape).forward_layer.chosen_path
    return [
        {
            "cell": cell,
            "path": path,
            "auto": path == chosen,
            "mode": mode,
            "threads": threads,
            "shape": list(shape),
            "ms": round(ms, 4),
            "baseline": theirs,
            "baseline_ms": round(times[theirs], 4),
            "ratio": round(ms / times[theirs], 4),
        }
        for path, ms in times.items()
        if path != theirs
    ]


def growth(cell: str, args: argparse.Namespace) -> None:
    """Microseconds a token as sentences grow, 32 of them at a time."""
    lengths = (25, 50, 100, 200, 400, 800)
    tasks = {}
    for t in lengths:
        shape = (t, 32, 150, 200)
        tasks[str(t)] = as_task(ours(cell, "auto", shape), shape, "train", torch.full((32,), t))
    times = take_turns(tasks, 5 * args.seconds, CLOCKS[args.clock])
    per_token = [times[str(t)] * 1e3 / (32 * t) for t in lengths]
    print(
        f"\n{cell}, auto, train, µs a token at B=32: "
        + "  ".join(f"T={t} {us:.1f}" for t, us in zip(lengths, per_token, strict=True))
        + f"  (largest / T=25: {max(per_token) / per_token[0]:.2f})"
    )


def show(rows: list[Row]) -> list[Row]:
    """One line for one comparison."""
    first = rows[0]
    line = f"{first['cell']:16}{first['mode']:9}{first['threads']:<8}{first['shape']!s:22}"
    ours = [f"{row['path']}{'*' * row['auto']} {row['ms']:.2f} ({row['ratio']:.2f})" for row in rows]
    print(f"{line}{first['baseline_ms']:10.2f}   {'  '.join(ours)}", flush=True)
    return rows


def show_means(rows: list[Row]) -> None:
    """Over the shapes, against torch.nn and against the floor."""
    ratios: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for row in rows:
        ratios[row["cell"], row["mode"], row["threads"], row["path"]].append(row["ratio"])
    print("\ngeometric means over the shapes, against torch.nn")
    for (cell, mode, threads, path), values in ratios.items():
        mean, least = geometric_mean(values), geometric_mean(ratios[cell, mode, threads, "floor"])
        print(f"{cell:16}{mode:9}{threads:<8}{path:8}{mean:6.2f}   of its floor {mean / least:.2f}")


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cells", nargs="+", default=["gru", "rnn", "lstm"], choices=list(BASELINES))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--modes", nargs="+", default=["forward", "train"], choices=["forward", "train"])
    parser.add_argument("--skip", nargs="*", default=[], help="paths to leave out, such as loop")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each line of the comparison")
    parser.add_argument(
        "--clock", default="wall", choices=list(CLOCKS), help="cpu: on a machine that is shared"
    )
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    args = parser.parse_args()
    torch.manual_seed(0)
    keep_freed_memory()
    rows = []
    print(
        f"{'cell':16}{'mode':9}{'threads':8}{'T, B, I, H':22}{'torch.nn':>10}   ours: ms (ratio); * is auto"
    )
    for threads in args.threads:
        torch.set_num_threads(threads)
        for cell in args.cells:
            for mode in args.modes:
                for shape in SHAPES:
                    rows += show(compare(cell, shape, mode, threads, args))
    show_means(rows)
    torch.set_num_threads(args.threads[0])
    for cell in args.cells:
        growth(cell, args)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Where the time of the fused recurrent layers and of the CRF goes, from PyTorch's profiler.

    python scripts/profile_layers.py [--cell gru] [--threads 1] [--rounds 20]

Shares of the time of one forward and backward pass, for the shapes of bench_recurrent.py (steps, sentences,
input, units) and bench_crf.py (sentences, tokens, tags): products of matrices, arithmetic on elements, moving
numbers (copies, gathers, clearing), and calls: views, memory, autograd and Python between the kernels, and
what the profiler itself costs. Beside them the time of a pass without the profiler, and how many operators it
calls. Run it with nothing else running.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from statistics import median

import torch
from bench_crf import SHAPES as CRF_SHAPES
from bench_crf import example
from bench_recurrent import BASELINES, SHAPES, as_task, ours
from torch.profiler import ProfilerActivity, profile

from rnner.nn.crf.loss import loss
from rnner.system.process_memory import keep_freed_memory

PRODUCTS = ("mm", "addmm", "bmm", "baddbmm")
MOVES = ("cat", "clone", "copy", "fill", "gather", "index", "scatter", "stack", "take", "zero")
CALLS = (
    "as_strided",
    "chunk",
    "contiguous",
    "detach",
    "empty",
    "expand",
    "flatten",
    "narrow",
    "numpy_T",
    "permute",
    "reshape",
    "resize",
    "select",
    "slice",
    "split",
    "squeeze",
    "t",
    "transpose",
    "unbind",
    "unsqueeze",
    "view",
)
KINDS = ("products", "elements", "moves", "calls")


def kind(operator: str) -> str:
    """Which of `KINDS` the own time of an operator (`aten::add_`) belongs to."""
    library, _, name = operator.partition("::")
    name = name.strip("_")
    if library != "aten" or name.startswith(CALLS):
        return "calls"
    if name in PRODUCTS:
        return "products"
    return "moves" if name.startswith(MOVES) else "elements"


def shares(task: Callable[[], object], rounds: int) -> tuple[float, dict[str, float], float]:
    """Milliseconds of a round without the profiler, the share of each kind, and operators called."""
    times = []
    for _ in range(5 + rounds):
        begin = time.perf_counter()
        task()
        times.append(1e3 * (time.perf_counter() - begin))
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as profiled:
        for _ in range(rounds):
            task()
    events = profiled.key_averages()
    spent: Counter[str] = Counter()
    for event in events:
        spent[kind(event.key)] += event.self_cpu_time_total
    calls = sum(event.count for event in events if event.key.startswith("aten::"))
    total = sum(spent.values())
    return median(times[5:]), {name: spent[name] / total for name in KINDS}, calls / rounds


def crf_task(b: int, t: int, k: int) -> Callable[[], object]:
    """The CRF's loss and its gradients."""
    emissions, tags, lengths, moves = example(b, t, k)
    return lambda: torch.autograd.grad(loss(emissions, tags, lengths, moves), (emissions, moves))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cell", choices=BASELINES, default="gru")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    tasks: dict[str, Callable[[], object]] = {}
    for shape in SHAPES:
        t, b, _, _ = shape
        layer = ours(arguments.cell, "fused", shape)
        tasks[f"{arguments.cell} {shape}"] = as_task(layer, shape, "train", torch.full((b,), t))
    for b, t, k in CRF_SHAPES:
        tasks[f"CRF ({b}, {t}, {k})"] = crf_task(b, t, k)
    print(f"{'':24}{'ms':>8}", *(f"{name:>9}" for name in KINDS), f"{'operators':>10}")
    for name, task in tasks.items():
        milliseconds, found, calls = shares(task, arguments.rounds)
        told = (f"{100 * found[one]:8.0f}%" for one in KINDS)
        print(f"{name:24}{milliseconds:8.2f}", *told, f"{calls:10.0f}", flush=True)


if __name__ == "__main__":
    main()

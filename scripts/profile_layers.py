"""Profile the fused recurrent layers and the CRF with PyTorch's profiler.

    python scripts/profile_layers.py [--cell gru] [--threads 1] [--rounds 20]

Prints the shares of one forward and backward pass for the shapes of bench_recurrent.py (steps, sentences,
input, units) and bench_crf.py (sentences, tokens, tags): matrix products, elementwise arithmetic, data
movement (copies, gathers, clearing), and calls (views, memory, autograd, Python between the kernels, and
the profiler's own cost). Also prints the time of a pass without the profiler and the number of operators it
calls. Takes a minute; run nothing else meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from statistics import median

import torch
from bench_crf import SHAPES as CRF_SHAPES
from bench_crf import example
from bench_recurrent import BASELINES, SHAPES, layer_task, rnner_layer
from common import argument_parser
from timing import call_times
from torch.profiler import ProfilerActivity, profile

from rnner.nn.crf.loss import crf_loss
from rnner.system.process_memory import keep_freed_memory

PRODUCTS = ("mm", "addmm", "bmm", "baddbmm")
MOVES = ("cat", "clone", "copy", "fill", "gather", "index", "scatter", "stack", "take", "zero")
CALLS = (
    *("as_strided", "chunk", "contiguous", "detach", "empty", "expand", "flatten"),
    *("narrow", "numpy_T", "permute", "reshape", "resize", "select", "slice"),
    *("split", "squeeze", "t", "transpose", "unbind", "unsqueeze", "view"),
)
KINDS = ("products", "elements", "moves", "calls")


def kind(operator: str) -> str:
    """Return the kind, one of `KINDS`, of an operator such as `aten::add_`."""
    library, _, name = operator.partition("::")
    name = name.strip("_")
    if library != "aten" or name.startswith(CALLS):
        return "calls"
    if name in PRODUCTS:
        return "products"
    return "moves" if name.startswith(MOVES) else "elements"


def shares(task: Callable[[], object], rounds: int) -> tuple[float, dict[str, float], float]:
    """Return the ms per round without the profiler, the share of each kind, and operators per round."""
    times = call_times({"task": task}, range(5 + rounds))["task"][5:]  # the first rounds warm up
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as profiled:
        for _ in range(rounds):
            task()
    events = profiled.key_averages()
    spent: Counter[str] = Counter()
    for event in events:
        spent[kind(event.key)] += event.self_cpu_time_total
    calls = sum(event.count for event in events if event.key.startswith("aten::"))
    total = sum(spent.values())
    return median(times), {name: spent[name] / total for name in KINDS}, calls / rounds


def crf_task(b: int, t: int, k: int) -> Callable[[], object]:
    """Return a function that computes the loss of the CRF and its gradients once."""
    emissions, tags, lengths, moves = example(b, t, k)
    return lambda: torch.autograd.grad(crf_loss(emissions, tags, lengths, moves), (emissions, moves))


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--cell", choices=BASELINES, default="gru")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    tasks: dict[str, Callable[[], object]] = {}
    for shape in SHAPES:
        t, b, _, _ = shape
        layer = rnner_layer(arguments.cell, "fused", shape)
        tasks[f"{arguments.cell} {shape}"] = layer_task(layer, shape, "train", torch.full((b,), t))
    for b, t, k in CRF_SHAPES:
        tasks[f"CRF ({b}, {t}, {k})"] = crf_task(b, t, k)
    print(f"{'':24}{'ms':>8}", *(f"{name:>9}" for name in KINDS), f"{'operators':>10}")
    for title, task in tasks.items():
        milliseconds, found, calls = shares(task, arguments.rounds)
        shown = (f"{100 * found[name]:8.0f}%" for name in KINDS)
        print(f"{title:24}{milliseconds:8.2f}", *shown, f"{calls:10.0f}", flush=True)


if __name__ == "__main__":
    main()

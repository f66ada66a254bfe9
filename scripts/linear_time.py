"""Check that text processing takes linear time, on pathological texts.

Each step (tokenizer, sentences, spacing, HTML, readers, writers, `rnner data check`) gets each pattern
(`aaaa`, `((((`, `Mr. Mr. `, combining marks on one letter) in two sizes. The larger text is four times as
long and may take at most five times as long. CPU time without the garbage collector is measured, the best of
several tries; times below 20 ms pass. A case that is slow at a small size is not tried at a larger one.

    python scripts/linear_time.py                   all cases with 256 KB and 1 MB (about half an hour)
    python scripts/linear_time.py --size 40000      smaller texts
    python scripts/linear_time.py --steps tokenizer "html input" --patterns hashes

The exit code is 1 if a case takes longer.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from linear_patterns import PATTERNS
from linear_steps import STEPS

FACTOR, MOST = 4, 5  # of the length; of the time
NOISE = 0.02  # seconds
TRIES = 5
SHOWN = 15


class Case(NamedTuple):
    """The time of a step on a pattern, for a text and for one four times as long."""

    step: str
    pattern: str
    length: int
    small: float
    large: float

    @property
    def ratio(self) -> float:
        """How many times as long the longer text takes; 0 for times that cannot be measured."""
        return self.large / max(self.small, NOISE / FACTOR) if self.large > NOISE else 0.0


def measure(step: str, pattern: str, length: int, clock: Callable[[], float] = time.process_time) -> Case:
    """Measure a case: first with shorter texts, so that quadratic time is found before it takes minutes."""
    gc.collect()
    gc.freeze()
    with TemporaryDirectory() as folder:

        def best(size: int, tries: int) -> float:
            run = STEPS[step](PATTERNS[pattern](size), Path(folder))
            return min(_time(run, clock) for _ in range(tries))

        size = max(length // FACTOR**2, 1)
        small = best(size, 2)
        while True:
            large = best(FACTOR * size, 1)
            case = Case(step, pattern, FACTOR * size, small, large)
            for _ in range(TRIES):
                if case.ratio <= MOST:
                    break
                case = case._replace(
                    small=min(case.small, best(size, 2)), large=min(case.large, best(FACTOR * size, 1))
                )
            if case.ratio > MOST or FACTOR * size >= length:
                return case
            size, small = FACTOR * size, case.large


def _time(run: Callable[[], object], clock: Callable[[], float]) -> float:
    gc.collect()  # frees what the last case left
    gc.disable()  # its share depends on what else is in memory
    try:
        started = clock()
        run()
        return clock() - started
    finally:
        gc.enable()


def _measure(arguments: tuple[str, str, int]) -> Case:
    return measure(*arguments)


def main() -> int:
    """Measure all cases, print the worst, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", type=int, default=1 << 20, help="characters of the longer text")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS))
    parser.add_argument("--patterns", nargs="+", choices=PATTERNS, default=list(PATTERNS))
    options = parser.parse_args()
    started = time.perf_counter()
    todo = [(step, pattern, options.size) for step in options.steps for pattern in options.patterns]
    cases: list[Case] = []
    with ProcessPoolExecutor(options.jobs) as pool:
        for case in pool.map(_measure, todo):
            cases.append(case)
            if case.ratio > MOST:
                print(_row(case), flush=True)
            if len(cases) % len(options.patterns) == 0:
                seconds = time.perf_counter() - started
                print(f"{case.step}: done after {seconds:.0f} s", file=sys.stderr, flush=True)
    print(f"{'step':<22}{'pattern':<28}{'characters':>11}{'seconds':>10}{'ratio':>7}")
    worst = sorted(cases, key=lambda case: -case.ratio)[:SHOWN]
    slowest = sorted(cases, key=lambda case: -case.large)[:SHOWN]
    print("\n".join([*map(_row, worst), "the slowest:", *map(_row, slowest)]))
    failed = sum(case.ratio > MOST for case in cases)
    seconds = time.perf_counter() - started
    size = f"{len(options.steps)} steps x {len(options.patterns)} patterns"
    print(f"{size}: {len(cases):,} cases in {seconds:.0f} s")
    print(f"over {MOST} times: {failed}; worst ratio {max(case.ratio for case in cases):.2f}")
    return int(failed > 0)


def _row(case: Case) -> str:
    return f"{case.step:<22}{case.pattern:<28}{case.length:>11,}{case.large:>10.2f}{case.ratio:>7.2f}"


if __name__ == "__main__":
    sys.exit(main())

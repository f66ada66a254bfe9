"""Time functions in turns, so that other load on the machine affects all equally. Not a script itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from statistics import median
from typing import Any

from common import log

from rnner.data.vocabulary import Vocabulary
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.model.tagger import Tagger


def seconds(function: Callable[[], object]) -> float:
    """Return the wall time of one call."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def call_times(
    functions: Mapping[str, Callable[[], object]],
    rounds: Iterable[object],
    *,
    calls: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Return the milliseconds of each call. In each round, every function is called `calls` times."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in rounds:
        for name, function in functions.items():
            for _ in range(calls):
                started = clock()
                function()
                times[name].append(1e3 * (clock() - started))
    return times


def rounds_for(limit: float, minimum: int) -> Iterator[int]:
    """Yield round numbers for `limit` seconds, but at least `minimum` of them."""
    end, done = time.perf_counter() + limit, 0
    while done < minimum or time.perf_counter() < end:
        yield done
        done += 1


def median_speeds(
    tasks: Mapping[str, Callable[[], float]], tokens: int, rounds: int, *, warm_up: int = 0
) -> dict[str, float]:
    """Return the median tokens/s of tasks that each return the seconds they took for these tokens."""
    speeds: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(warm_up + rounds):
        for name, task in tasks.items():
            speeds[name].append(tokens / task())
        latest = ", ".join(f"{name} {own[-1]:,.0f}" for name, own in speeds.items())
        log(f"round {number + 1} of {warm_up + rounds}, tokens/s: {latest}")
    return {name: median(own[warm_up:]) for name, own in speeds.items()}


def fresh_decoder(tagger: Tagger, vocabulary: Vocabulary, **options: Any) -> TaggerDecoder:
    """Return a decoder that is warmed up but has cached no words of the corpus."""
    decoder = TaggerDecoder(tagger, Vocabulary.from_json(vocabulary.to_json()), **options)
    decoder.scored_spans([["warm", "up"]])
    return decoder

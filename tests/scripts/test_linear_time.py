"""A small run of scripts/linear_time.py, and tests that it detects quadratic time."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest


def test_time_that_grows_with_the_square_of_the_length_is_found(script: Any) -> None:
    linear = script("linear_time")
    spent = 0.0

    def quadratic(text: str, folder: Path) -> Any:
        def run() -> None:
            nonlocal spent
            spent += len(text) ** 2 * 1e-6

        return run

    linear.STEPS["quadratic"] = quadratic
    try:
        case = linear.measure("quadratic", "letter", 4096, clock=lambda: spent)
    finally:
        del linear.STEPS["quadratic"]
    assert case.ratio == pytest.approx(16) and case.length < 4096


def test_every_pattern_has_the_length_and_every_step_takes_it(script: Any, tmp_path: Path) -> None:
    linear = script("linear_time")
    assert len(linear.PATTERNS) > 60
    for make in linear.PATTERNS.values():
        assert {len(make(size)) for size in (40, 1000)} == {40, 1000}
    for step, pattern in product(linear.STEPS.values(), linear.PATTERNS.values()):
        step(pattern(40), tmp_path)()


@pytest.mark.slow
def test_the_steps_take_linear_time(script: Any) -> None:
    linear = script("linear_time")
    for step, pattern in product(("tokenizer", "sentences", "html input", "spacing"), linear.PATTERNS):
        case = linear.measure(step, pattern, 16_000)
        assert case.ratio < 10, f"{step} of {pattern}: {case}"  # quadratic time has 16

"""What the comparing scripts share: `rnner train` several times side by side, means, tables, errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from rnner.errors import RnnerError, TrainingError, UsageError
from rnner.model.folder import load_metrics

RNNER = [sys.executable, "-c", "from rnner.cli.main import main; main()"]


@dataclass(frozen=True)
class Training:
    """A run of `rnner train`: what messages call it, its config, its `--set`s, its model folder."""

    name: str
    config: Path
    overrides: Sequence[str]
    folder: Path

    def run(self) -> dict[str, Any]:
        """Train on one thread, or go on, or find the run finished; the model's metrics.

        Raises:
            TrainingError: it stopped; the message and the exit code are its own.
        """
        sets = [part for override in self.overrides for part in ("--set", override)]
        options = ["--config", str(self.config), "--output", str(self.folder), "--resume", "--quiet"]
        command = [*RNNER, "train", *options, *sets]
        alone = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=alone, capture_output=True, encoding="utf-8", errors="replace")
        told = done.stderr.strip()
        if done.returncode:
            failure = TrainingError(f"{self.name}: {told.removeprefix('error: ')}")
            failure.exit_code = done.returncode
            raise failure
        for line in told.splitlines():
            say(f"{self.name}: {line}")
        metrics = load_metrics(self.folder)
        assert metrics is not None
        return metrics


def train_all(trainings: Sequence[Training], jobs: int) -> list[dict[str, Any]]:
    """Run the trainings, so many side by side, telling of each on stderr; their metrics in order.

    Raises:
        TrainingError: one stopped. No other is begun then, those that run are waited for.
    """
    pool = ThreadPoolExecutor(jobs)
    try:
        futures = {pool.submit(training.run): training.name for training in trainings}
        for i, future in enumerate(as_completed(futures), 1):
            metrics = future.result()
            seconds, f1 = metrics["train"]["seconds"], metrics["dev"]["f1"]
            say(f"{i}/{len(trainings)} {futures[future]}: dev F1 {f1:.4f}, {seconds:,.0f} s")
        return [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)


def say(message: str) -> None:
    """Tell what is no result."""
    print(message, file=sys.stderr, flush=True)


def spread(values: Sequence[float]) -> str:
    """Mean ± sample standard deviation; the value alone if there is but one."""
    return f"{mean(values):.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else "")


def table(rows: Iterable[Sequence[object]]) -> str:
    """Rows, the first of them the head, as a Markdown table."""
    head, *body = ([str(cell) for cell in row] for row in rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *body))


def yaml_path(path: Path) -> str:
    """A path as a value of `--set`, whatever characters it holds."""
    return json.dumps(str(path.resolve()))


def write_json(path: Path | None, result: object) -> None:
    """Write the figures if a file for them is named."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def at_least(name: str, value: int, least: int) -> None:
    """Raises UsageError for an option that is too small."""
    if value < least:
        raise UsageError(f"--{name} {value}: must be {least} or more")


def guarded(main: Callable[[], None]) -> int:
    """Run a script's main; what the user can mend is told without a traceback. The exit code."""
    try:
        main()
    except RnnerError as error:
        say(f"error: {error}")
        return error.exit_code
    except OSError as error:
        say(f"error: {error.filename or 'the output'}: {error.strerror or error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    return 0

"""Shared by the scripts: options, parallel runs of `rnner train`, tables, errors. Not a script itself."""

from __future__ import annotations

import argparse
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

from rnner.data.formats.columns import write_conll
from rnner.errors import RnnerError, TrainingError, UsageError
from rnner.model.folder import load_metrics
from rnner.tags import Span, from_spans

RNNER = [sys.executable, "-c", "from rnner.cli.main import main; main()"]


@dataclass(frozen=True)
class TrainingRun:
    """A run of `rnner train`: its name in messages, config, overrides (`--set`) and model folder."""

    name: str
    config: Path
    overrides: Sequence[str]
    folder: Path

    def run(self) -> dict[str, Any]:
        """Train on one thread, resuming an unfinished run, and return the metrics of the model.

        Raises:
            TrainingError: the run failed. The error has the message and exit code of the run.
        """
        sets = [part for override in self.overrides for part in ("--set", override)]
        options = ["--config", str(self.config), "--output", str(self.folder), "--resume", "--quiet"]
        command = [*RNNER, "train", *options, *sets]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            command, env=environment, capture_output=True, encoding="utf-8", errors="replace"
        )
        messages = done.stderr.strip()
        if done.returncode:
            failure = TrainingError(f"{self.name}: {messages.removeprefix('error: ')}")
            failure.exit_code = done.returncode
            raise failure
        for line in messages.splitlines():
            log(f"{self.name}: {line}")
        metrics = load_metrics(self.folder)
        assert metrics is not None
        return metrics


def train_all(runs: Sequence[TrainingRun], jobs: int) -> list[dict[str, Any]]:
    """Train `jobs` models at a time, log each on stderr, and return their metrics in order.

    Raises:
        TrainingError: a run failed. Runs in progress are finished; the others are not started.
    """
    pool = ThreadPoolExecutor(jobs)
    try:
        futures = {pool.submit(run.run): run.name for run in runs}
        for i, future in enumerate(as_completed(futures), 1):
            metrics = future.result()
            seconds, f1 = metrics["train"]["seconds"], metrics["dev"]["f1"]
            log(f"{i}/{len(runs)} {futures[future]}: dev F1 {f1:.4f}, {seconds:,.0f} s")
        return [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)


def argument_parser(description: str) -> argparse.ArgumentParser:
    """Return a parser whose help shows a script's docstring as it is."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def require_at_least(minimum: int, arguments: argparse.Namespace, *names: str) -> None:
    """Raise UsageError if one of these options is too small."""
    for name in names:
        if (value := getattr(arguments, name)) < minimum:
            raise UsageError(f"--{name} {value}: must be {minimum} or more")


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of scripts that train: --config, --set and --jobs."""
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument(
        "--set", dest="overrides", metavar="KEY=VALUE", nargs="+", action="extend", default=[]
    )
    parser.add_argument("--jobs", type=int, default=1, help="parallel trainings, one thread each")


def log(message: str) -> None:
    """Print progress to stderr."""
    print(message, file=sys.stderr, flush=True)


def mean_and_deviation(values: Sequence[float]) -> str:
    """Format the mean ± sample standard deviation, or a single value alone."""
    return f"{mean(values):.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else "")


def markdown_table(rows: Iterable[Sequence[object]]) -> str:
    """Format rows as a Markdown table; the first row is the header."""
    head, *body = ([str(cell) for cell in row] for row in rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *body))


def yaml_path(path: Path) -> str:
    """Quote a path as a value for `--set`."""
    return json.dumps(str(path.resolve()))


def write_json(path: Path | None, result: object) -> None:
    """Write a result as JSON, unless the path is None."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_corpus(sentences: Iterable[tuple[list[str], Sequence[Span], object]], path: Path) -> None:
    """Write an IOB2 column file with document marks.

    Args:
        sentences: words, entities and document of each. The document is None for those before any mark.
        path: the file to write.
    """
    last = None
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for words, spans, document in sentences:
            if document != last:
                out.write("-DOCSTART-\tO\n\n")
                last = document
            write_conll([words], [from_spans(spans, len(words), "iob2")], out)


def run_script(main: Callable[[], None]) -> int:
    """Run a script and return its exit code. User errors are printed without a traceback."""
    try:
        main()
    except RnnerError as error:
        log(f"error: {error}")
        return error.exit_code
    except OSError as error:
        log(f"error: {error.filename or 'the output'}: {error.strerror or error}")
        return 1
    except KeyboardInterrupt:
        log("interrupted")
        return 130
    return 0

"""Fuzz everything that reads annotated text: each corrupted file must give a result or a clear error.

    python scripts/fuzz_data.py sample:train sample:dev
    python scripts/fuzz_data.py my.conll --files 100000 --jobs 2 --keep found

Each file is a piece of a corpus of at most 200 lines: as it is, converted to another format, or with another
look (spellings of tags, headers, comments, encodings: `fuzz_looks.py`). Or it is a small sample of a layout
that rnner does not write itself. It is corrupted with flipped bytes, cut lines, swapped columns and the like
(`mutations.py`), and then detected, read, checked, repaired, converted, scored against itself and
predicted on, with a rule in place of a model. A failure (`fuzz_checks.py`) is, for example:

* an exception that is not an RnnerError, or more than `--limit` seconds;
* a line, row or record that is neither read nor reported;
* a file without errors that cannot be read; a conversion that reads back differently;
* a file whose F1 against itself is not 1; predictions that rnner cannot read.

Prints the number of each outcome and of failures; the exit code is 1 if there are any. File number i of a
seed is always the same.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import datasets  # noqa: F401 - loaded here, so that the time it takes does not count for a file
from common import argument_parser, log, require_at_least, run_script
from fuzz_checks import TARGETS, Trial, problems
from fuzz_looks import dress
from fuzz_samples import SAMPLES, Files
from mutations import Lines, corpus_piece, mutate

from rnner.data.corpus import resolve
from rnner.data.formats.annotated import SourceFile
from rnner.data.formats.registry import FORMATS
from rnner.errors import RnnerError
from rnner.workbench.convert import convert

_SUFFIXES = ("txt", "txt", "conll", "tsv", "csv", "json", "jsonl", "ann", "spacy", "dat")
_RIGHT_SUFFIX = 0.7  # share of converted files that have the suffix of their format
_WHOLE_FOLDER = 0.7  # share of folders that are read as a whole; for others, only the first file is read
_MOST_FILES = 20  # of a folder


class Failure(NamedTuple):
    """A file that was handled wrongly, and the problem."""

    number: int
    problem: str
    files: Files


class Result(NamedTuple):
    """The outcomes for one file, counted in the summary, and a failure, if any."""

    outcomes: list[str]
    failure: Failure | None


class TimeoutReachedError(Exception):
    """A file took longer than the limit."""


def main() -> None:
    arguments = _arguments()
    require_at_least(1, arguments, "files", "jobs", "limit")
    require_at_least(0, arguments, "seed")
    corpora = [resolve(path).read_bytes().split(b"\n") for path in arguments.corpora]
    work = partial(try_file, corpora=corpora, seed=arguments.seed, limit=arguments.limit)
    outcomes, failures = Counter[str](), 0
    for done, result in enumerate(_results(work, arguments.files, arguments.jobs), 1):
        outcomes.update(result.outcomes)
        if result.failure is not None:
            failures += 1
            log(f"file {result.failure.number}: {result.failure.problem}")
            _keep(arguments.keep, result.failure)
        if done % 5000 == 0:
            log(f"{done:,} of {arguments.files:,} files, {failures} failures")
    for outcome, times in sorted(outcomes.items()):
        print(f"{outcome:40} {times:8,}")
    print(f"{'failures':40} {failures:8,}")
    if failures:
        raise SystemExit(1)


def _arguments() -> argparse.Namespace:
    parser = argument_parser(__doc__)
    parser.add_argument("corpora", nargs="+", help="column files with tags, or sample:train")
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, default=5, help="seconds of CPU time per file")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the files that failed")
    return parser.parse_args()


def _results(work: Callable[[int], Result], files: int, jobs: int) -> Iterator[Result]:
    if jobs == 1:
        yield from map(work, range(files))
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(work, range(files), chunksize=100)


def _keep(folder: Path | None, failure: Failure) -> None:
    if folder is not None:
        write_files(folder / str(failure.number), failure.files)
        (folder / f"{failure.number}.why").write_text(failure.problem + "\n", encoding="utf-8")


def write_files(folder: Path, files: Files) -> None:
    """Write files into a folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def try_file(number: int, *, corpora: Sequence[Lines], seed: int, limit: int) -> Result:
    """Generate a file, or a folder of files, and pass it through every step."""
    draw = Random(f"{seed}/{number}")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        files = _mutated(make_files(corpora, folder, draw), draw)
        write_files(folder / "in", files)
        first = folder / "in" / next(iter(files))
        in_folder = first.parent != folder / "in" and draw.random() < _WHOLE_FOLDER
        trial = Trial(first.parent if in_folder else first, draw)
        problem = None
        try:
            with _time_limit(limit):
                problem = next(problems(trial), None)
        except TimeoutReachedError:
            problem = f"more than {limit} s after {trial.outcomes}"
        except Exception:
            problem = traceback.format_exc().rstrip()
    return Result(trial.outcomes, None if problem is None else Failure(number, problem, files))


def make_files(corpora: Sequence[Lines], folder: Path, draw: Random) -> Files:
    """Return a file, or the files of a folder, that have no errors yet."""
    piece = corpus_piece(corpora, draw)
    kind = draw.choice(("columns", "dressed", "converted", "converted", "sample", "sample"))
    if kind == "sample":
        return SAMPLES[draw.choice(list(SAMPLES))]
    if kind == "dressed":
        return {f"file.{draw.choice(_SUFFIXES)}": dress(piece, draw)}
    if kind == "converted":
        return _other_format(piece, folder, draw)
    return {f"file.{draw.choice(_SUFFIXES)}": piece}


def _other_format(piece: bytes, folder: Path, draw: Random) -> Files:
    """Return a piece converted to another format, if that is possible."""
    to = draw.choice([name for name, form in FORMATS.items() if form.write or form.save])
    source, out = folder / "source", folder / "other"
    source.write_bytes(piece)
    try:
        convert(SourceFile(source), out, form="conll", to=to, illegal="conlleval")
    except RnnerError:
        return {"file.conll": piece}
    if out.is_dir():
        return {f"texts/{path.name}": path.read_bytes() for path in sorted(out.iterdir())[:_MOST_FILES]}
    suffix = TARGETS[to] if draw.random() < _RIGHT_SUFFIX else draw.choice(_SUFFIXES)
    return {f"file.{suffix}": out.read_bytes()}


def _mutated(files: Files, draw: Random) -> Files:
    """Corrupt one of the files, or all."""
    chosen = draw.choice((*files, None))
    return {name: mutate(data, draw) if chosen in (name, None) else data for name, data in files.items()}


@contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    def stop(number: int, frame: Any) -> None:
        raise TimeoutReachedError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)  # CPU time, because other processes share the machine
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


if __name__ == "__main__":
    sys.exit(run_script(main))

"""Fuzz reading, checking, repairing and converting: each corrupted file must give a result or a clear error.

    python scripts/fuzz_data.py sample:train sample:dev
    python scripts/fuzz_data.py my.conll --files 100000 --jobs 2 --keep found

Each file is a piece of a corpus of at most 200 lines, as it is or converted to another format, with flipped
bytes, cut lines, swapped columns and mixed encodings (`mutations.py`). A failure is: an exception that is
not an RnnerError; more than `--limit` seconds; a line that is neither blank nor a comment, but is neither
read as a token nor reported; a file without errors that cannot be read; a conversion that reads back
differently or leaves a partial file.

Prints the number of each outcome and of failures; the exit code is 1 if there are any. Two cores take five
minutes for 100,000 files. File number i of a seed is always the same.
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
from itertools import zip_longest
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, TypeVar

import datasets  # noqa: F401 - loaded here, so that the time it takes does not count for a file
from common import argument_parser, log, require_at_least, run_script
from mutations import Lines, corpus_piece, mutate

from rnner.data.corpus import read_split, resolve
from rnner.data.formats.annotated import SourceFile, decide_scheme
from rnner.data.formats.column_layout import Layout
from rnner.data.formats.columns import ConllReader
from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import FORMATS, TEXT_FORMATS, read_sentences
from rnner.errors import RnnerError
from rnner.render.json_output import to_json
from rnner.tags import SCHEMES, from_spans, to_spans
from rnner.workbench.check.check import check
from rnner.workbench.check.findings import CheckReport
from rnner.workbench.check.lenient_reader import ColumnFile, read_file
from rnner.workbench.check.repair import repair
from rnner.workbench.convert import convert

T = TypeVar("T")
TARGETS = {name: "parquet" if name == "dataset" else "txt" for name in FORMATS}  # format -> suffix


class Failure(NamedTuple):
    """A file that was handled wrongly, and how."""

    number: int
    problem: str
    data: bytes


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
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{failure.number}.txt").write_bytes(failure.data)
        (folder / f"{failure.number}.why").write_text(failure.problem + "\n", encoding="utf-8")


def try_file(number: int, *, corpora: Sequence[Lines], seed: int, limit: int) -> Result:
    """Generate a file and pass it through every step."""
    draw = Random(f"{seed}/{number}")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        path = Path(folder) / "file.txt"
        data = mutate(_other_format(corpus_piece(corpora, draw), path, draw), draw)
        path.write_bytes(data)
        outcomes: list[str] = []
        try:
            with _time_limit(limit):
                for problem in problems(path, data, draw, outcomes):
                    return Result(outcomes, Failure(number, problem, data))
        except TimeoutReachedError:
            return Result(outcomes, Failure(number, f"more than {limit} s after {outcomes}", data))
        except Exception:
            return Result(outcomes, Failure(number, traceback.format_exc().rstrip(), data))
    return Result(outcomes, None)


def _other_format(text: bytes, path: Path, draw: Random) -> bytes:
    """Convert half of the files to another format, if possible."""
    to = draw.choice([name for name, form in FORMATS.items() if form.write])
    if draw.random() < 0.5:
        return text
    out = path.with_name("other")
    path.write_bytes(text)
    try:
        convert(SourceFile(path), out, form="columns", to=to, illegal="conlleval")
    except RnnerError:
        return text
    return out.read_bytes()


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


def problems(path: Path, data: bytes, draw: Random, outcomes: list[str]) -> Iterator[str]:
    """Yield everything that goes wrong with a file, and append the result of each step to `outcomes`."""
    illegal = draw.choice(("error", "conlleval"))
    form = _step("detect", lambda: detect_format(path), outcomes)
    split = _step("read", lambda: read_split(path, illegal=illegal), outcomes)
    if split is not None and form == "columns":
        yield from _reading_problems(path, data, int(split.lengths.sum()))
    file = _step("check", lambda: read_file(path), outcomes)
    if file is not None:
        report = check([file])
        to_json(report.to_dict())
        yield from _check_problems(file, report, data)
        repaired = repair([file])[0].file
        if len(repaired.lines) != len(file.lines):
            yield "repair changed the number of lines"
        if form == "columns" and not report.count("error") and split is None:
            yield f"check finds no error, but reading fails: {outcomes}"
    if form is not None:
        yield from _conversion_problems(path, form, illegal, draw, outcomes)


def _step(name: str, function: Callable[[], T], outcomes: list[str]) -> T | None:
    """Call a function and record the outcome. Return None for an RnnerError, which must have a message."""
    try:
        result = function()
    except RnnerError as error:
        assert str(error).strip(), "an error without a message"
        outcomes.append(f"{name}: error")
        return None
    outcomes.append(f"{name}: done")
    return result


def rows(data: bytes, layout: Layout) -> set[int]:
    """Return the numbers, from 1, of lines that are not blank, a comment, a document mark or a header."""
    text = data.removeprefix(b"\xef\xbb\xbf").decode(errors="surrogateescape").replace("\r\n", "\n")
    lines = enumerate(text.removesuffix("\r").split("\n"), 1)
    return {number for number, line in lines if layout.is_row(line)}


def _reading_problems(path: Path, data: bytes, words: int) -> Iterator[str]:
    reader = ConllReader(path)
    read = [line for sentence in reader for line in sentence.lines]
    if lost := rows(data, reader.layout) - set(read):
        yield f"lines that were not read as a token: {sorted(lost)[:5]}"
    if words != len(read):
        yield f"{words} words from {len(read)} rows"


def _check_problems(file: ColumnFile, report: CheckReport, data: bytes) -> Iterator[str]:
    reported = {finding.line for finding in report.findings}
    known = reported | {line for sentence in file.sentences for line in sentence.lines}
    if not file.layout_problem and (lost := rows(data, file.layout) - known):
        yield f"lines that check neither reads nor reports: {sorted(lost)[:5]}"
    if file.layout_problem and not report.count("error"):
        yield "check detects no layout but reports no error"


def _conversion_problems(
    path: Path, form: str, illegal: Any, draw: Random, outcomes: list[str]
) -> Iterator[str]:
    to = draw.choice(list(TARGETS))
    out, source = path.with_name(f"out.{TARGETS[to]}"), SourceFile(path)
    scheme = draw.choice(SCHEMES)
    rules: Any = {
        "scheme": scheme,
        "align": draw.choice(("strict", "expand", "contract")),
        "overlaps": draw.choice(("error", "longest", "first")),
        "illegal": illegal,
    }
    done = _step(f"convert to {to}", lambda: convert(source, out, form=form, to=to, **rules), outcomes)
    left = [other.name for other in path.parent.iterdir() if other.name.endswith(".partial")]
    if left or out.exists() != (done is not None):
        yield f"convert to {to} leaves {left or out.exists()}"
    if done is None or form in TEXT_FORMATS or to in TEXT_FORMATS:
        return
    before, after = (
        _tags(SourceFile(path), form, illegal, scheme),
        _tags(SourceFile(out), to, "error", scheme),
    )
    if before != after:
        different = next(pair for pair in zip_longest(before, after) if pair[0] != pair[1])
        yield f"converted to {to}, {different[0]} reads back as {different[1]}"


def _tags(source: SourceFile, form: str, illegal: Any, scheme: str) -> list[Any]:
    """Return the words of each sentence and their tags, converted to one scheme."""
    sentences = read_sentences(source, form)
    found = decide_scheme(source, sentences, illegal)
    return [(s.words, from_spans(to_spans(s.tags, found), len(s.words), scheme)) for s in sentences]


if __name__ == "__main__":
    sys.exit(run_script(main))

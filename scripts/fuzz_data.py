"""Spoilt files through read, check, repair and convert: a result or a clear error each.

    python scripts/fuzz_data.py sample:train sample:dev
    python scripts/fuzz_data.py my.conll --files 100000 --jobs 2 --keep found

Each file is a part of a corpus of at most 200 lines, as it is or converted to another format first, with
bytes flipped, lines cut, columns swapped, encodings mixed (`mutations.py`). A find is: an error that is none
of ours; more than `--limit` seconds; a line, neither blank nor a comment, that became no token and of which
nothing was said; a file without a fault that cannot be read; a conversion that reads back otherwise, or that
leaves half a file. The exit code is 1 if there is any. File number i of a seed is the same whatever else is
tried.
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

import datasets  # noqa: F401 - here, so that the seconds it takes to load are no file's
from mutations import Lines, mutated, part
from trainings import at_least, guarded, say

from rnner.data.corpus import read_split, resolve
from rnner.data.formats.annotated import SourceFile, decide_scheme
from rnner.data.formats.columns import ConllReader
from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import TEXT, read_tagged
from rnner.errors import RnnerError
from rnner.render.json_output import to_json
from rnner.tags import SCHEMES, from_spans, to_spans
from rnner.workbench.check.check import check
from rnner.workbench.check.findings import CheckReport
from rnner.workbench.check.lenient_reader import ColumnFile, read_file
from rnner.workbench.check.repair import repair
from rnner.workbench.convert import convert

T = TypeVar("T")
TARGETS = {
    "columns": "conll",
    "conllu": "conllu",
    "tokens": "jsonl",
    "dataset": "parquet",
    "prodigy": "jsonl",
    "doccano": "jsonl",
    "labelstudio": "json",
}


class Find(NamedTuple):
    """What is wrong with how a file was taken, and the file."""

    number: int
    problem: str
    data: bytes


class Tried(NamedTuple):
    """What came of one file: words for the summary, and a find or none."""

    outcomes: list[str]
    find: Find | None


class TooLongError(Exception):
    """A file took longer than the limit."""


def main() -> None:
    arguments = _arguments()
    for name, least in (("files", 1), ("jobs", 1), ("seed", 0), ("limit", 1)):
        at_least(name, getattr(arguments, name), least)
    corpora = [resolve(path).read_bytes().split(b"\n") for path in arguments.corpora]
    work = partial(try_file, corpora=corpora, seed=arguments.seed, limit=arguments.limit)
    outcomes, finds = Counter[str](), []
    for done, tried in enumerate(_all(work, arguments.files, arguments.jobs), 1):
        outcomes.update(tried.outcomes)
        if tried.find is not None:
            finds.append(tried.find)
            say(f"file {tried.find.number}: {tried.find.problem}")
            _keep(arguments.keep, tried.find)
        if done % 5000 == 0:
            say(f"{done:,} of {arguments.files:,} files, {len(finds)} finds")
    for outcome, times in sorted(outcomes.items()):
        print(f"{outcome:40} {times:8,}")
    print(f"{'finds':40} {len(finds):8,}")
    if finds:
        raise SystemExit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpora", nargs="+", help="column files with tags, or sample:train")
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, default=5, help="seconds of processor time for one file")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for the files of finds")
    return parser.parse_args()


def _all(work: Callable[[int], Tried], files: int, jobs: int) -> Iterator[Tried]:
    if jobs == 1:
        yield from map(work, range(files))
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(work, range(files), chunksize=100)


def _keep(folder: Path | None, find: Find) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{find.number}.txt").write_bytes(find.data)
        (folder / f"{find.number}.why").write_text(find.problem + "\n", encoding="utf-8")


def try_file(number: int, *, corpora: Sequence[Lines], seed: int, limit: int) -> Tried:
    """Make a file, and put it through everything."""
    draw = Random(f"{seed}/{number}")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        path = Path(folder) / "file.txt"
        data = mutated(_other_format(part(corpora, draw), path, draw), draw)
        path.write_bytes(data)
        outcomes: list[str] = []
        try:
            with _within(limit):
                for problem in problems(path, data, draw, outcomes):
                    return Tried(outcomes, Find(number, problem, data))
        except TooLongError:
            return Tried(outcomes, Find(number, f"more than {limit} s after {outcomes}", data))
        except Exception:
            return Tried(outcomes, Find(number, traceback.format_exc().rstrip(), data))
    return Tried(outcomes, None)


def _other_format(text: bytes, path: Path, draw: Random) -> bytes:
    """The file in another format, half of the time and if it can be."""
    to = draw.choice([form for form in TARGETS if form != "dataset"])
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
def _within(seconds: int) -> Iterator[None]:
    def stop(number: int, frame: Any) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)  # of the processor: others may use it too
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def problems(path: Path, data: bytes, draw: Random, outcomes: list[str]) -> Iterator[str]:
    """What goes wrong with a file; `outcomes` is told what comes of it."""
    illegal = draw.choice(("error", "conlleval"))
    form = _result("detect", lambda: detect_format(path), outcomes)
    split = _result("read", lambda: read_split(path, illegal=illegal), outcomes)
    if split is not None and form == "columns":
        yield from _of_tokens(path, data, int(split.lengths.sum()))
    file = _result("check", lambda: read_file(path), outcomes)
    if file is not None:
        report = check([file])
        to_json(report.to_dict())
        yield from _of_check(file, report, data)
        repaired = repair([file])[0].file
        if len(repaired.lines) != len(file.lines):
            yield "repair changed the number of lines"
        if form == "columns" and not report.count("error") and split is None:
            yield f"check finds no error, but reading does: {outcomes}"
    if form is not None:
        yield from _of_conversion(path, form, illegal, draw, outcomes)


def _result(what: str, do: Callable[[], T], outcomes: list[str]) -> T | None:
    """What comes of it; None for an error of ours, which must say something."""
    try:
        found = do()
    except RnnerError as error:
        assert str(error).strip(), "an error without a message"
        outcomes.append(f"{what}: error")
        return None
    outcomes.append(f"{what}: done")
    return found


def rows(data: bytes) -> set[int]:
    """The lines, from 1, that are neither blank nor a comment nor a document mark."""
    text = data.removeprefix(b"\xef\xbb\xbf").decode(errors="surrogateescape").replace("\r\n", "\n")
    return {
        number
        for number, line in enumerate(text.removesuffix("\r").split("\n"), 1)
        if line.strip(" \t") and not line.startswith("-DOCSTART-") and ("\t" in line or line[0] != "#")
    }


def _of_tokens(path: Path, data: bytes, words: int) -> Iterator[str]:
    read = [line for sentence in ConllReader(path) for line in sentence.lines]
    if lost := rows(data) - set(read):
        yield f"lines that became no token: {sorted(lost)[:5]}"
    if words != len(read):
        yield f"{words} words, of {len(read)} rows"


def _of_check(file: ColumnFile, report: CheckReport, data: bytes) -> Iterator[str]:
    told = {finding.line for finding in report.findings}
    known = told | {line for sentence in file.sentences for line in sentence.lines}
    if file.layout is not None and (lost := rows(data) - known):
        yield f"lines of which check says nothing: {sorted(lost)[:5]}"
    if file.layout is None and not report.count("error"):
        yield "check reads no layout, and finds no error"


def _of_conversion(path: Path, form: str, illegal: Any, draw: Random, outcomes: list[str]) -> Iterator[str]:
    to = draw.choice(list(TARGETS))
    out, source = path.with_name(f"out.{TARGETS[to]}"), SourceFile(path)
    scheme = draw.choice(SCHEMES)
    rules: Any = {
        "scheme": scheme,
        "align": draw.choice(("strict", "expand", "contract")),
        "overlaps": draw.choice(("error", "longest", "first")),
        "illegal": illegal,
    }
    done = _result(f"convert to {to}", lambda: convert(source, out, form=form, to=to, **rules), outcomes)
    left = [other.name for other in path.parent.iterdir() if other.name.endswith(".partial")]
    if left or out.exists() != (done is not None):
        yield f"convert to {to} leaves {left or out.exists()}"
    if done is None or form in TEXT or to in TEXT:
        return
    before, after = (
        _tags(SourceFile(path), form, illegal, scheme),
        _tags(SourceFile(out), to, "error", scheme),
    )
    if before != after:
        unlike = next(pair for pair in zip_longest(before, after) if pair[0] != pair[1])
        yield f"converted to {to}, {unlike[0]} reads back as {unlike[1]}"


def _tags(source: SourceFile, form: str, illegal: Any, scheme: str) -> list[Any]:
    """The words of each sentence, and their tags in one scheme, whatever the file has."""
    sentences = list(read_tagged(source, form))
    found = decide_scheme(source, sentences, illegal)
    return [(s.words, from_spans(to_spans(s.tags, found), len(s.words), scheme)) for s in sentences]


if __name__ == "__main__":
    sys.exit(guarded(main))

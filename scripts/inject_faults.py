"""Let each I/O call of each command fail in turn, and kill the command at each: nothing is lost or mixed up.

    python scripts/inject_faults.py                     # every call, every kind of fault: about 40 minutes
    python scripts/inject_faults.py --every 10 --only predict --kinds kill ENOSPC

A fault is a failed call (ENOSPC, EIO, EACCES) or SIGKILL just before it. Calls: open, read, write, fsync,
rename, link, unlink, mkdir, rmdir, chmod, chown, truncate, utimens and opendir on the files of the user, of
Python and of native libraries alike. After each fault:

- a process that was not killed has ended with an exit code and at most one error line, without a traceback;
- each file has the old content or the new one, and files that the command does not write are unchanged;
- temporary folders are left only by a kill, or by a failure to remove them;
- `rnner train --resume` ends with the bits of an undisturbed run, and removes what was left behind.

Exits with 1 if one of these is violated. Needs Linux and gcc.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from faults import KINDS, Fault, Outcome, contents, copy_into, environment, load_modules_of, run

from rnner.cli.main import run as run_rnner
from rnner.data import corpus_cache
from rnner.data.corpus import resolve

_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # where fsync costs no time
_PARTIAL = re.compile(r"(^|/)\.rnner-[^/]*\.partial(/|$)")
_TIMED = ("metrics.json", "log.jsonl", "README.md", "seeds.json", "manifest.json")  # with seconds, or digests
_CONFIG = """\
data: {train: train.conll, dev: dev.conll}
embeddings: {words: {size: 8, min_count: 1}, characters: {size: 4, hidden: 4}}
encoder: {cell: gru, hidden: 8}
training: {epochs: 2, batch_sentences: 16, learning_rate: 0.02, seed: 3}
"""
_TRAIN = ("train", "--config", "tiny.yaml", "--output", "run", "--threads", "1")


@dataclass(frozen=True)
class Scenario:
    """A command, what runs before it in the same folder, and the command that resumes it."""

    name: str
    command: Sequence[str]
    before: Sequence[Sequence[str]] = ()
    resume: Sequence[str] | None = None
    old: Sequence[str] = ()  # files that hold something old
    cached: bool = False  # whether the cache of corpora is used


SCENARIOS = [
    Scenario("train", _TRAIN, resume=[*_TRAIN, "--resume"]),
    Scenario("train with cache", _TRAIN, resume=[*_TRAIN, "--resume"], cached=True),
    Scenario("resume", [*_TRAIN, "--resume"], [["interrupted", *_TRAIN]], [*_TRAIN, "--resume"]),
    Scenario(
        "overwrite",
        [*_TRAIN, "--overwrite"],
        [[*_TRAIN, "--set", "training.epochs=1"]],
        [*_TRAIN, "--resume"],
    ),
    Scenario("seeds", [*_TRAIN, "--seeds", "2"], resume=[*_TRAIN, "--seeds", "2", "--resume"]),
    Scenario(
        "predict", ["predict", "-m", "run", "-f", "text.txt", "-o", "out.jsonl"], [_TRAIN], old=["out.jsonl"]
    ),
    Scenario(
        "export",
        ["export", "--model", "run", "--output", "out.onnx", "--overwrite"],
        [_TRAIN],
        old=["out.onnx"],
    ),
    Scenario("init", ["config", "init", "train.conll", "-o", "out.yaml"]),
    Scenario(
        "split", ["data", "split", "train.conll", "--output", "parts", "--overwrite"], old=["parts/dev.conll"]
    ),
    Scenario("fix", ["data", "check", "bad.conll", "--fix", "out.conll", "--overwrite"], old=["out.conll"]),
    *(
        Scenario(
            f"convert to {form}",
            ["data", "convert", "train.conll", "--output", out, "--format", form, "--overwrite"],
            old=old,
        )
        for form, out, old in (
            ("jsonl", "out.jsonl", ["out.jsonl"]),
            ("conll", "out.conll", ["out.conll"]),
            ("brat", "brat", []),
            ("dataset", "data", []),
            ("spacy", "out.spacy", ["out.spacy"]),
        )
    ),
]


def main() -> int:
    """Run the scenarios and print the number of faults and the violations."""
    arguments = _arguments()
    if "LD_PRELOAD" not in os.environ:
        folder = tempfile.mkdtemp(prefix="faults-")
        os.execve(sys.executable, [sys.executable, *sys.argv], environment(Path(folder)))
    torch.set_num_threads(1)
    violations = 0
    with tempfile.TemporaryDirectory(prefix="faults-", dir=_MEMORY) as name:
        for scenario in SCENARIOS:
            if not any(part in scenario.name for part in arguments.only):
                continue
            campaign = Campaign(scenario, Path(name) / scenario.name.replace(" ", "-"))
            start = time.monotonic()
            found = list(campaign.violations(arguments.kinds, arguments.every, arguments.start))
            for violation in found:
                print(f"  {violation}")
            violations += len(found)
            seconds = time.monotonic() - start
            codes = ", ".join(f"{code}: {count:,}" for code, count in sorted(campaign.codes.items()))
            counts = f"{campaign.calls:,} calls, {campaign.faults:,} faults, {len(found)} violations"
            print(f"{scenario.name}: {counts}, {seconds:.0f} s (exit codes {codes})", flush=True)
    return 1 if violations else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", nargs="+", default=[""], metavar="NAME", help="scenarios whose name has this"
    )
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS, help="kinds of faults")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth call")
    parser.add_argument("--start", type=int, default=0, metavar="N", help="number of the first call")
    return parser.parse_args()


class Campaign:
    """The faults of one scenario.

    Attributes:
        calls: I/O calls of the undisturbed command.
        faults: faults so far.
        codes: how often the command ended with each exit code.
    """

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        folder.mkdir()
        self.scenario, self.base, self.box, self.log = (
            scenario,
            folder / "base",
            folder / "box",
            folder / "log",
        )
        self.faults, self.codes = 0, Counter[int]()
        _write_files(self.base, scenario.old)
        for command in scenario.before:
            copy_into(self.base, self.box)
            outcome = load_modules_of(self._command(command), self.box, self.log)
            assert outcome.code in (0, 130), outcome
            copy_into(self.box, self.base)
        self.old = contents(self.base)
        copy_into(self.base, self.box)
        done = load_modules_of(self._command(scenario.command), self.box, self.log)
        assert done.code == 0, done
        self.new, self.calls = contents(self.box), done.calls

    def violations(self, kinds: Sequence[str], every: int, start: int = 0) -> Iterator[str]:
        """Inject faults into every `every`th call and describe what went wrong."""
        for point in range(start, self.calls, every):
            for kind in kinds:
                copy_into(self.base, self.box)
                outcome = run(self._command(self.scenario.command), self.box, self.log, Fault(point, kind))
                self.faults += 1
                self.codes[outcome.code] += 1
                for problem in self._problems(kind, outcome):
                    yield f"{kind} at call {point} ({outcome.failed}): {problem}"

    def _command(self, arguments: Sequence[str]) -> Callable[[], int]:
        def command() -> int:
            corpus_cache.MIN_BYTES = 0 if self.scenario.cached else 1 << 40
            if arguments[0] == "interrupted":
                return _interrupted(arguments[1:])
            return run_rnner(arguments)

        return command

    def _problems(self, kind: str, outcome: Outcome) -> Iterator[str]:
        killed = kind == "kill" and outcome.code == -9
        if outcome.code not in (0, 1, 2) and not killed:
            yield f"it ended with {outcome.code}: {outcome.printed[-500:]}"
        if match := re.search(r"Traceback|unexpected \w+Error|unforeseen", outcome.printed):
            yield f"it printed {match[0]}: {outcome.printed[-1500:]}"
        if outcome.code in (1, 2) and len(re.findall("^error: ", outcome.printed, re.MULTILINE)) != 1:
            yield f"it did not print one error: {outcome.printed[-500:]}"
        may_leave = killed or _is_removal(outcome.failed)
        yield from self._wrong_files(outcome.code == 0, may_leave)
        if self.scenario.resume:
            yield from self._wrong_resume()

    def _wrong_files(self, done: bool, may_leave: bool) -> Iterator[str]:
        """Describe files that are neither old nor new; those of runs are checked by resuming them."""
        found = contents(self.box)
        for name in found.keys() | self.old.keys() | self.new.keys():
            if _PARTIAL.search(name):
                if not may_leave:
                    yield f"{name} is left"
            elif self.scenario.resume and name.startswith(("run/", "cache/")):
                continue
            elif found.get(name) not in (self.old.get(name), self.new.get(name)):
                yield f"{name} is neither old nor new"
            elif done and found.get(name) != self.new.get(name):
                yield f"{name} is not new, but the command succeeded"

    def _wrong_resume(self) -> Iterator[str]:
        assert self.scenario.resume is not None
        before = contents(self.box)
        outcome = run(self._command(self.scenario.resume), self.box, self.log)
        if outcome.code != 0:
            of_run = {name for name in self.old if name.startswith("run/")}
            if not (of_run and all(before.get(name) == self.old[name] for name in of_run)):
                yield f"resuming ended with {outcome.code}: {outcome.printed[-500:]}"
            return  # nothing has happened: the old run is there, which has another config
        found = contents(self.box)
        for name in found.keys() | self.new.keys():
            if name.startswith("cache/") or name.endswith(_TIMED):
                continue
            if found.get(name) != self.new.get(name):
                yield f"after resuming, {name} differs"


def _is_removal(call: str) -> bool:
    """Whether a call is one of those that remove a folder: without it, a temporary folder is left."""
    name, _, path = call.partition(" ")
    if name.startswith("open"):
        return path.endswith(".partial") or (name.startswith("openat") and "/" not in path)
    return name.startswith(("unlink", "rmdir", "opendir"))


def _interrupted(arguments: Sequence[str]) -> int:
    """Train, and press Ctrl-C in the second epoch."""
    import signal

    from rnner.cli.progress_display import PlainDisplay

    events = iter(range(10_000))

    def show(self: PlainDisplay, event: object) -> None:
        if next(events) == 4:
            signal.raise_signal(signal.SIGINT)

    PlainDisplay.show = show  # type: ignore[method-assign,assignment]
    return run_rnner(arguments)


def _write_files(folder: Path, old: Sequence[str]) -> None:
    """Write a corpus, a text, files of the user that no command may touch, and files to replace."""
    folder.mkdir()
    for part, sentences in (("train", 40), ("dev", 10)):
        blocks = resolve(f"sample:{part}").read_text(encoding="utf-8").split("\n\n")
        (folder / f"{part}.conll").write_text("\n\n".join(blocks[: sentences + 1]) + "\n")
    (folder / "bad.conll").write_text("Ada\tB-PER\nLovelace\tI-LOC\n\nParis\tI-LOC\n")
    (folder / "text.txt").write_text("Ottoline Fairbrass went to Oslo.\n")
    (folder / "tiny.yaml").write_text(_CONFIG)
    for name in ("out.jsonl.partial", "state.safetensors", ".hidden"):
        (folder / name).write_text("mine")
    for name in old:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("old")
        (folder / name).chmod(0o600)


if __name__ == "__main__":
    sys.exit(main())

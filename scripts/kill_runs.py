"""Kill, stop, starve and mislead `rnner train`, and resume it: it always ends with the bits of a quiet run.

    python scripts/kill_runs.py                       # about 10 minutes on two cores
    python scripts/kill_runs.py --rounds 50 --seed 7
    python scripts/kill_runs.py --only signals disk

- kills: `--seeds 2 --jobs 2` is killed with SIGKILL at random times (the parent, a seed, or all), and resumed
  until it ends;
- signals: SIGTERM, SIGHUP, a closed terminal, two SIGINT, SIGSTOP with SIGCONT, then resumed; a second run is
  refused while the first is stopped;
- disk: a full disk on a tmpfs of many sizes, resumed with more space; a limit on the size of files; a folder
  that is read-only, for each command that writes. Needs root;
- changes: other data, other vectors, another config, another number of threads at resume.

After each step: the exit code is expected, there is at most one error line per seed and no traceback, and the
final weights equal those of an undisturbed run. Exits with 1 otherwise. Needs Linux.
"""

from __future__ import annotations

import argparse
import os
import pty
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from run_folder import SECONDS, RunFolder, Violation, after_epochs, finish

_TRAIN = ["train", "--config", "tiny.yaml", "--output", "run", "--threads", "1"]
_MOST_KILLS = 5  # of one run
_SEEDS = [*_TRAIN, "--seeds", "2", "--jobs", "2"]


# --- kills -------------------------------------------------------------------------------------------------


def kills(folder: Path, rounds: int, draw: random.Random) -> Iterator[str]:
    """Kill runs of two seeds in parallel, and resume them."""
    quiet = RunFolder(folder / "quiet")
    start = time.monotonic()
    quiet.run(*_SEEDS)
    seconds, expected = time.monotonic() - start, quiet.weights()
    for number in range(rounds):
        place = RunFolder(folder / f"kills-{number}")
        killed, process = 0, place.start(*_SEEDS, "--resume")
        while killed < _MOST_KILLS:
            time.sleep(draw.uniform(0.2, 0.9) * seconds)
            if not _kill(process, draw.choice(["parent", "seed", "all"])):
                break
            killed += 1
            process.communicate(timeout=SECONDS)  # until seeds without a parent have saved and stopped
            process = place.start(*_SEEDS, "--resume")
        finish(process, (0,))
        _same(place, expected)
        yield f"round {number}: {killed} kills"


def _kill(process: subprocess.Popen[str], whom: str) -> bool:
    """Kill the parent, a seed or all processes of a run, unless it has ended."""
    if process.poll() is not None:
        return False
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    with suppress(ProcessLookupError):
        if whom == "all":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            os.kill(int(children[-1]) if whom == "seed" and children else process.pid, signal.SIGKILL)
    return True


# --- signals -----------------------------------------------------------------------------------------------


def signals(folder: Path, rounds: int, draw: random.Random) -> Iterator[str]:
    """Send signals to a run and resume it."""
    expected = _quiet(folder)
    for name in ("SIGTERM", "SIGHUP", "SIGINT"):
        place = RunFolder(folder / name)
        process = place.start(*_TRAIN)
        after_epochs(process, 2)
        process.send_signal(getattr(signal, name))
        finish(process, (130,))
        place.run(*_TRAIN, "--resume")
        _same(place, expected)
        yield name
    place = RunFolder(folder / "double")
    process = place.start(*_TRAIN)
    after_epochs(process, 2)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    finish(process, (130,))
    place.run(*_TRAIN, "--resume")
    _same(place, expected)
    yield "two SIGINT"
    place = RunFolder(folder / "stopped")
    process = place.start(*_TRAIN)
    after_epochs(process, 2)
    process.send_signal(signal.SIGSTOP)
    for more in ([], ["--resume"], ["--overwrite"]):
        message = place.run(*_TRAIN, *more, codes=(2,))
        if f"process {process.pid} on" not in message:
            raise Violation(f"the second run was not told who holds the folder: {message}")
    process.send_signal(signal.SIGCONT)
    finish(process, (0,))
    _same(place, expected)
    yield "SIGSTOP, 3 other runs, SIGCONT"
    place = RunFolder(folder / "terminal")
    code = _close_terminal(place)
    place.run(*_TRAIN, "--resume")
    _same(place, expected)
    yield f"a closed terminal (exit code {code})"


def _close_terminal(place: RunFolder) -> int:
    """Start a run in a terminal, close the terminal after some epochs, and return the exit code."""
    parent, child = pty.openpty()
    process = place.start(*_TRAIN, stdin=child, stdout=child, stderr=child, preexec_fn=_take_terminal)
    os.close(child)
    log = place.path / "run" / "log.jsonl"
    while not (log.exists() and log.read_text().count("\n") > 1):
        os.read(parent, 10_000)
    os.close(parent)  # the kernel sends SIGHUP
    process.wait(timeout=SECONDS)
    if not (place.path / "run" / "checkpoint").exists():
        raise Violation(f"no checkpoint after the terminal was closed (exit code {process.returncode})")
    if (place.path / "run" / "metrics.json").exists():
        raise Violation("the run ended before the terminal was closed")
    return process.returncode


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


# --- disk --------------------------------------------------------------------------------------------------


def disk(folder: Path, rounds: int, draw: random.Random) -> Iterator[str]:
    """Train on a disk that is full, with a limit on the size of files, and in a folder that is read-only."""
    expected = _quiet(folder)
    for kilobytes in (8, 48, 96, *(draw.randrange(100, 700, 4) for _ in range(rounds))):
        place = RunFolder(folder / f"disk-{kilobytes}")
        (place.path / "run").mkdir()
        with _mounted(place.path / "run", f"size={kilobytes}k") as remount:
            place.run(*_TRAIN, codes=(0, 1, 2))
            remount("size=100m")
            place.run(*_TRAIN, "--resume")
            _same(place, expected)
        yield f"a disk of {kilobytes} KB"
    for bytes_ in (100, 20_000, 100_000, 200_000):
        place = RunFolder(folder / f"limit-{bytes_}")
        place.run(*_TRAIN, codes=(0, 1, 2), preexec_fn=_limited(bytes_))
        place.run(*_TRAIN, "--resume")
        _same(place, expected)
        yield f"files of at most {bytes_:,} bytes"
    place = RunFolder(folder / "read-only")
    place.run(*_TRAIN)
    (place.path / "locked").mkdir()
    with _mounted(place.path / "locked", "size=100m") as remount:
        remount("ro")
        for command in (
            [*_TRAIN[:4], "locked/run"],
            ["predict", "-m", "run", "Ottoline went to Oslo .", "-o", "locked/out.jsonl"],
            ["export", "--model", "run", "--output", "locked/model.onnx"],
            ["config", "init", "train.conll", "-o", "locked/my.yaml"],
            ["data", "split", "train.conll", "--output", "locked"],
            ["data", "convert", "train.conll", "--output", "locked/out.jsonl", "--format", "jsonl"],
        ):
            message = place.run(*command, codes=(1, 2))
            if "locked" not in message or message.count("error: ") != 1:
                raise Violation(f"{command}: {message}")
            yield f"read-only: {' '.join(command[:2])}"


@contextmanager
def _mounted(folder: Path, option: str) -> Iterator[Callable[[str], None]]:
    """Mount a tmpfs; yield a function that mounts it again with another option."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", option, "tmpfs", str(folder)], check=True)

    def remount(other: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{other}", str(folder)], check=True)

    try:
        yield remount
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _limited(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


# --- changes -----------------------------------------------------------------------------------------------


def changes(folder: Path, rounds: int, draw: random.Random) -> Iterator[str]:
    """Resume with other inputs: refused in one line, nothing is changed. Restored inputs are accepted."""
    expected = _quiet(folder)
    for name, text in (
        ("train.conll", "\nOslo\tB-LOC\n"),
        ("dev.conll", "\nOslo\tB-LOC\n"),
        ("vectors.txt", "mayor 1 1 1 1 1 1 1 1\n"),
        ("tiny.yaml", "dropout: {words: 0.3}\n"),
    ):
        for options in ([], ["--seeds", "2"]):
            place = RunFolder(folder / f"{name}{len(options)}")
            process = place.start(*_TRAIN, *options)
            after_epochs(process, 2)
            process.send_signal(signal.SIGTERM)
            finish(process, (130,))
            before = place.weights()
            original = (place.path / name).read_text()
            (place.path / name).write_text(original + text)
            message = place.run(*_TRAIN, *options, "--resume", codes=(1, 2))
            if message.count("error: ") != 1 or place.weights() != before:
                raise Violation(f"{name}: {message}")
            (place.path / name).write_text(original)
            place.run(*_TRAIN, *options, "--resume")
            if not options:
                _same(place, expected)
            yield f"another {name}{' with --seeds' if options else ''}"
    place = RunFolder(folder / "threads")
    process = place.start(*_TRAIN)
    after_epochs(process, 2)
    process.send_signal(signal.SIGTERM)
    finish(process, (130,))
    message = place.run(*_TRAIN[:-1], "2", "--resume")
    if "threads 1 / 2" not in message:
        raise Violation(f"no warning about the number of threads: {message}")
    yield "another number of threads"


def _quiet(folder: Path) -> dict[str, bytes]:
    """Return the weights of an undisturbed run."""
    quiet = RunFolder(folder / "quiet")
    quiet.run(*_TRAIN)
    return quiet.weights()


def _same(place: RunFolder, expected: dict[str, bytes]) -> None:
    if place.weights() != expected:
        raise Violation(f"{place.path}: the weights differ from those of an undisturbed run")


PARTS = {"kills": kills, "signals": signals, "disk": disk, "changes": changes}


def main() -> int:
    """Run the parts, and print each step."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to run")
    parser.add_argument("--rounds", type=int, default=10, metavar="N", help="rounds of kills, sizes of disks")
    parser.add_argument("--seed", type=int, default=0, help="of the random times and sizes")
    arguments = parser.parse_args()
    failed = 0
    for name in arguments.only:
        start, steps = time.monotonic(), 0
        with tempfile.TemporaryDirectory(prefix="kill-runs-") as folder:
            try:
                for step in PARTS[name](Path(folder), arguments.rounds, random.Random(arguments.seed)):
                    steps += 1
                    print(f"  {step}", flush=True)
            except Violation as violation:
                failed += 1
                print(f"  VIOLATION: {violation}")
        print(f"{name}: {steps} steps, {time.monotonic() - start:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Run commands in forked processes in which one I/O call fails, or kills the process. Not a script itself.

`faults.c` counts and fails the calls; it is compiled here with gcc and must be loaded with LD_PRELOAD.
"""

from __future__ import annotations

import ctypes
import errno
import importlib
import mmap
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).with_name("faults.c")
KINDS = {"kill": 0, "ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EACCES": errno.EACCES}
_SECONDS = 60  # after this time a command is taken for hanging


class Record(ctypes.Structure):
    """What a process reports in shared memory: the calls so far, and the one that failed."""

    _fields_ = (("count", ctypes.c_long), ("what", ctypes.c_char * 240))


class Fault(NamedTuple):
    """The number of the call that fails, and how: a key of `KINDS`."""

    point: int
    kind: str


class Outcome(NamedTuple):
    """How a command ended: exit code (or minus the signal), what it printed, its calls, the failed one."""

    code: int
    printed: str
    calls: int
    failed: str


def library(folder: Path) -> Path:
    """Compile the library that makes calls fail."""
    target = folder / "faults.so"
    command = [
        "gcc",
        "-O1",
        "-shared",
        "-fPIC",
        "-Wno-nonnull-compare",
        "-o",
        str(target),
        str(SOURCE),
        "-ldl",
    ]
    subprocess.run(command, check=True)
    return target


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a process that can use `run`, with the library in `folder`."""
    return {
        **os.environ,
        "LD_PRELOAD": str(library(folder)),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "RNNER_CACHE": "cache",  # in the working directory
        "COLUMNS": "1000",
    }


def run(command: Callable[[], int], box: Path, log: Path, fault: Fault | None = None) -> Outcome:
    """Run a command in a forked process, with `box` as its working directory, and return how it ended.

    Args:
        command: returns the exit code.
        box: calls on files below this folder are counted.
        log: gets what the command prints.
        fault: the call that fails; none by default.
    """
    shared = mmap.mmap(-1, mmap.PAGESIZE)
    record = Record.from_buffer(shared)
    child = os.fork()
    if child == 0:
        code = 70
        with suppress(BaseException):
            signal.alarm(_SECONDS)
            os.chdir(box)
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(output, 1)
            os.dup2(output, 2)
            point, kind = fault or (-1, "kill")
            arm = ctypes.CDLL(None).faults_arm
            arm(os.fsencode(box), ctypes.c_long(point), KINDS[kind], ctypes.byref(record))
            code = command()
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    _, status = os.waitpid(child, 0)
    printed = log.read_text(encoding="utf-8", errors="replace")
    return Outcome(
        os.waitstatus_to_exitcode(status), printed, record.count, record.what.decode(errors="replace")
    )


def load_modules_of(command: Callable[[], int], box: Path, log: Path) -> Outcome:
    """Run a command in a forked process, and load the modules that it loaded: later runs are fast."""
    names = log.with_suffix(".modules")

    def report() -> int:
        code = command()
        names.write_text("\n".join(sys.modules))
        return code

    outcome = run(report, box, log)
    for name in names.read_text().splitlines() if names.exists() else []:
        if name.partition(".")[0] not in ("__main__", "__mp_main__"):
            with suppress(Exception):
                importlib.import_module(name)
    return outcome


def copy_into(source: Path, box: Path) -> None:
    """Make `box` a copy of a folder."""
    shutil.rmtree(box, ignore_errors=True)
    shutil.copytree(source, box, symlinks=True)


def contents(folder: Path) -> dict[str, bytes]:
    """Return the content of each file below a folder, by its relative path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }

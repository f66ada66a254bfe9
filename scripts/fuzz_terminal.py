r"""Feed every command with control characters, and check each byte that reaches a terminal or a pipe.

    python scripts/fuzz_terminal.py --rounds 20

Each round draws a hostile text: escape sequences, C1 controls, carriage returns, line breaks that forge a
second `error:` line, controls of the direction, bytes that are not UTF-8. It goes into one place after the
other: names of files, words, labels, keys and values of configs, options, the vocabulary of a model, the
errors and warnings of `--code`. Each command runs in a process of its own, with pipes and with a pseudo-
terminal, without and with colours. It fails if a control character passes, if there is a second `error:`
line, or if an error is unexpected.

Prints the number of runs per command, and the failures. The exit code is 1 if there are any.
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import select
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

from terminal_inputs import PIECES, Case, cases, prepare

from rnner.cli import console
from rnner.cli.main import main as run_rnner
from rnner.system.terminal import printable

_LIMIT = 120  # seconds for a command
_MODES = {"pipes": {"TERM": "xterm"}, "terminal": {"TERM": "dumb"}, "colours": {"TERM": "xterm-256color"}}
# What rich writes: colours, and the movements of a progress bar.
_OWN = re.compile(r"\x1b\[[\d;]*m|\x1b\[\?25[lh]|\x1b\[2K|\x1b\[1?A|\r")


class Output(NamedTuple):
    """What a command wrote; in a pseudo-terminal, all of it is in `out`."""

    code: int
    out: str
    err: str


def problem(case: Case, mode: str, output: Output) -> str | None:
    """Return what is wrong with the output of a command, or None."""
    if output.code not in (0, 1, 2, 3):
        return f"exit code {output.code}"
    shown = Output(output.code, *(_without_own(text, mode) for text in output[1:]))
    if mode == "pipes" and case.lossless:
        if case.lossless not in shown.out:
            return f"stdout has lost {case.lossless!r}"
        shown = shown._replace(out="")
    for name, keep in (("out", "\n\t"), ("err", "\n")):
        text = getattr(shown, name)
        if (safe := printable(text, keep=keep)) != text:
            at = next(i for i, (a, b) in enumerate(zip(text, safe, strict=False)) if a != b)
            return f"a control character in std{name}: ...{text[max(0, at - 40) : at + 20]!r}"
    messages = shown.err or shown.out
    if not case.debug:
        # With exit code 0, stdout is a document, which keeps its line breaks.
        if "\nerror:forged" in (messages if output.code else shown.err):
            return f"a forged line: {messages!r}"
        if "error: unexpected" in messages or "Traceback" in messages:
            return f"an unexpected error: {messages[-500:]!r}"
        errors = re.findall(r"^error:", messages, re.MULTILINE)
        if output.code in (1, 2) and len(errors) != 1:
            return f"{len(errors)} error lines: {messages!r}"
    return None


def _without_own(text: str, mode: str) -> str:
    """Return an output without what a terminal and rich add to it: line ends, colours, a progress bar."""
    if mode == "pipes":
        return text
    text = text.replace("\r\n", "\n")
    return (
        _OWN.sub(lambda match: match[0] if "31;5;41" in match[0] else "", text) if mode == "colours" else text
    )


def run_case(case: Case, mode: str) -> Output:
    """Run a command in a forked process, with pipes or with a pseudo-terminal."""
    sys.stdout.flush()
    sys.stderr.flush()
    if mode != "pipes":
        child, master = pty.fork()
        if not child:
            _in_child(case, mode)
        code, (out,) = _collect(child, [master])
        return Output(code, out, "")
    outer, inner = zip(os.pipe(), os.pipe(), strict=True)
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, handle in enumerate(inner, 1):
            os.dup2(handle, number)
        _in_child(case, mode)
    for handle in inner:
        os.close(handle)
    return Output(*(lambda code, texts: (code, *texts))(*_collect(child, outer)))


def _in_child(case: Case, mode: str) -> None:
    code = 99
    try:
        os.chdir(case.folder)
        os.environ.pop("NO_COLOR", None)
        os.environ.update(_MODES[mode], COLUMNS="80", RNNER_DEBUG="1" if case.debug else "0")
        for number, name in enumerate(("stdin", "stdout", "stderr")):
            errors = "backslashreplace" if name == "stderr" else "strict"
            kind = "r" if name == "stdin" else "w"
            setattr(sys, name, open(number, kind, encoding="utf-8", errors=errors, closefd=False))  # noqa: SIM115
        console.out.__init__(soft_wrap=True)  # type: ignore[misc]  # for the new streams
        console.err.__init__(stderr=True, soft_wrap=True)  # type: ignore[misc]
        sys.argv = ["rnner", *case.arguments]
        run_rnner()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _collect(child: int, handles: Sequence[int]) -> tuple[int, list[str]]:
    """Read until all handles are closed, and return the exit code and the texts."""
    data, waiting, end = dict.fromkeys(handles, b""), list(handles), time.monotonic() + _LIMIT
    while waiting:
        for handle in select.select(waiting, [], [], 1)[0]:
            try:
                block = os.read(handle, 1 << 16)
            except OSError:  # the other end of a pseudo-terminal is closed
                block = b""
            data[handle] += block
            if not block:
                waiting.remove(handle)
                os.close(handle)
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), [
        text.decode(errors="surrogateescape") for text in data.values()
    ]


def hostile(draw: Random) -> str:
    """Draw a text of several kinds of control characters with letters between them."""
    return "x" + "y".join(draw.sample(PIECES, draw.randint(2, 6))) + "z"


def trials(
    folder: Path, rounds: int, seed: int, only: str, model: Path | None = None
) -> Iterator[tuple[Case, str, str | None]]:
    """Run every case in every mode, and yield its problem."""
    model = prepare(folder / "model") if model is None else model.resolve()
    for number in range(rounds):
        draw = Random(f"{seed}/{number}")
        for case in cases(folder / f"round{number}", hostile(draw), model):
            for mode in _MODES if only in case.name else ():
                yield case, mode, problem(case, mode, run_case(case, mode))


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="hostile texts to try [default: 3]")
    parser.add_argument("--seed", type=int, default=0, help="seed of the texts [default: 0]")
    parser.add_argument("--only", default="", metavar="TEXT", help="only places whose name contains this")
    parser.add_argument(
        "--model", type=Path, metavar="DIR", help="model folder [default: a small one is trained]"
    )
    options = parser.parse_args()
    runs, failures, start = Counter[str](), [], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="terminal-") as name:
        for case, mode, found in trials(
            Path(name), options.rounds, options.seed, options.only, options.model
        ):
            runs[case.command] += 1
            if found:
                failures.append(f"{case.name}, {mode}: {found}")
                print(failures[-1], flush=True)
    for command, count in sorted(runs.items()):
        print(f"{count:6,}  rnner {command}")
    print(f"{runs.total():6,}  runs in {time.monotonic() - start:,.0f} s, {len(failures):,} failures")
    return 1 if failures or not runs else 0


if __name__ == "__main__":
    sys.exit(main())

"""A working folder in which `rnner` runs, for kill_runs.py. Not a script itself."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from common import RNNER

from rnner.data.corpus import resolve

_CONFIG = """\
data: {{train: train.conll, dev: dev.conll}}
embeddings:
  words: {{min_count: 1, vectors: vectors.txt, min_coverage: 0}}
  characters: {{size: 8, hidden: 8}}
encoder: {{cell: gru, hidden: 24}}
training: {{epochs: {epochs}, batch_sentences: 4, learning_rate: 0.01, seed: 3}}
"""
_WORD = re.compile(r"Traceback|unexpected \w+|unforeseen")
SECONDS = 300  # a command that takes longer hangs


class Violation(Exception):  # noqa: N818 - what this script looks for
    """What must not happen."""


class RunFolder:
    """A working folder with a corpus, vectors and a config.

    Args:
        path: created with its files.
        epochs: of a run.
    """

    def __init__(self, path: Path, epochs: int = 12) -> None:
        self.path = path
        path.mkdir(exist_ok=True)
        for part, sentences in (("train", 120), ("dev", 20)):
            blocks = resolve(f"sample:{part}").read_text(encoding="utf-8").split("\n\n")
            (path / f"{part}.conll").write_text("\n\n".join(blocks[:sentences]) + "\n")
        (path / "vectors.txt").write_text("the 1 0 0 0 0 1 0 1\nin 0 1 0 0 1 0 0 1\nOslo 0 0 1 1 0 0 0 1\n")
        (path / "tiny.yaml").write_text(_CONFIG.format(epochs=epochs))

    def start(self, *arguments: str, **settings: object) -> subprocess.Popen[str]:
        """Start `rnner` in a process group of its own."""
        own = {"OMP_NUM_THREADS": "1", "COLUMNS": "1000", "RNNER_CACHE": str(self.path / "cache")}
        pipe = subprocess.PIPE
        options = {"stdout": pipe, "stderr": pipe, "start_new_session": True, "encoding": "utf-8"} | settings
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
            [*RNNER, *arguments], cwd=self.path, env=os.environ | own, errors="replace", **options
        )

    def run(self, *arguments: str, codes: Sequence[int] = (0,), **settings: object) -> str:
        """Run `rnner` and return what it prints to stderr."""
        return finish(self.start(*arguments, **settings), codes)

    def weights(self) -> dict[str, bytes]:
        """Return the weights of all models in the output folder."""
        run = self.path / "run"
        return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*.safetensors")}


def finish(process: subprocess.Popen[str], codes: Sequence[int]) -> str:
    """Wait for a process, check its exit code and its messages, and return them."""
    try:
        _, messages = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise Violation(f"it hangs: {process.args}") from None
    messages = messages or ""
    if process.returncode not in codes:
        raise Violation(f"exit code {process.returncode}: {messages[-800:]}")
    if match := _WORD.search(messages):
        raise Violation(f"it printed {match[0]}: {messages[-1500:]}")
    return messages


def after_epochs(process: subprocess.Popen[str], number: int) -> None:
    """Wait until a process has printed this number of epochs."""
    assert process.stderr is not None
    while number and (line := process.stderr.readline()):
        number -= bool(re.match(r"(seed)? *\d+ +\d", line))

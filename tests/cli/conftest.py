"""Run commands in this process, on the tiny corpus and a model that has memorized it."""

import gc
import io
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from overfit_corpus import write_corpus
from rnner.cli.main import run


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def restore_gc_thresholds():
    """Undo the thresholds of the garbage collector that `rnner predict` sets."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.fixture
def rnner(capsys, monkeypatch):
    """`rnner(*arguments, stdin=b"")` runs a command and returns its exit code, stdout and stderr."""
    monkeypatch.delenv("RNNER_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments: object, stdin: bytes | None = None) -> Outcome:
        if stdin is not None:
            raw = io.BytesIO(stdin)
            raw.name = "<stdin>"
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(raw), encoding="utf-8"))
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Outcome(code, *capsys.readouterr())

    return call


@pytest.fixture
def predict(rnner, trained):
    """Predict with the trained model and return stdout."""

    def call(*arguments, stdin=None):
        outcome = rnner("predict", "--model", trained, *arguments, stdin=stdin)
        assert (outcome.code, outcome.err) == (0, "")
        return outcome.out

    return call


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with the tiny corpus and its config, tiny.yaml."""
    write_corpus(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def model(trained, tmp_path):
    """A copy of the trained model that a test may change."""
    return Path(shutil.copytree(trained, tmp_path / "model"))


@pytest.fixture
def one_line():
    """Check that a command failed with one line on stderr, nothing on stdout and no traceback."""

    def check(outcome: Outcome, code: int, *parts: str) -> None:
        assert outcome.code == code, outcome.err
        assert outcome.out == ""
        assert outcome.err.startswith("error: ")
        assert outcome.err.count("\n") == 1, outcome.err
        assert "Traceback" not in outcome.err
        assert "unexpected" not in outcome.err
        for part in parts:
            assert part in outcome.err

    return check

"""Commands run in this process, on the tiny corpus and the model that has learnt it by heart."""

import gc
import io
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from learnt import write_corpus
from rnner.cli.main import run


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def own_collection():
    """A command that looks for cycles rarely does so for itself alone."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.fixture
def rnner(capsys, monkeypatch):
    """`rnner(*arguments, stdin=b"")` runs a command as `rnner ARGUMENTS` would."""
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
def folder(tmp_path, monkeypatch):
    """A working directory with the tiny corpus and its config, tiny.yaml."""
    write_corpus(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def model(trained, tmp_path):
    """A copy of that model, for a test to spoil."""
    return Path(shutil.copytree(trained, tmp_path / "model"))


@pytest.fixture
def one_line():
    """Check that a command failed as it should: one line on stderr, nothing on stdout, no traceback."""

    def check(outcome: Outcome, code: int, *parts: str) -> None:
        assert outcome.code == code, outcome.err
        assert outcome.out == ""
        assert outcome.err.startswith("error: ")
        assert outcome.err.count("\n") == 1, outcome.err
        assert "Traceback" not in outcome.err
        assert "unforeseen" not in outcome.err
        for part in parts:
            assert part in outcome.err

    return check

"""A tiny corpus, a model that has learnt it by heart, and commands run in this process."""

import io
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from rnner.cli import run

# Words and, after a bar, their tags; O is left out.
TRAIN = """\
Ada|B-PER Lovelace|I-PER wrote to Charles|B-PER Babbage|I-PER .
The letter left London|B-LOC on Monday .
Grace|B-PER Hopper|I-PER joined Remington|B-ORG Rand|I-ORG in Philadelphia|B-LOC .
Nobody in Paris|B-LOC had heard of it .
Alan|B-PER Turing|I-PER walked from Cambridge|B-LOC to London|B-LOC .
Bell|B-ORG Labs|I-ORG hired Claude|B-PER Shannon|I-PER .
She slept on the train .
Konrad|B-PER Zuse|I-PER built a machine in Berlin|B-LOC .
The engineers of Remington|B-ORG Rand|I-ORG visited Berlin|B-LOC .
Charles|B-PER Babbage|I-PER never finished it .
Hedy|B-PER Lamarr|I-PER of Vienna|B-LOC met Alan|B-PER Turing|I-PER .
Rain fell on Philadelphia|B-LOC .
Bell|B-ORG Labs|I-ORG moved away from Cambridge|B-LOC .
It was a good year .
"""
DEV = """\
Ada|B-PER Lovelace|I-PER walked to Paris|B-LOC .
Remington|B-ORG Rand|I-ORG hired nobody .
It rained .
"""
TEST = """\
Konrad|B-PER Zuse|I-PER wrote to Bell|B-ORG Labs|I-ORG .
Vienna|B-LOC slept .
"""
CONFIG = """\
data: {train: train.conll, dev: dev.conll, test: test.conll}
embeddings:
  words: {size: 16, min_count: 1}
  characters: {size: 8, hidden: 8}
encoder: {cell: gru, hidden: 16}
dropout: {words: 0, input: 0, hidden: 0, output: 0}
training: {epochs: 30, batch_sentences: 4, learning_rate: 0.02, average: null, seed: 3}
"""


def conll(sentences: str) -> str:
    """Two columns from sentences as they stand above."""
    rows = ("\n".join(_row(word) for word in line.split()) for line in sentences.splitlines())
    return "\n\n".join(rows) + "\n"


def _row(word: str) -> str:
    form, _, tag = word.partition("|")
    return f"{form} {tag or 'O'}"


def write_corpus(folder: Path) -> None:
    for name, sentences in (("train", TRAIN), ("dev", DEV), ("test", TEST)):
        (folder / f"{name}.conll").write_text(conll(sentences))
    (folder / "tiny.yaml").write_text(CONFIG)


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


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


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A model that knows the tiny corpus by heart; not to be changed, see `model`."""
    folder = tmp_path_factory.mktemp("trained")
    write_corpus(folder)
    config, output = str(folder / "tiny.yaml"), str(folder / "model")
    assert run(["train", "--config", config, "--output", output, "--quiet", "--threads", "1"]) == 0
    return Path(output)


@pytest.fixture(scope="session")
def exported(trained, tmp_path_factory):
    """That model as one file; not to be changed."""
    path = tmp_path_factory.mktemp("exported") / "new" / "model.onnx"
    assert run(["export", str(trained), str(path)]) == 0
    return path


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

"""`python -m rnner` as a process: the quickstart, pipes, interruptions, help and its imports."""

import json
import os
import signal
import subprocess
import sys

import pytest

from rnner.cli.main import run
from rnner.model.file_names import CHECKPOINT, METRICS

RNNER = [sys.executable, "-m", "rnner"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "ascii"}
SMALL = ["encoder.hidden=16", "embeddings.words.size=32", "training.batch_sentences=64", "training.epochs=1"]


def call(*arguments, cwd, stdin=""):
    command = [*RNNER, *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env=ENVIRONMENT, input=stdin, capture_output=True, encoding="utf-8", timeout=120
    )


def test_quickstart(tmp_path, capsys):
    """Train, predict and evaluate with a small model."""
    (tmp_path / "quickstart.yaml").write_text('data: {train: "sample:dev", dev: "sample:test"}\n')
    overrides = [part for key in SMALL for part in ("--set", key)]
    trained = call("train", "--config", "quickstart.yaml", *overrides, cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert trained.stdout.startswith("dev:")
    assert "Warning" not in trained.stderr
    model = tmp_path / "runs" / "quickstart"

    predicted = call("predict", "--model", model, "--format", "json", cwd=tmp_path, stdin="Zoë 😀 slept.\n")
    assert (predicted.returncode, predicted.stderr) == (0, "")
    assert json.loads(predicted.stdout)[0]["text"] == "Zoë 😀 slept.\n"

    expected = json.loads((model / METRICS).read_text())
    assert run(["evaluate", "sample:test", "--model", str(model), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["f1"] == expected["dev"]["f1"]


@pytest.mark.parametrize("form", ["table", pytest.param("conll", marks=pytest.mark.slow)])
def test_a_closed_pipe_is_not_an_error(exported, form):
    """As in `rnner predict ... | head -1`."""
    command = [*RNNER, "predict", "--model", str(exported), "--input", "lines", "--format", form]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    )
    process.stdin.write(b"Ada Lovelace left London .\n" * 3000)
    process.stdin.close()
    assert b"Ada" in process.stdout.readline()
    process.stdout.close()
    assert (process.stderr.read(), process.wait(timeout=60)) == (b"", 0)
    process.stderr.close()


@pytest.mark.parametrize(
    ("closed", "expected"), [("<&-", "[PER Ada Lovelace]"), (">&-", ""), ("2>&-", "[PER")]
)
def test_streams_that_are_closed_at_the_start_are_empty(exported, closed, expected):
    command = f'exec "$0" "$@" {closed}'
    arguments = ["predict", "--model", str(exported), "Ada Lovelace slept ."]
    done = subprocess.run(
        ["sh", "-c", command, *RNNER, *arguments], capture_output=True, text=True, env=ENVIRONMENT, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert expected in done.stdout


def test_ctrl_c_in_a_terminal_saves_the_run(folder):
    """The bits of a resumed run are compared in test_train_command.py."""
    command = ["train", "--config", "tiny.yaml", "--threads", "1", "--set", "training.epochs=15"]
    process = subprocess.Popen(
        [*RNNER, *command, "--output", "run"], stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    while not process.stderr.readline().startswith("    1 "):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait(timeout=60) == 130
    assert "interrupted and saved in run" in rest
    assert "Traceback" not in rest
    process.stderr.close()
    assert (folder / "run" / CHECKPOINT).exists()


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-h"], ["train", "--help"], ["config", "init", "-h"], ["--version"], []]
)
def test_help_goes_to_stdout_and_fits_80_columns(arguments, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert run(arguments) == (0 if arguments else 2)
    captured = capsys.readouterr()
    expected = captured.out if arguments else captured.err
    assert expected
    assert max(map(len, expected.splitlines())) <= 80


def test_descriptions_of_commands_are_not_truncated(capsys):
    run(["--help"])
    listed = capsys.readouterr().out.partition("Commands:")[2].strip().splitlines()
    names = ["train", "evaluate", "predict", "export", "info", "plot", "config", "data", "lab"]
    assert [line.split()[0] for line in listed] == names
    assert not any(line.endswith("...") for line in listed)


def test_help_imports_nothing_heavy():
    heavy = "{'torch', 'datasets', 'pyarrow', 'numpy', 'pydantic', 'seqeval', 'regex'}"
    code = f"import sys, rnner.cli.main as c; c.run(['--help']); print(*{heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


def test_ctrl_c_while_python_exits_changes_nothing():
    code = """
import atexit, os, signal
atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))
from rnner.cli.main import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code, "--version"], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("rnner ")

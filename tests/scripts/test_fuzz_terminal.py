"""A short run of scripts/fuzz_terminal.py, and tests that it notices what passes."""

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import SCRIPTS


@pytest.fixture
def problem(script):
    """`problem(out, err, code=1, mode="pipes", **case)` judges the output of a command."""
    fuzz, inputs = script("fuzz_terminal"), script("terminal_inputs")

    def judge(out="", err="", code=1, mode="pipes", **case):
        return fuzz.problem(
            inputs.Case("predict: text", Path(), [], **case), mode, fuzz.Output(code, out, err)
        )

    return judge


@pytest.mark.parametrize("place", ["data check: file name", "config show: value, yaml"])
def test_no_control_character_passes(place, trained):
    command = [
        sys.executable,
        SCRIPTS / "fuzz_terminal.py",
        "--rounds",
        "1",
        "--only",
        place,
        "--model",
        trained,
    ]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(" 0 failures\n")


@pytest.mark.slow
def test_a_round_of_all_places():
    command = [sys.executable, SCRIPTS / "fuzz_terminal.py", "--rounds", "1", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr


def test_harmless_output_has_no_problem(problem):
    assert problem(err="error: a\\x1bb: file not found\n") is None
    assert problem("שלום 👩\u200d👧\tO\n", code=0) is None
    assert problem("\x1b[1;31merror: \x1b[0mx\r\n", mode="colours") is None
    assert problem("Ada\x1b\tO\n", code=0, lossless="Ada\x1b\t") is None


@pytest.mark.parametrize("control", ["\x1b[31;5;41m", "\x9b", "\r", "\x85", "\u202e", "\u200f", "\udcff"])
def test_a_control_character_is_a_problem(problem, control):
    assert "a control character in stdout" in problem(f"a{control}b\n", code=0)
    assert "a control character in stderr" in problem(err=f"error: a{control}b\n")
    if control != "\r":  # which a terminal adds to each line, and a progress bar writes
        assert "a control character" in problem(f"error: a{control}b\r\n", mode="colours")


def test_other_problems_are_noticed(problem):
    assert "a forged line" in problem(err="error: a\nerror:forged\n")
    assert "a forged line" in problem(err="warning: a\nerror:forged\n", code=0)
    assert problem("a\nerror:forged\n", code=0) is None
    assert "2 error lines" in problem(err="error: a\nerror: b\n")
    assert "0 error lines" in problem(err="a\n")
    assert "unexpected" in problem(err="error: unexpected KeyError: x\n")
    assert "has lost" in problem("Ada\\x1b\tO\n", code=0, lossless="Ada\x1b\t")
    assert problem(code=-11) == "exit code -11"

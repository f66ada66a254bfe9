"""A short run of scripts/inject_faults.py, and tests that it notices what must not happen."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "inject_faults.py"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("gcc") is None, reason="needs Linux and gcc"
)


def injected(*arguments):
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=900)


def test_an_output_is_old_or_new_after_any_fault():
    done = injected("--only", "fix", "--every", "4", "--kinds", "kill", "ENOSPC")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "12 faults, 0 violations" in done.stdout and "-9: 6" in done.stdout


@pytest.mark.slow
def test_a_run_is_resumed_exactly_after_any_fault():
    done = injected("--only", "train", "resume", "overwrite", "seeds", "--every", "40")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def campaign(script, tmp_path):
    """A campaign without a command: `out` was old and is to be new."""
    module = script("inject_faults")
    empty = object.__new__(module.Campaign)
    empty.box, empty.old, empty.new = (
        tmp_path,
        {"out": b"old", "mine": b"mine"},
        {"out": b"new", "mine": b"mine"},
    )
    empty.scenario = module.Scenario("test", [])
    (tmp_path / "out").write_text("old")
    (tmp_path / "mine").write_text("mine")
    return empty


def problems(campaign, code=1, printed="error: x: No space left on device", kind="ENOSPC", failed="write "):
    outcome = sys.modules["faults"].Outcome(code, printed, 9, failed)
    return " ".join(campaign._problems(kind, outcome))


def test_violations_are_noticed(campaign, tmp_path):
    assert problems(campaign) == ""
    assert problems(campaign, -9, "", "kill") == ""
    assert "Traceback" in problems(campaign, printed="error: Traceback (most recent call last)")
    assert "one error" in problems(campaign, printed="")
    assert "ended with -11" in problems(campaign, -11)
    assert "out is not new" in problems(campaign, 0, "")
    (tmp_path / "out").write_text("ne")
    assert "out is neither old nor new" in problems(campaign)
    (tmp_path / "out").write_text("new")
    assert problems(campaign) == problems(campaign, 0, "") == ""
    (tmp_path / "mine").unlink()
    assert "mine is neither old nor new" in problems(campaign)
    (tmp_path / "mine").write_text("mine")
    (tmp_path / ".rnner-4f3k.partial").mkdir()
    (tmp_path / ".rnner-4f3k.partial" / "out").touch()
    assert "out is left" in problems(campaign)
    assert problems(campaign, -9, "", "kill") == problems(campaign, failed="unlinkat out") == ""

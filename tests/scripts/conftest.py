"""Fixtures for the tests of scripts/."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tiny_corpus import SMALL, TRAIN, write_columns

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"


@pytest.fixture
def script(monkeypatch):
    """Import a script by name."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module


@pytest.fixture
def run_script(tmp_path):
    """Run a script on a small corpus and config. Return its table without the rule, and its JSON output."""

    def run(name, *arguments):
        config = tmp_path / "small.yaml"
        config.write_text("data: {train: train.conll}\n")
        write_columns(tmp_path / "train.conll", "\n".join([TRAIN] * 4))
        command = [sys.executable, SCRIPTS / f"{name}.py", *arguments, "--config", config]
        command += ["--json", "result.json", "--set", *SMALL]
        done = subprocess.run(
            [str(part) for part in command], cwd=tmp_path, capture_output=True, encoding="utf-8"
        )
        assert done.returncode == 0, done.stderr
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines()]
        return [row for row in rows if set(row) != {"---"}], json.loads(
            (tmp_path / "result.json").read_text()
        )

    return run

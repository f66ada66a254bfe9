"""`--model`: the default model, and misspelt names."""

import json
import logging
import subprocess
import sys

import pytest

import rnner.model.names
from rnner import pipeline

TOLD = "no --model given: using the bundled English model (PER, LOC, ORG)\n"


@pytest.fixture
def bundled(trained, monkeypatch):
    """Use the trained model as the bundled one."""
    monkeypatch.setattr(rnner.model.names, "_bundled", lambda: trained)
    return trained


@pytest.mark.parametrize(
    "command",
    [["predict", "Ada Lovelace slept ."], ["evaluate", "test.conll"], ["evaluate", "test.conll", "--raw"]],
)
def test_the_bundled_model_is_used_and_reported_once(rnner, folder, bundled, command):
    default, named, expected = (
        rnner(*command, "--format", "json", *model) for model in ([], ["--model", "en"], ["--model", bundled])
    )
    assert (default.code, default.err) == (0, TOLD)
    assert (named.code, named.err) == (0, "")
    assert default.out == named.out == expected.out and json.loads(default.out)


def test_the_library_logs_it_once(bundled, caplog):
    pipeline._warn_about_default.cache_clear()
    with caplog.at_level(logging.WARNING):
        found = [pipeline.load(*name)(["Ada Lovelace slept ."]) for name in ([], ["en"], [None])]
    assert found[0] == found[1] == found[2] != [[]]
    assert caplog.messages == ["rnner.load: no model given, using the bundled English model (PER, LOC, ORG)"]


def test_the_log_goes_to_stderr_of_a_program_that_sets_none_up(exported):
    code = (
        f"import rnner, rnner.model.names as m; m._bundled = lambda: m.Path({str(exported)!r}); rnner.load()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "" and done.stderr.startswith("rnner.load: no model given")


@pytest.mark.parametrize(
    "command",
    [
        ["predict", "Ada", "--model"],
        ["evaluate", "test.conll", "--model"],
        ["info", "--model"],
        ["train", "--config", "tiny.yaml", "--output", "new", "--init-from"],
    ],
)
def test_every_command_reports_a_misspelt_path(rnner, folder, one_line, command):
    (folder / "runs" / "quickstart").mkdir(parents=True)
    parts = [
        "runs/quickstrat: model folder not found (did you mean quickstart?)",
        "hf:runs/quickstrat",
    ]
    one_line(rnner(*command, "runs/quickstrat"), 1, *parts)


def test_scoring_an_exported_model_imports_no_torch(exported, folder):
    arguments = ["evaluate", "test.conll", "--model", str(exported)]
    code = f"import sys; from rnner.cli.main import run; run({arguments}); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Precision" in done.stdout and done.stdout.endswith("False\n")

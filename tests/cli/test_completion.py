"""Shell completion: what bash, zsh and fish are offered, and that it loads nothing heavy."""

import os
import subprocess
import sys

import pytest
import typer

from rnner.cli import completion
from rnner.cli.main import app

HEAVY = {"torch", "datasets", "pyarrow", "seqeval"}


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A working directory with runs, configs and corpora."""
    monkeypatch.chdir(tmp_path)
    for name in ("runs/quickstart/config.yaml", "runs/$(touch x)/config.yaml", "runs/unfinished/log.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("")
    for name in ("my.yaml", "my.conll", "my.onnx", "samples.conll"):
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.fixture
def complete(monkeypatch, capsys):
    """Return what a shell gets for the last word of a command."""

    def call(shell, *words):
        line = " ".join(words)
        monkeypatch.setenv("_RNNER_COMPLETE", f"complete_{shell}")
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        with pytest.raises(SystemExit) as done:
            typer.main.get_command(app).main(prog_name="rnner")
        assert not done.value.code
        return capsys.readouterr().out

    return call


def test_completion_imports_nothing_heavy():
    environment = os.environ | {"_RNNER_COMPLETE": "complete_bash", "COMP_WORDS": "rnner train --set a"}
    code = "import sys\nfrom rnner.cli.main import main\ntry: main()\n"
    code += f"finally: print(*{HEAVY} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment | {"COMP_CWORD": "3"},
        check=True,
    )
    assert done.stdout.splitlines() == ["agreement=", "agreement=null", ""]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_offered_commands_models_and_keys(complete, workspace, shell):
    assert "train" in complete(shell, "rnner", "tr")
    models = complete(shell, "rnner", "predict", "--model", "")
    assert "en" in models and "runs/quickstart" in models and "touch" not in models
    keys = complete(shell, "rnner", "train", "--set", "training.ep")
    assert "training.epochs=" in keys and "training.epochs=30" in keys


def test_descriptions_take_one_line_each(complete, workspace):
    """Fish would take the second line of a description for a completion."""
    for words in (["rnner", "train", "--"], ["rnner", "train", "--set", "e"], ["rnner", "data", ""]):
        lines = complete("fish", *words).strip().splitlines()
        assert len(lines) > 4
        assert all("\t" in line and len(line.partition("\t")[2]) <= 70 for line in lines)


def test_bash_is_offered_formats_and_choices(complete, workspace):
    formats = complete("bash", "rnner", "data", "convert", "x", "--format", "con")
    assert formats.split() == ["conll", "conllu", "conll2012"]
    schemes = complete("bash", "rnner", "data", "convert", "x", "--scheme", "i")
    assert schemes.split() == ["iob1", "iob2"]
    assert complete("bash", "rnner", "train", "my.c").strip() == ""  # the shell completes files


def test_models_are_folders_with_a_config_and_exported_files(workspace):
    assert completion.models("") == ["en", "runs/quickstart", "my.onnx"]
    assert completion.models("runs/") == completion.models("runs/q") == ["runs/quickstart"]


def test_configs_are_bundled_ones_and_yaml_files(workspace):
    described = dict(completion.configs(""))
    assert described["quickstart"].startswith("A tagger in") and described["my.yaml"] == "config file"
    assert [name for name, _ in completion.configs("my")] == ["my.yaml"]
    assert completion.configs("zzz") == []


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("training.see", ["training.seed=", "training.seed=1"]),
        (
            "encoder.bi",
            ["encoder.bidirectional=", "encoder.bidirectional=true", "encoder.bidirectional=false"],
        ),
        ("head=", ["head=crf", "head=softmax"]),
        ("dropout", ["dropout.words=", "dropout.document="]),
        ("nothing", []),
    ],
)
def test_settings_are_keys_and_the_values_of_a_single_key(typed, expected):
    offered = [setting for setting, _ in completion.settings(typed)]
    assert offered[: len(expected)] == expected and bool(offered) == bool(expected)


def test_the_sample_corpus_is_offered_once_its_name_is_begun(workspace):
    assert completion.corpora("") == completion.corpora("my") == []
    assert completion.corpora("sam") == ["sample:train", "sample:dev", "sample:test", "samples.conll"]


def test_the_completion_script_is_shown():
    environment = os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    command = [sys.executable, "-m", "rnner", "--show-completion", "bash"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=True)
    assert "complete -o default -F _rnner_completion rnner" in done.stdout and done.stderr == ""

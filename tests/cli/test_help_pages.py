"""Help pages: one sentence, examples that run, options in panels, and nothing cut at 80 columns."""

import re
import shlex

import pytest
import typer

from rnner.cli.help_pages import default_of, name_of, paragraphs, usage
from rnner.cli.main import app
from rnner.cli.options import COMPUTATION, INPUT, MODEL_PANEL, OUTPUT, TRAINING

ROOT = typer.main.get_command(app)


def commands(path=(), command=ROOT):
    """Yield the words and the command of every command that has no subcommands."""
    if not hasattr(command, "commands"):
        yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands((*path, name), child)


COMMANDS = {" ".join(path): command for path, command in commands()}
GROUPS = ("", "config", "data", "lab")
EXAMPLES = [(name, example) for name, command in COMMANDS.items() for example in paragraphs(command.help)[1]]


@pytest.fixture
def page(rnner, monkeypatch):
    """`page(name, columns)` returns the help page of a command."""

    def call(name, columns=80):
        monkeypatch.setenv("COLUMNS", str(columns))
        outcome = rnner(*name.split(), "--help")
        assert (outcome.code, outcome.err) == (0, "")
        return outcome.out

    return call


@pytest.mark.parametrize("name", [*GROUPS, *COMMANDS])
def test_nothing_is_cut_and_no_line_is_too_long(page, name):
    lines = page(name).splitlines()
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)
    assert max(map(len, page(name, columns=200).splitlines())) <= 100
    assert not re.search(r"\x1b|[ ]\n", page(name))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_value_in_words_and_a_sentence(page, name):
    words = " ".join(re.sub("[│╭╮╰╯─]", " ", page(name)).split())
    assert "<" not in words.replace("<name>", "")
    for param in COMMANDS[name].params:
        assert param.metavar or getattr(param, "is_flag", False), param.name
        assert param.help, param.name
        assert name_of(param).split()[0].strip("[],") in words
        assert " ".join(param.help.split()).split(". ")[0].split(" ")[0] in words


@pytest.mark.parametrize("name", [*GROUPS, *COMMANDS])
def test_a_page_begins_with_the_usage_and_one_sentence(page, name):
    first, blank, second, *_ = page(name).splitlines()
    assert first.startswith(f"Usage: rnner {name}".rstrip())
    assert blank == ""
    (sentence, *_), _ = paragraphs(COMMANDS[name].help if name in COMMANDS else second)
    assert re.fullmatch(r"[A-Z][^.]*\.", sentence)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_page_has_examples(page, name):
    text = page(name)
    examples = paragraphs(COMMANDS[name].help)[1]
    assert examples
    for example in examples:
        assert f"\n  {example}\n" in text
        assert example.startswith("rnner ")


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_the_options_of_an_example_exist(name, example):
    """The examples are run by test_documented_commands.py, as part of docs/commands.md."""
    _, *words = shlex.split(example)
    command, path = ROOT, "rnner"
    while hasattr(command, "commands"):
        path, command = f"{path} {words[0]}", command.commands[words.pop(0)]
    command.make_context(path, words)


def test_panels_are_in_order_and_hold_arguments_too(page):
    titles = re.findall(r"╭─ (\w+) ─", page("train"))
    assert titles == [INPUT, TRAINING, OUTPUT, COMPUTATION, "Options"]
    assert "│ [FILE] " in page("train").partition(TRAINING)[0]
    assert MODEL_PANEL in page("info")


def test_defaults_and_required_options(page):
    assert "--output, -o OUT  File to write" in page("data convert")
    assert "[required]" in page("data convert")
    options = {param.name: param for param in COMMANDS["data audit"].params}
    assert [default_of(options[name]) for name in ("folds", "seed", "form", "config")] == [
        "5",
        "0",
        "table",
        "",
    ]
    assert usage("rnner data check", COMMANDS["data check"]) == "rnner data check FILE ... [OPTIONS]"


def test_a_group_without_a_command_prints_its_page_to_stderr(rnner, page):
    outcome = rnner("data")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.strip() == page("data").strip()

"""Generated documentation is up to date, and examples in documentation run."""

import doctest
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def config_reference():
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "config_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.reference()


def test_the_config_reference_is_up_to_date(config_reference):
    assert (ROOT / "docs" / "config.md").read_text(encoding="utf-8") == config_reference


@pytest.mark.parametrize(
    "row",
    [
        "| `train` | required | training file",
        "| `columns` | `null` | column numbers from 0, such as {token: 0, tag: -1}; null: detected",
        "| `characters` | see below | a word vector computed from the characters",
        "| `schedule` | `linear` | learning rate after the warm-up: linear or cosine",
    ],
)
def test_the_config_reference_lists_defaults_and_descriptions(config_reference, row):
    assert f"\n{row}" in config_reference


def test_the_examples_of_the_notation_page_run():
    result = doctest.testfile(str(ROOT / "docs" / "notation.md"), module_relative=False, encoding="utf-8")
    assert result.attempted > 20
    assert result.failed == 0

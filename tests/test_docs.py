"""Documentation that is written by a script is what the script would write, and what it shows is so."""

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
        "| `train` | required | file",
        "| `columns` | `null` | {token: 0, tag: -1}, counted from 0; null: found out",
        "| `characters` | see below | null: no characters",
        "| `schedule` | `linear` | of the learning rate after the warm-up: linear or cosine",
    ],
)
def test_it_tells_what_may_be_written(config_reference, row):
    assert f"\n{row}" in config_reference


def test_the_page_of_symbols_tells_the_truth():
    done = doctest.testfile(str(ROOT / "docs" / "notation.md"), module_relative=False, encoding="utf-8")
    assert done.attempted > 20
    assert done.failed == 0

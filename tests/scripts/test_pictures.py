"""Tests for pictures.py: output as in a terminal, and pictures that load nothing."""

import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("termios", reason="needs a Unix terminal")
IMAGES = Path(__file__).parent.parent.parent / "docs" / "images"


@pytest.fixture
def pictures(script):
    return script("pictures")


def test_a_command_prints_as_in_a_terminal_of_the_width(pictures):
    program = "import shutil, sys; print(sys.stdout.isatty(), shutil.get_terminal_size().columns)"
    assert pictures.terminal_output([sys.executable, "-c", program], columns=72) == "True 72\n"


def test_a_command_that_fails_makes_no_picture(pictures, tmp_path):
    with pytest.raises(SystemExit, match="--colour"):
        pictures.terminal_picture(["rnner predict --colour Oslo"], tmp_path / "terminal.svg")
    assert not list(tmp_path.iterdir())


def test_the_picture_of_a_terminal_shows_commands_and_loads_nothing():
    picture = (IMAGES / "terminal.svg").read_text(encoding="utf-8").replace("&#160;", " ")
    for text in ("$ rnner predict --scores", "Harry Potter", "Hermione Granger", "PER 0.98", "3 names"):
        assert text in picture
    assert re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?(?!#)[^\"')]+", picture) == []


@pytest.mark.parametrize(("name", "limit"), [("terminal.svg", 60_000), ("page.png", 120_000)])
def test_pictures_are_small(name, limit):
    assert (IMAGES / name).stat().st_size < limit

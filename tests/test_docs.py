"""Generated documentation is up to date, and examples in documentation run."""

import doctest
import importlib.util
import re
from pathlib import Path

import pytest

from rnner.data.formats.annotated import SourceFile
from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import FORMATS, read_documents

ROOT = Path(__file__).parent.parent


def generated(script):
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.reference()


@pytest.fixture
def config_reference():
    return generated("config_reference.py")


@pytest.mark.parametrize("page", ["config", "commands"])
def test_the_reference_pages_are_up_to_date(page):
    expected = generated(f"{page}_reference.py")
    assert (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8") == expected


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


# --- docs/formats.md ---------------------------------------------------------------------------------------

FORMATS_PAGE = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
SECTIONS = {
    section.partition("\n")[0]: re.findall(
        r'^```\w+ title="(\S+)"\n(.*?)^```', section, re.DOTALL | re.MULTILINE
    )
    for section in re.split(r"^### ", FORMATS_PAGE, flags=re.MULTILINE)[1:]
}
WITHOUT_EXAMPLE = {"dataset", "spacy"}  # not text files


def test_every_format_has_a_section_with_an_example():
    assert SECTIONS.keys() == FORMATS.keys()
    assert {name for name, files in SECTIONS.items() if not files} == WITHOUT_EXAMPLE


@pytest.mark.parametrize("name", sorted(SECTIONS.keys() - WITHOUT_EXAMPLE))
def test_the_example_of_a_format_is_detected_and_has_one_person(name, tmp_path):
    for file, content in SECTIONS[name]:
        (tmp_path / file).write_text(content, encoding="utf-8")
    for file, _ in SECTIONS[name]:
        path = tmp_path / file
        assert detect_format(path) == name
        (document,) = read_documents(SourceFile(path), name)
        assert [
            (document.text[span.start : span.end], span.label.upper()[:3]) for span in document.spans
        ] == [("Ada Lovelace", "PER")]


# --- links and commands ------------------------------------------------------------------------------------

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_exist(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    targets = [target.partition("#")[0] for target in LINK.findall(text) if "://" not in target]
    assert [target for target in targets if target and not (page.parent / target).exists()] == []


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_every_page_is_listed_on_the_index():
    listed = set(LINK.findall((ROOT / "docs" / "index.md").read_text(encoding="utf-8")))
    assert {page.name for page in PAGES[1:]} - listed == {"index.md"}

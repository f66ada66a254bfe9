"""scripts/check_pages.py: the pages that rnner writes have no console errors and no axe-core violations."""

import os
import shutil
from pathlib import Path

import pytest

from rnner.cli.main import run
from rnner.data.corpus import resolve
from rnner.errors import UsageError

BROKEN = """<!doctype html><html><head><title>Broken</title></head><body><main><h1>Broken</h1>
<img src="missing.png"><p style="width: 2000px">wide</p><script>throw new Error("late")</script></main>
</body></html>
"""


@pytest.fixture
def check(script):
    return script("check_pages")


@pytest.fixture
def problems(check):
    """Return the problems of pages; skip the test where there is no browser or no axe-core."""
    pytest.importorskip("playwright", reason="needs Playwright: pip install -e '.[pages]'")
    axe = Path(os.environ.get("AXE_CORE", ""))
    if not axe.is_file():
        pytest.skip("needs axe-core: set AXE_CORE to its axe.min.js")
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("needs Chromium")

    def find(*paths):
        pages = [(path.name, path.as_uri()) for path in paths]
        return [str(problem) for problem in check.check_pages(pages, axe, Path(browser))]

    return find


def test_the_pages_of_a_folder_are_those_of_its_site(check, tmp_path):
    for name in ("index.html", "404.html", "api/index.html", "assets/main.css"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert check.addresses(tmp_path, "http://127.0.0.1:80") == [
        ("404.html", "http://127.0.0.1:80/404.html"),
        ("api/index.html", "http://127.0.0.1:80/api/"),
        ("index.html", "http://127.0.0.1:80/"),
    ]


def test_a_missing_browser_is_an_error(check, tmp_path):
    with pytest.raises(UsageError, match="no Chromium found"):
        check.find_browser(tmp_path / "chromium")


@pytest.mark.slow
def test_reports_and_marked_texts_have_no_problems(problems, tmp_path):
    report, two, marked = (tmp_path / name for name in ("report.html", "two.html", "marked.html"))
    sentences = resolve("sample:test").read_text(encoding="utf-8").split("\n\n")
    data = tmp_path / "data.conll"
    data.write_text("\n\n".join(sentences[:60]), encoding="utf-8")
    assert run(["evaluate", str(data), "--train", "sample:train", "--matches", "-o", str(report)]) == 0
    assert run(["evaluate", str(data), "-m", "en", "-m", "en", "-o", str(two)]) == 0
    text = "Dr. Amara Nwosu flew from Lagos to Oslo."
    assert run(["predict", text, "--format", "html", "--output", str(marked)]) == 0
    assert problems(report, two, marked) == []


@pytest.mark.slow
def test_problems_of_a_page_are_found(problems, tmp_path):
    page = tmp_path / "broken.html"
    page.write_text(BROKEN)
    found = "\n".join(problems(page))
    for problem in ("axe image-alt", "axe html-has-lang", "script: late", "console: Failed to load"):
        assert f"broken.html (dark, 380 px): {problem}" in found
    assert "px wider than the screen" in found

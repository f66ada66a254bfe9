"""The filters of the HTML report, in a browser."""

import shutil

import pytest
from scored_systems import comparison, one_system

from rnner.render.report_page import report_page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser():
    """A running Chromium."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs Playwright: pip install -e '.[pages]'"
    )
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("needs Chromium")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """Open the page of a report, with or without JavaScript."""

    def open_it(report, **settings):
        path = tmp_path / "report.html"
        path.write_text("".join(report_page("en", report, data="sample:test")), encoding="utf-8")
        page = browser.new_context(**settings).new_page()
        page.goto(path.as_uri())
        return page

    return open_it


def shown(page, selector="article li"):
    return [
        it.text_content().partition(":")[0] for it in page.query_selector_all(selector) if it.is_visible()
    ]


def wait_for(page, status):
    page.wait_for_function("text => document.querySelector('[role=status]').textContent === text", arg=status)


def test_errors_are_filtered_by_kind_types_and_text(open_page):
    page = open_page(one_system())
    assert len(shown(page)) == 6
    page.select_option("[name=kind]", "missed")
    wait_for(page, "1 of 6 errors, in 1 sentence")
    assert shown(page) == ["missed"]
    page.click("button")
    wait_for(page, "6 errors in 4 sentences")
    page.select_option("[name=found]", label="PER (2)")
    wait_for(page, "2 of 6 errors, in 2 sentences")
    page.fill("[name=text]", " NOBODY knew ")
    wait_for(page, "1 of 6 errors, in 1 sentence")
    assert shown(page) == ["spurious"]
    page.fill("[name=text]", "Nobody knew PER")  # labels are not text
    wait_for(page, "0 of 6 errors, in 0 sentences")


def test_a_number_of_the_matrix_shows_its_errors(open_page):
    page = open_page(one_system())
    page.select_option("[name=kind]", "spurious")
    page.focus(".matrix a[aria-label='1: LOC, missed']")
    page.keyboard.press("Enter")
    wait_for(page, "1 of 6 errors, in 1 sentence")
    assert shown(page) == ["missed"] and page.input_value("[name=kind]") == ""
    assert page.evaluate("document.activeElement.id") == "errors-1"


def test_every_control_is_reached_with_the_tab_key(open_page):
    page = open_page(one_system())
    page.focus("#errors-1")
    reached = []
    for _ in range(5):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.type"))
    assert reached == ["kind", "gold", "found", "text", "reset"]


def test_each_system_has_its_own_filters(open_page):
    page = open_page(comparison())
    page.select_option(".system:nth-of-type(2) [name=kind]", "missed")
    wait_for(page, "1 of 6 errors, in 1 sentence")
    assert len(shown(page)) == 1 + 3 + 3


def test_without_javascript_all_errors_are_shown(open_page):
    page = open_page(one_system(), java_script_enabled=False)
    assert len(shown(page)) == 6 and not page.is_visible("form")

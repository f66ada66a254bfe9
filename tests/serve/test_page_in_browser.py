"""The page in Chromium: every action by mouse and by keyboard, on wide and narrow screens, light and dark."""

import json
import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

import rnner
from rnner.decoding.document import Document
from rnner.decoding.spans import ScoredSpan
from rnner.serve.access import LOOPBACK, Access
from rnner.serve.app import Service
from rnner.serve.model import LoadedModel
from rnner.text.tokenizer import Token
from service import TOKEN, running

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = os.environ.get("AXE_CORE")
HOSTILE = "<img src=x onerror=alert(1)> 😀 Ada Lovelace\u202e of Vienna.\n<script>alert(1)</script>"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="needs Chromium")]


@pytest.fixture(scope="module")
def start(trained):
    """Start services in threads and return their addresses."""
    pipeline = rnner.load(trained)
    with ExitStack() as stack:

        def start(access):
            service = Service(lambda: LoadedModel("tiny", trained, pipeline), access=access)
            return stack.enter_context(running(service))

        yield start


@pytest.fixture(scope="module")
def address(start):
    return start(Access(hosts=LOOPBACK))


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as program:
        browser = program.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Open a page; at the end, check that it reported no error and showed no dialog."""
    problems, contexts = [], []

    def open_page(address, *, width=1000, mode="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=mode)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(dialog.message))
        page.goto(address, wait_until="networkidle")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


def found(page):
    """Wait for the result and return it as text."""
    page.wait_for_selector("#result:not([hidden])")
    page.wait_for_selector("#find:not([aria-disabled])")
    return page.inner_text("#marked").replace("\u00a0", " ")


def marks(page):
    """Return the words and the type of each mark, without its probability."""
    found = page.locator("#marked mark").all_inner_texts()
    return [mark.replace("\u00a0", " ").rpartition(" ")[0] for mark in found]


def test_names_are_found_with_the_mouse(address, open_page):
    page = open_page(address)
    page.fill("#text", "Ada Lovelace wrote to Charles Babbage in London.")
    page.click("#find")
    assert found(page).startswith("Ada Lovelace PER 1.000 wrote")
    assert marks(page) == ["Ada Lovelace PER", "Charles Babbage PER", "London LOC"]
    assert page.inner_text("#summary") == "3 names"
    assert page.inner_text("#types").split() == ["LOC", "1", "ORG", "0", "PER", "2"]
    assert page.inner_text("#model").startswith("The model tiny finds LOC, ORG, PER.")


def test_names_are_found_with_the_keyboard_alone(address, open_page):
    page = open_page(address)
    page.keyboard.press("Tab")
    page.keyboard.insert_text("Nobody in Paris slept.")
    page.keyboard.press("Control+Enter")
    found(page)
    assert marks(page) == ["Paris LOC"]
    focused = []
    for _ in range(8):
        page.keyboard.press("Tab")
        focused.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
    assert focused[:7] == ["find", "open", "example", "threshold", "copy", "API", "model-link"]


def test_the_slider_hides_less_probable_names_and_copying_follows_it(address, open_page):
    page = open_page(address)
    page.fill("#text", "😀 Ada Lovelace of Zanzibar, Quux and Vienna.")
    page.click("#find")
    found(page)
    page.focus("#threshold")
    page.keyboard.press("End")
    assert (page.inner_text("#shown"), marks(page)) == ("1.00", [])
    assert "less probable" in page.inner_text("#summary")
    page.keyboard.press("Home")
    page.focus("#copy")
    page.keyboard.press("Enter")
    page.wait_for_selector("#copy:text-is('Copied')")
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied["text"].startswith("😀 Ada")
    for entity in copied["entities"]:
        assert copied["text"][entity["start"] : entity["end"]] == entity["text"]
    assert copied["entities"][0]["text"] == "Ada Lovelace"


def test_a_file_is_opened_or_dropped(address, open_page):
    page = open_page(address)
    page.set_input_files(
        "#file", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"Ada Lovelace slept."}
    )
    found(page)
    assert marks(page) == ["Ada Lovelace PER"]
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["Rain fell on Philadelphia."], "b.txt"));
          for (const kind of ["dragover", "drop"]) {
            const event = new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
            document.getElementById("text").dispatchEvent(event);
          }
        }"""
    )
    page.wait_for_selector("#marked:has-text('Rain')")
    assert marks(page) == ["Philadelphia LOC"]
    page.set_input_files("#file", {"name": "<b>c\u202e", "mimeType": "text/plain", "buffer": b"\xff\xfe"})
    page.wait_for_selector("#error:has-text('UTF-8')")
    assert page.inner_text("#error") == r"<b>c\u202e is not text in UTF-8."
    page.fill("#text", "a" * 100_001)
    page.click("#find")
    page.wait_for_selector("#error:has-text('fit')")
    assert page.inner_text("#error") == "The text has 100,001 characters; at most 100,000 fit."


def test_html_in_a_text_is_shown_and_never_run(address, open_page):
    page = open_page(address)
    page.fill("#text", HOSTILE)
    page.click("#find")
    text = found(page)
    assert text.startswith("<img src=x onerror=alert(1)> 😀 Ada Lovelace PER")
    assert text.endswith("<script>alert(1)</script>")
    assert "\\u202e" in text
    assert page.locator("main img, main script").count() == 0


class HostileModel:
    """A model whose only label is HTML, and which finds the first word of every text."""

    label = '<img src=x onerror="alert(1)">\u202e'
    vocabulary = SimpleNamespace(labels=[label], scheme="bioes")

    def documents(self, texts):
        return [
            Document(text, [[Token(text[:3], 0, 3)]], [[ScoredSpan(0, 1, self.label, 0.9)]]) for text in texts
        ]

    __call__ = documents


def test_html_in_a_label_is_shown_and_never_run(trained, open_page):
    service = Service(lambda: LoadedModel("<b>tiny", trained, HostileModel()))
    with running(service) as address:
        page = open_page(address)
        page.fill("#text", "Ada slept.")
        page.click("#find")
        assert found(page) == 'Ada <img src=x onerror="alert(1)">\\u202e 0.900 slept.'
        assert page.inner_text("#types") == '<img src=x onerror="alert(1)">\\u202e 1'
        assert page.inner_text("#model").startswith("The model <b>tiny finds <img src=x")
        assert page.locator("main img, header b").count() == 0


def test_a_token_is_asked_for(start, open_page, browser):
    page = open_page(start(Access(token=TOKEN, hosts=LOOPBACK)))
    assert page.evaluate("document.activeElement.id") == "token"
    page.keyboard.insert_text(TOKEN)
    page.keyboard.press("Enter")
    page.wait_for_selector("#token-form", state="hidden")
    page.keyboard.insert_text("Ada Lovelace slept.")
    page.keyboard.press("Control+Enter")
    found(page)
    assert marks(page) == ["Ada Lovelace PER"]
    assert page.locator("#model-link").is_hidden()
    assert page.evaluate("document.cookie + localStorage.length + sessionStorage.length") == "00"


@pytest.mark.parametrize("path", ["/", "/docs"])
@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1280])
def test_pages_fit_the_screen_and_are_accessible(address, open_page, path, mode, width):
    page = open_page(address + path, width=width, mode=mode)
    if path == "/":
        page.click("#example")
        found(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if AXE is None:
        pytest.skip("for accessibility, set AXE_CORE to the file axe.min.js of the npm package axe-core")
    page.evaluate(f"{Path(AXE).read_text(encoding='utf-8')}; undefined")
    violations = page.evaluate("axe.run(document).then((result) => result.violations.map((it) => it.id))")
    assert violations == []

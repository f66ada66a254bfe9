"""Open pages in Chromium, in light and dark mode, on a narrow and a wide screen, and report their problems.

    npm install axe-core
    export AXE_CORE=node_modules/axe-core/axe.min.js
    rnner evaluate sample:test --output report.html
    mkdocs build --site-dir site
    python scripts/check_pages.py report.html site --screenshots shots

Problems are errors in the console, violations that axe-core finds, and pages that are wider than the screen.
The exit code is 1 if there are any. A folder is served on this machine, and all of its pages are opened.

Needs Playwright (`pip install -e ".[pages]"`) and Chromium.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

from common import argument_parser, log, run_script

from rnner.errors import UsageError

WIDTHS = (380, 1280)  # CSS pixels
MODES = ("light", "dark")
HEIGHT = 900
_TALLEST = 6000  # of a screenshot


class Problem(NamedTuple):
    """A problem of a page: where it was seen, and what it is."""

    page: str
    view: str
    text: str

    def __str__(self) -> str:
        return f"{self.page} ({self.view}): {self.text}"


def check_pages(
    pages: Iterable[tuple[str, str]], axe: Path, browser: Path, screenshots: Path | None = None
) -> Iterator[Problem]:
    """Yield the problems of pages.

    Args:
        pages: name and address of each.
        axe: the file axe.min.js of axe-core.
        browser: the Chromium program.
        screenshots: the folder for pictures of all pages.
    """
    from playwright.sync_api import sync_playwright

    source = axe.read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        views = [(width, mode) for width in WIDTHS for mode in MODES]
        contexts = {
            (width, mode): program.new_context(
                viewport={"width": width, "height": HEIGHT}, color_scheme=mode, reduced_motion="reduce"
            )
            for width, mode in views
        }
        for name, address in pages:
            for (width, mode), context in contexts.items():
                page = context.new_page()
                view = f"{mode}, {width} px"
                yield from (Problem(name, view, text) for text in _problems(page, address, source))
                if screenshots is not None:
                    _take_picture(page, screenshots / f"{_file_name(name)}-{width}-{mode}.png", width)
                page.close()
        program.close()


def _problems(page: Any, address: str, axe: str) -> list[str]:
    """Open a page and return its problems."""
    found: list[str] = []
    page.on("console", lambda message: message.type == "error" and found.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: found.append(f"script: {error}"))
    page.goto(address, wait_until="networkidle")
    excess = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if excess > 0:
        found.append(f"is {excess} px wider than the screen")
    page.evaluate(f"{axe}; undefined")
    violations = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then((it) => it.violations)")
    for it in violations:
        places = [" ".join(map(str, node["target"])) for node in it["nodes"]]
        found.append(f"axe {it['id']} ({it['impact']}): {it['help']}: {len(places)} × {places[0]}")
    return found


def _take_picture(page: Any, path: Path, width: int) -> None:
    height = min(_TALLEST, page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": width, "height": height})
    page.screenshot(path=path)


def _file_name(name: str) -> str:
    return name.replace("/", "_").removesuffix(".html")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine and yield its address."""
    handler = partial(_QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing."""


def addresses(path: Path, base: str) -> list[tuple[str, str]]:
    """Return name and address of each page in a folder that is served at `base`."""
    names = sorted(file.relative_to(path).as_posix() for file in path.rglob("*.html"))
    return [(name, f"{base}/{name.removesuffix('index.html')}") for name in names]


def find_browser(given: Path | None) -> Path:
    """Return the Chromium program.

    Raises:
        UsageError: there is none.
    """
    found = given or next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if found is None or not Path(found).is_file():
        raise UsageError("no Chromium found; install it, or give --browser FILE")
    return Path(found)


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("paths", metavar="PAGE", nargs="+", type=Path, help="HTML file, or folder of a site")
    parser.add_argument("--axe", type=Path, default=os.environ.get("AXE_CORE"), help="axe.min.js [$AXE_CORE]")
    parser.add_argument("--browser", type=Path, help="Chromium program [default: found in PATH]")
    parser.add_argument("--screenshots", type=Path, metavar="DIR", help="folder for pictures of all pages")
    options = parser.parse_args()
    problems = list(_check(options))
    for problem in problems:
        print(problem)
    if problems:
        sys.exit(1)


def _check(options: argparse.Namespace) -> Iterator[Problem]:
    if options.axe is None or not options.axe.is_file():
        raise UsageError(
            "axe-core not found: `npm install axe-core`, then --axe node_modules/axe-core/axe.min.js"
        )
    browser = find_browser(options.browser)
    if options.screenshots is not None:
        options.screenshots.mkdir(parents=True, exist_ok=True)
    for path in options.paths:
        if not path.exists():
            raise UsageError(f"{path}: does not exist")
        if path.is_dir():
            with served(path) as base:
                pages = addresses(path, base)
                yield from check_pages(pages, options.axe, browser, options.screenshots)
        else:
            pages = [(path.name, path.resolve().as_uri())]
            yield from check_pages(pages, options.axe, browser, options.screenshots)
        log(f"{path}: {len(pages)} pages, {len(MODES) * len(WIDTHS)} views of each")


if __name__ == "__main__":
    sys.exit(run_script(main))

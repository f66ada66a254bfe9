"""Draw the pictures of HTML pages in the documentation.

    python scripts/page_pictures.py

Writes docs/images/report.png, the report of `rnner evaluate sample:test`. Needs Chromium, Playwright
(`pip install -e ".[pages]"`), and Pillow, which comes with matplotlib.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from check_pages import find_browser
from common import argument_parser, log, run_script

from rnner.cli.main import run

IMAGES = Path(__file__).parent.parent / "docs" / "images"
WIDTH = 1000  # CSS pixels
COLOURS = 128  # of a picture; text needs few
MOST = 150_000  # bytes


def take_picture(page: Any, path: Path, top: str, bottom: str) -> None:
    """Save the part of a page from the top of one element to the top of another."""
    from PIL import Image

    start, end = (page.locator(selector).first.bounding_box()["y"] for selector in (top, bottom))
    clip = {"x": 0, "y": start - 16, "width": WIDTH, "height": end - start}
    picture = Image.open(io.BytesIO(page.screenshot(clip=clip, full_page=True)))
    picture.convert("RGB").quantize(COLOURS).save(path, optimize=True)
    size = path.stat().st_size
    log(f"{path}: {size:,} bytes")
    assert size <= MOST


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--browser", type=Path, help="Chromium program [default: found in PATH]")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        report = Path(folder, "report.html")
        assert run(["evaluate", "sample:test", "--output", str(report)]) == 0
        program = playwright.chromium.launch(
            executable_path=find_browser(options.browser), args=["--no-sandbox"]
        )
        page = program.new_page(viewport={"width": WIDTH, "height": 900})
        page.goto(report.as_uri())
        take_picture(page, IMAGES / "report.png", "h1", "article:nth-of-type(3)")
        program.close()


if __name__ == "__main__":
    sys.exit(run_script(main))

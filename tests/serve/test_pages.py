"""The files of the page."""

import re
from pathlib import Path
from urllib.parse import urljoin

import pytest

from service import client_of, refused


def test_everything_that_the_page_loads_is_there(client):
    page = client.get("/").text
    names = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert {"page.css", "serve.css", "serve.js", "icon.svg", "docs"} <= set(names)
    for name in set(names) - {"report"}:
        assert not name.startswith(("/", "http"))  # relative, so that a proxy may add a prefix
        assert client.get(urljoin("/", name)).status_code == 200


def test_the_page_has_no_code_or_style_of_its_own(client):
    page = client.get("/").text
    assert not re.search(r"<style|<script(?! src)|\son\w+=|\sstyle=|javascript:", page)
    script = client.get("/serve.js").text
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|https?://", script)
    assert "http" not in client.get("/serve.css").text


@pytest.mark.parametrize(
    "path",
    [
        *("/../../../../etc/passwd", "/..%2f..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/pyproject.toml"),
        *("/serve.js/../../../py.typed", "//etc/passwd", "/page.css%00.html", "/resources/page.css"),
        *(
            "/serve/index.html",
            "/....//....//etc/passwd",
            "/%c0%ae%c0%ae/etc/passwd",
            "/..\\..\\passwd",
        ),
    ],
)
def test_no_other_file_can_be_read(client, path):
    refused(client.request("GET", f"http://127.0.0.1:8000{path}"), 404)


def test_a_report_is_linked_and_may_not_run_scripts(serve, trained):
    from rnner.serve.app import Service

    report = b"<!doctype html><title>Scores</title><style>h1 {color: green}</style>"
    plain = serve()
    with client_of(plain) as client:
        assert client.get("/model").json()["report"] is False
        refused(client.get("/report"), 404)
    with client_of(Service(plain.slot._load, report=report)) as client:
        assert client.get("/model").json()["report"] is True
        answer = client.get("/report")
        assert answer.content == report
        assert "script-src" not in answer.headers["content-security-policy"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_files_are_part_of_the_package():
    import rnner

    folder = Path(rnner.__file__).parent / "resources" / "serve"
    assert {path.name for path in folder.iterdir()} == {"index.html", "serve.css", "serve.js", "icon.svg"}

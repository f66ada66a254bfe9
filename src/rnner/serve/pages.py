"""The pages of the service and their files, which are part of the package."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files

from starlette.responses import Response

HTML = "text/html; charset=utf-8"
REPORT_POLICY = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}
"""Header of a report of `rnner evaluate`, which contains its style sheet. Its scripts, if any, never run."""
_FILES = {
    "/": ("serve/index.html", HTML),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/serve.css": ("serve/serve.css", "text/css; charset=utf-8"),
    "/serve.js": ("serve/serve.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("serve/icon.svg", "image/svg+xml"),
}
"""The files by path. No other file can be requested."""


def page_routes() -> dict[str, Callable[[], Awaitable[Response]]]:
    """Return, for each path, the function that answers with its file."""
    folder = files("rnner").joinpath("resources")
    return {
        path: answer_with(folder.joinpath(*name.split("/")).read_bytes(), kind)
        for path, (name, kind) in _FILES.items()
    }


def answer_with(
    content: bytes, kind: str, headers: Mapping[str, str] = {}
) -> Callable[[], Awaitable[Response]]:
    """Return a function that answers with this content of this media type, and with these headers."""

    async def answer() -> Response:
        return Response(content, headers={"content-type": kind, "cache-control": "no-cache", **headers})

    return answer

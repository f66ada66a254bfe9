"""The head of an HTML page that stands alone: its style sheets and its script are the only ones allowed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files

from rnner.render.colours import label_colours
from rnner.system.terminal import DIRECTION_MARKS, printable

# The last is a combining stroke: after a tag, some programs would combine it with the ">".
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "\u0338": "&#824;"}
)


def escape(text: str, *, keep: str = "") -> str:
    """Escape a text for HTML content or a quoted attribute; make control characters except `keep` visible."""
    return printable(text, keep=keep + DIRECTION_MARKS).translate(_ESCAPES)


def resource(name: str) -> str:
    """Return a style sheet or a script of the package."""
    return files("rnner").joinpath("resources", name).read_text(encoding="utf-8")


def html_head(title: str, labels: Sequence[str], *, sheets: Sequence[str], script: str = "") -> str:
    """Return the start of a page, up to and including `</head>`.

    The content security policy permits only the style and the script with these hashes. Nothing is loaded.

    Args:
        title: the title of the page.
        labels: label i has the class `type-i`, which sets its colour.
        sheets: names of style sheets among the resources of the package.
        script: the text of the page's script element.
    """
    colours = label_colours(labels).values()
    light = "\n".join(f".type-{i} {{ --ground: {colour.light}; }}" for i, colour in enumerate(colours))
    dark = "\n".join(f".type-{i} {{ --ground: {colour.dark}; }}" for i, colour in enumerate(colours))
    style = (
        f"\n{''.join(map(resource, sheets))}{light}\n"
        f"@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}\n"
    )
    sources = [f"style-src '{_hash(style)}'", *([f"script-src '{_hash(script)}'"] if script else [])]
    policy = "; ".join(["default-src 'none'", *sources, "base-uri 'none'", "form-action 'none'"])
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
"""


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"

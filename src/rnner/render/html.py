"""Texts with their entities as one page that stands alone: no script, nothing from elsewhere.

It is read by people who see colours or do not, on wide and narrow screens, light and dark, on paper, from a
keyboard or by a screen reader: an entity is a `mark` that can be moved to, and its type and probability are
text within it, in the reading order. Only the style hides and shows them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files

from rnner.render.colours import colours_of
from rnner.render.marked_text import TextPiece, text_pieces
from rnner.system.terminal import plain
from rnner.text.entity import Entity

# The last is a combining stroke: after a tag, some programs would make one character of it and the ">".
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "\u0338": "&#824;"}
)
_SHOWN = (
    "Each name is followed by its type. Point at a name, or move to it with the Tab key, to see how probable "
    "it is, from 0 to 1."
)
_SHOWN_ALWAYS = "Each name is followed by its type and how probable it is, from 0 to 1."


def escaped(text: str, *, keep: str = "") -> str:
    """A text as content of HTML, or as a quoted attribute; control characters but `keep` are made visible."""
    return plain(text, keep=keep).translate(_ESCAPES)


def html_page(
    items: Iterable[tuple[str, Sequence[Entity]]], labels: Sequence[str], *, title: str, scores: bool = False
) -> Iterator[str]:
    """A page in parts, each text as it comes; it ends with how many entities of each type there are.

    Args:
        items: texts and their entities, in the order of the text and not overlapping.
        labels: all there may be.
        title: what the page is about.
        scores: whether probabilities are always seen.
    """
    classes = {label: f"type-{i}" for i, label in enumerate(labels)}
    counts: Counter[str] = Counter()
    number = 0
    yield _head(title, labels, scores=scores)
    for number, (text, entities) in enumerate(items, 1):
        yield from _article(number, text, entities, classes)
        counts.update(entity.label for entity in entities)
    yield _legend(classes, counts, number)


def _head(title: str, labels: Sequence[str], *, scores: bool) -> str:
    style = files("rnner").joinpath("resources/page.css").read_text(encoding="utf-8")
    grounds = colours_of(labels).values()
    light = "\n".join(f".type-{i} {{ --ground: {ground.light}; }}" for i, ground in enumerate(grounds))
    dark = "\n".join(f".type-{i} {{ --ground: {ground.dark}; }}" for i, ground in enumerate(grounds))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escaped(title)}</title>
<style>
{style}{light}
@media screen and (prefers-color-scheme: dark) {{
{dark}
}}
</style>
</head>
<body{' class="scores"' if scores else ""}>
<header>
<h1>{escaped(title)}</h1>
<p>{_SHOWN_ALWAYS if scores else _SHOWN}</p>
</header>
<main>
"""


def _article(number: int, text: str, entities: Sequence[Entity], classes: Mapping[str, str]) -> Iterator[str]:
    """One text; the language of its words is not known, their direction is that of the first letters."""
    yield f"<article>\n<h2>Text {number}</h2>\n"
    if entities:
        yield f'<a class="skip" href="#end-{number}">Skip the names of text {number}</a>\n'
    yield '<div class="text" lang="" dir="auto">'
    for piece in text_pieces(text.rstrip(), entities):
        words = escaped(piece.text, keep="\n\t")
        yield words if piece.label is None else _mark(words, piece, classes[piece.label])
    yield f'</div>\n</article>\n<div id="end-{number}"></div>\n'


def _mark(words: str, piece: TextPiece, kind: str) -> str:
    score = f'<span class="score"> {piece.score:.3f}</span>'
    told = f'<span class="type">&nbsp;<bdi>{escaped(piece.label or "")}{score}</bdi></span>'
    return f'<mark class="{kind}" tabindex="0">{words}{told}</mark>'


def _legend(classes: Mapping[str, str], counts: Mapping[str, int], texts: int) -> str:
    """How many entities of each type there are; the style shows it above the texts."""
    rows = "\n".join(
        f'<li><mark class="{kind}"><bdi class="type">{escaped(label)}</bdi></mark> {counts[label]:,}</li>'
        for label, kind in classes.items()
    )
    total = sum(counts.values())
    summary = f"{total:,} name{'s' * (total != 1)} in {texts:,} text{'s' * (texts != 1)}"
    return f"""</main>
<section class="legend" aria-labelledby="types">
<h2 id="types">{summary}</h2>
<ul role="list">
{rows}
</ul>
</section>
</body>
</html>
"""

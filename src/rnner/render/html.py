"""Texts with their entities as one HTML page, without scripts or external resources.

The page works with and without colour, on wide and narrow screens, in light and dark mode, on paper, from the
keyboard and with a screen reader: each entity is a focusable `mark`, and its type and probability are text
inside it, in reading order. Only the style sheet hides or shows them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rnner.render.html_head import escape, html_head
from rnner.render.marked_text import TextPiece, text_pieces
from rnner.text.entity import Entity

_SCORES_ON_HOVER = (
    "Each name is followed by its type. Point at a name, or move to it with the Tab key, to see its "
    "probability, from 0 to 1."
)
_SCORES_SHOWN = "Each name is followed by its type and its probability, from 0 to 1."


def html_page(
    items: Iterable[tuple[str, Sequence[Entity]]], labels: Sequence[str], *, title: str, scores: bool = False
) -> Iterator[str]:
    """Return the parts of a page, one text at a time; the last part counts the entities of each type.

    Args:
        items: texts and their entities, in text order and not overlapping.
        labels: all labels of the model.
        title: title and heading of the page.
        scores: whether probabilities are always visible.
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
    return f"""{html_head(title, labels, sheets=["page.css"])}<body{' class="scores"' if scores else ""}>
<header>
<h1>{escape(title)}</h1>
<p>{_SCORES_SHOWN if scores else _SCORES_ON_HOVER}</p>
</header>
<main>
"""


def _article(number: int, text: str, entities: Sequence[Entity], classes: Mapping[str, str]) -> Iterator[str]:
    """Return one text as HTML; its language is unknown, and its first letters set its direction."""
    yield f"<article>\n<h2>Text {number}</h2>\n"
    if entities:
        yield f'<a class="skip" href="#end-{number}">Skip the names in text {number}</a>\n'
    yield '<div class="text" lang="" dir="auto">'
    for piece in text_pieces(text.rstrip(), entities):
        words = escape(piece.text, keep="\n\t")
        yield words if piece.label is None else _mark(words, piece, classes[piece.label])
    yield f'</div>\n</article>\n<div id="end-{number}"></div>\n'


def _mark(words: str, piece: TextPiece, css_class: str) -> str:
    score = f'<span class="score"> {piece.score:.3f}</span>'
    label = f'<span class="type">&nbsp;<bdi>{escape(piece.label or "")}{score}</bdi></span>'
    return f'<mark class="{css_class}" tabindex="0">{words}{label}</mark>'


def _legend(classes: Mapping[str, str], counts: Mapping[str, int], texts: int) -> str:
    """Return the number of entities of each type; the style sheet shows it above the texts."""
    rows = "\n".join(
        f'<li><mark class="{css_class}"><bdi class="type">{escape(label)}</bdi></mark> {counts[label]:,}</li>'
        for label, css_class in classes.items()
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

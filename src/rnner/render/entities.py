"""Entities in the terminal: marked in their text, as a table, as alternative readings, as 1 and 0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.style import Style
from rich.text import Text

from rnner.errors import counted
from rnner.render.colours import label_backgrounds, label_colour
from rnner.render.marked_text import (
    BLACK_TEXT,
    LABEL_SPACE,
    coloured_label,
    mark_entities,
    text_pieces,
    wrap_line,
)
from rnner.render.tables import Deferred, numeric_table
from rnner.system.terminal import printable
from rnner.text.entity import Entity


def entities_text(
    text: str,
    entities: Sequence[Entity],
    backgrounds: Mapping[str, str] | None,
    *,
    width: int | None = None,
    scores: bool = False,
) -> Iterator[Text]:
    """Return the lines of a text with its entities and their labels marked.

    Args:
        text: original text; white space at its end is dropped.
        entities: in text order, not overlapping.
        backgrounds: colour for each label; None puts entities in brackets, label first.
        width: columns of the terminal; None never wraps lines.
        scores: whether to add the probability to each label.
    """
    pieces = text_pieces(text.rstrip(), entities)
    marked = mark_entities(pieces, backgrounds, scores=scores, space=LABEL_SPACE)
    for line in marked.split("\n", allow_blank=True):
        for part in [line] if width is None else wrap_line(line, width):
            part.plain = part.plain.replace(LABEL_SPACE, " ")
            yield part


def counts_line(counts: Mapping[str, int], backgrounds: Mapping[str, str] | None) -> Text:
    """Return a line with the number of entities, total and per label; `backgrounds` as in `entities_text`."""
    total = sum(counts.values())
    line = Text(counted(total, "name") if total else "no names", style="dim")
    for label, count in counts.items():
        name, style = printable(label), Style()
        if backgrounds:
            name, style = f" {name} ", BLACK_TEXT + Style(bgcolor=backgrounds[label], dim=False, bold=True)
        line.append("   ").append(name, style=style).append(f" {count:,}")
    return line


def entities_table(text: str, entities: Sequence[Entity]) -> RenderableType:
    """Return a text with its entities marked, and a table of label, text, character offsets and score.

    Without colours, entities are in brackets, label first. `entities` are in text order, not overlapping.
    """

    def marked(_: int, color_system: str | None) -> Text:
        colours = {entity.label: label_colour(entity.label) for entity in entities}
        return mark_entities(text_pieces(text, entities), label_backgrounds(colours, color_system))

    if not entities:
        return Group(Deferred(marked), "", Text("no entities", style="dim"))
    table = numeric_table("Label", "Text", "Characters", "Score", text=2)
    for entity in entities:
        cells = (Text(printable(entity.text)), f"{entity.start}:{entity.end}", f"{entity.score:.3f}")
        table.add_row(coloured_label(entity.label), *cells)
    return Group(Deferred(marked), "", table)


def readings_table(readings: Iterable[tuple[float, Sequence[Entity]]]) -> RenderableType:
    """Return a table of alternative readings of one sentence, each with its probability."""
    table = numeric_table("Probability", text=0)
    table.add_column("Entities", overflow="fold")
    for probability, entities in readings:
        found = "  ".join(f"[{printable(entity.label)} {printable(entity.text)}]" for entity in entities)
        table.add_row(f"{probability:.4f}", Text(found or "none"))
    return table


def binary_view(words: Sequence[str], flags: Sequence[int], *, width: int | None = None) -> str:
    """Return the words of a sentence in a row, with 1 (part of a name) or 0 under each, as in the notes.

    Args:
        words: words of one sentence.
        flags: 1 or 0 for each word.
        width: columns of the terminal; longer rows are wrapped between words. None never wraps.

    Raises:
        ValueError: the numbers of words and flags differ.
    """
    blocks: list[list[tuple[str, str]]] = []
    room = 0
    for word, flag in zip(map(printable, words), map(str, flags), strict=True):
        columns = max(cell_len(word), cell_len(flag))
        if not blocks or (width is not None and columns > room):
            blocks.append([])
            room = width or 0
        blocks[-1].append((word + " " * (columns - cell_len(word)), flag.ljust(columns)))
        room -= columns + 1
    return "\n\n".join(
        "\n".join(" ".join(row).rstrip() for row in zip(*block, strict=True)) for block in blocks
    )

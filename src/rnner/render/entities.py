"""Entities in the terminal: marked in their text, in a table, as several readings, as 1 and 0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import regex
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from rnner.render.colours import colour_of
from rnner.render.marked_text import GLUE, LETTERS, marked, own_marked, text_pieces
from rnner.render.tables import Drawn, figures_table
from rnner.system.terminal import plain
from rnner.text.entity import Entity

_TAB = 4


def entities_text(
    text: str,
    entities: Sequence[Entity],
    grounds: Mapping[str, str] | None,
    *,
    width: int | None = None,
    scores: bool = False,
) -> Iterator[Text]:
    """The lines of a text with its entities marked, each label beside its entity.

    Args:
        text: as it came; white space at its end is left out.
        entities: in the order of the text; they must not overlap.
        grounds: the colour behind entities of each label; None where there is no colour, then entities stand
            in brackets, label first.
        width: columns that a line may have; None leaves lines as they are.
        scores: whether the probability of each stands beside its label.
    """
    whole = marked(text_pieces(text.rstrip(), entities), grounds, scores=scores, space=GLUE)
    for line in whole.split("\n", allow_blank=True):
        for part in [line] if width is None else _wrapped(line, width):
            part.plain = part.plain.replace(GLUE, " ")
            yield part


def _wrapped(line: Text, width: int) -> Iterator[Text]:
    line.expand_tabs(_TAB)
    for part in line.divide(line_breaks(line.plain.replace(GLUE, NO_BREAK_SPACE), width)):
        part.rstrip()
        yield part


def tally(counts: Mapping[str, int], grounds: Mapping[str, str] | None) -> Text:
    """How many entities there are, in all and of each type; `grounds` as for `entities_text`."""
    total = sum(counts.values())
    line = Text("no names" if total == 0 else f"{total:,} name{'' if total == 1 else 's'}", style="dim")
    for label, count in counts.items():
        style = Style(dim=False, bold=True) + LETTERS + Style(bgcolor=grounds[label]) if grounds else ""
        line.append("   ").append(f" {plain(label)} " if grounds else plain(label), style=style)
        line.append(f" {count:,}")
    return line


def entities_table(text: str, entities: Sequence[Entity]) -> RenderableType:
    """One text with its entities marked, and a table of them: label, text, character offsets, score.

    Where there is no colour the entities stand in brackets, label first. `entities` must be in the order of
    the text and must not overlap.
    """
    shown = Drawn(lambda *, width, system: own_marked(text_pieces(text, entities), system))
    listing = _entity_list(entities) if entities else Text("no entities", style="dim")
    return Group(shown, "", listing)


def readings_table(readings: Iterable[tuple[float, Sequence[Entity]]]) -> RenderableType:
    """The ways to tag a sentence, the probability of each beside its entities."""
    table = figures_table("Probability", "Entities", text=0)
    table.columns[1].justify, table.columns[1].no_wrap, table.columns[1].overflow = "left", False, "fold"
    for probability, entities in readings:
        found = "  ".join(f"[{plain(entity.label)} {plain(entity.text)}]" for entity in entities)
        table.add_row(f"{probability:.4f}", Text(found or "none"))
    return table


def binary_view(words: Sequence[str], flags: Sequence[int], *, width: int | None = None) -> str:
    """The notes' view of a sentence: its words in a row, and 1 or 0 under each.

    Args:
        words: the words.
        flags: 1 for each word of a name, 0 for the others.
        width: columns of the terminal, to go on below at the last word that fits; None never does.

    Raises:
        ValueError: there are not as many flags as words.
    """
    blocks: list[list[tuple[str, str]]] = []
    room = 0
    for word, flag in zip(map(plain, words), map(str, flags), strict=True):
        columns = max(cell_len(word), cell_len(flag))
        if not blocks or (width is not None and columns > room):
            blocks.append([])
            room = width or 0
        blocks[-1].append((_padded(word, columns), _padded(flag, columns)))
        room -= columns + 1
    return "\n\n".join(
        "\n".join(" ".join(row).rstrip() for row in zip(*block, strict=True)) for block in blocks
    )


def _entity_list(entities: Iterable[Entity]) -> Table:
    table = figures_table("Label", "Text", "Characters", "Score", text=2)
    for entity in entities:
        label = Text(plain(entity.label), style=colour_of(entity.label).name)
        table.add_row(label, Text(plain(entity.text)), f"{entity.start}:{entity.end}", f"{entity.score:.3f}")
    return table


def _padded(text: str, columns: int) -> str:
    return text + " " * (columns - cell_len(text))


NO_BREAK_SPACE = "\u00a0"
_NO_BREAK = r"[\u00a0\u2007\u202f]"
_WORD = regex.compile(rf"((?:\S|{_NO_BREAK})*+)((?:(?!{_NO_BREAK})\s)*+)")


def line_breaks(text: str, width: int) -> Iterator[int]:
    """The places at which to begin a new line, so that none has more than `width` columns.

    Lines are cut after white space, which may stand out at the right, but not after a no-break space; a word
    of more than `width` columns is cut within, between what a reader takes for characters.

    Args:
        text: a paragraph; it has no line breaks.
        width: columns of a terminal; a single character that has more stands out.
    """
    used = 0
    for match in _WORD.finditer(text):
        word, space = match.groups()
        at = match.start()
        for part in [word] if cell_len(word) <= width else regex.findall(r"\X", word):
            columns = cell_len(part)
            if part and used and used + columns > width:
                yield at
                used = 0
            used += columns
            at += len(part)
        used += cell_len(space)

"""The figures of several files as a table for people, a column a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table

from rnner.render.tables import Drawn, figures_table
from rnner.system.terminal import plain
from rnner.workbench.statistics import Lengths, Statistics, Unseen

_NONE = "–"


class _Line(NamedTuple):
    """A line of the table: what it tells, and that of each file."""

    title: str
    cells: list[str]


def statistics_table(files: Sequence[Statistics]) -> RenderableType:
    """A column a file, shares in per cent; the columns that do not fit beside one another stand below."""
    return Drawn(lambda *, width, system: _blocks(files, width))


def short_names(paths: Sequence[Path]) -> list[str]:
    """The end of each path, as long as it takes to tell it from the others."""
    for parts in range(1, max(len(path.parts) for path in paths)):
        names = [str(Path(*path.parts[-parts:])) for path in paths]
        if len(set(names)) == len(set(paths)):
            return names
    return [str(path) for path in paths]


def _blocks(files: Sequence[Statistics], width: int) -> Group:
    names = [plain(name) for name in short_names([file.path for file in files])]
    sections = [section for section in _sections(files, names[0]) if section]
    lines = [line for section in sections for line in section]
    room = width - max(cell_len(line.title) for line in lines) - 1
    widths = [max(map(cell_len, [name, *(line.cells[i] for line in lines)])) for i, name in enumerate(names)]
    parts: list[RenderableType] = []
    for columns in _fitting(widths, room):
        parts += ["", _block([names[i] for i in columns], sections, columns)]
    return Group(*parts[1:])


def _block(names: Sequence[str], sections: Sequence[Sequence[_Line]], columns: Sequence[int]) -> Table:
    """Some of the columns, without the lines that have nothing to tell about them."""
    table = figures_table("", *names)
    for section in sections:
        lines = [_Line(line.title, [line.cells[i] for i in columns]) for line in section]
        told = [line for line in lines if set(line.cells) != {_NONE}]
        if any(any(line.cells) for line in told):  # else it has come down to a heading
            for line in told:
                table.add_row(line.title, *line.cells)
            table.add_section()
    return table


def _fitting(widths: Sequence[int], room: int) -> Iterator[list[int]]:
    """The columns in groups that fit into `room` with a space between them, each at least one."""
    group: list[int] = []
    used = 0
    for i, width in enumerate(widths):
        if group and used + width + 1 > room:
            yield group
            group, used = [], 0
        group.append(i)
        used += width + 1
    yield group


def _sections(files: Sequence[Statistics], first: str) -> Iterator[list[_Line]]:
    yield [
        _Line("sentences", [f"{file.sentences:,}" for file in files]),
        _Line("tokens", [f"{file.tokens:,}" for file in files]),
        _Line("distinct tokens", [f"{file.distinct_tokens:,}" for file in files]),
        _Line("documents marked", [f"{file.documents:,}" if file.documents else _NONE for file in files]),
        _Line("tags", [file.scheme for file in files]),
    ]
    yield [_Line("entities", [f"{file.entities:,}" for file in files]), *_types(files)]
    yield [
        _Line("tokens in entities", [_per_cent(file.token_density) for file in files]),
        _Line("sentences with entities", [_per_cent(file.sentence_density) for file in files]),
        *_lengths("tokens a sentence", [file.sentence_lengths for file in files]),
        *_lengths("tokens an entity", [file.entity_lengths for file in files]),
    ]
    yield _ambiguous(files)
    yield _unseen([file.unseen for file in files], first)
    yield _vectors(files)


def _types(files: Sequence[Statistics]) -> Iterator[_Line]:
    """How many entities of each label, sorted, and the share that they are of all."""
    for label in sorted({label for file in files for label in file.per_type}):
        counts = [file.per_type.get(label, 0) for file in files]
        cells = [
            f"{count:,} {_per_cent(count / file.entities):>6}" if count else _NONE
            for count, file in zip(counts, files, strict=True)
        ]
        yield _Line(f"  {plain(label)}", cells)


def _lengths(title: str, found: Sequence[Lengths]) -> Iterator[_Line]:
    yield _Line(f"{title}: mean", [f"{lengths.mean:.1f}" for lengths in found])
    yield _Line("  median", [f"{lengths.median:g}" for lengths in found])
    yield _Line("  longest", [f"{lengths.longest:,}" for lengths in found])


def _ambiguous(files: Sequence[Statistics]) -> list[_Line]:
    figures = [file.ambiguity.to_dict() for file in files]
    return [
        _Line("distinct entities", [f"{file.ambiguity.forms:,}" for file in files]),
        _Line("  ambiguous", [_per_cent(share["either"]) for share in figures]),
        _Line("    with several labels", [_per_cent(share["several_labels"]) for share in figures]),
        _Line("    also outside entities", [_per_cent(share["also_outside"]) for share in figures]),
    ]


def _unseen(found: Sequence[Unseen | None], first: str) -> list[_Line]:
    def cells(name: str) -> list[str]:
        return [_NONE if unseen is None else _per_cent(unseen.to_dict()[name]) for unseen in found]

    if not any(found):
        return []
    return [
        _Line(f"not in {first}:", [""] * len(found)),
        _Line("  tokens", cells("tokens")),
        _Line("  distinct tokens", cells("distinct_tokens")),
        _Line("  entities", cells("entities")),
    ]


def _vectors(files: Sequence[Statistics]) -> list[_Line]:
    found = [file.vectors for file in files if file.vectors is not None]
    if not found:
        return []
    return [
        _Line("with a vector: tokens", [_per_cent(coverage.tokens.share) for coverage in found]),
        _Line("  distinct tokens", [_per_cent(coverage.types.share) for coverage in found]),
    ]


def _per_cent(share: float) -> str:
    return f"{100 * share:.1f}%"

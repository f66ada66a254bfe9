"""The statistics of several files as a table with one column per file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table

from rnner.render.tables import Deferred, numeric_table
from rnner.system.terminal import printable
from rnner.workbench.statistics import Lengths, Statistics

_NONE = "–"


class _Row(NamedTuple):
    title: str
    cells: list[str]  # one per file


def statistics_table(files: Sequence[Statistics]) -> RenderableType:
    """Return a table: one column per file, shares in per cent. Columns that do not fit continue below."""

    def blocks(width: int, _: object) -> Group:
        names = [printable(name) for name in short_names([file.path for file in files])]
        sections = [section for section in _sections(files, names[0]) if section]
        rows = [row for section in sections for row in section]
        widths = [max(map(cell_len, [name, *(row.cells[i] for row in rows)])) for i, name in enumerate(names)]
        room = width - max(cell_len(row.title) for row in rows) - 1
        parts: list[RenderableType] = []
        for columns in _columns_that_fit(widths, room):
            parts += ["", _block([names[i] for i in columns], sections, columns)]
        return Group(*parts[1:])

    return Deferred(blocks)


def short_names(paths: Sequence[Path]) -> list[str]:
    """Return the shortest trailing parts of the paths that distinguish them."""
    for parts in range(1, max(len(path.parts) for path in paths)):
        names = [str(Path(*path.parts[-parts:])) for path in paths]
        if len(set(names)) == len(set(paths)):
            return names
    return [str(path) for path in paths]


def _block(names: Sequence[str], sections: Sequence[Sequence[_Row]], columns: Sequence[int]) -> Table:
    """Return a table of some columns, without the rows and sections that are empty in all of them."""
    table = numeric_table("", *names)
    for section in sections:
        rows = [_Row(row.title, [row.cells[i] for i in columns]) for row in section]
        filled = [row for row in rows if set(row.cells) != {_NONE}]
        if any(any(row.cells) for row in filled):  # otherwise only a heading is left
            for row in filled:
                table.add_row(row.title, *row.cells)
            table.add_section()
    return table


def _columns_that_fit(widths: Sequence[int], room: int) -> Iterator[list[int]]:
    """Group columns so that each group fits into `room`; a group has at least one column."""
    group: list[int] = []
    used = 0
    for i, width in enumerate(widths):
        if group and used + width + 1 > room:
            yield group
            group, used = [], 0
        group.append(i)
        used += width + 1
    yield group


def _sections(files: Sequence[Statistics], first: str) -> Iterator[list[_Row]]:
    yield [
        _Row("sentences", [f"{file.sentences:,}" for file in files]),
        _Row("tokens", [f"{file.tokens:,}" for file in files]),
        _Row("distinct tokens", [f"{file.distinct_tokens:,}" for file in files]),
        _Row(
            "unknown tokens", [f"{file.unknown_tokens:,}" if file.unknown_tokens else _NONE for file in files]
        ),
        _Row("marked documents", [f"{file.documents:,}" if file.documents else _NONE for file in files]),
        _Row("tags", [file.scheme for file in files]),
    ]
    yield [_Row("entities", [f"{file.entities:,}" for file in files]), *_types(files)]
    yield [
        _Row("tokens in entities", [_percent(file.token_density) for file in files]),
        _Row("sentences with entities", [_percent(file.sentence_density) for file in files]),
        *_lengths("tokens per sentence", [file.sentence_lengths for file in files]),
        *_lengths("tokens per entity", [file.entity_lengths for file in files]),
    ]
    ambiguities = [file.ambiguity.to_dict() for file in files]
    yield [
        _Row("distinct entities", [f"{file.ambiguity.forms:,}" for file in files]),
        _Row("  ambiguous", [_percent(shares["either"]) for shares in ambiguities]),
        _Row("    with several labels", [_percent(shares["several_labels"]) for shares in ambiguities]),
        _Row("    also outside entities", [_percent(shares["also_outside"]) for shares in ambiguities]),
    ]
    yield _unseen(files, first)
    yield _vectors(files)


def _types(files: Sequence[Statistics]) -> Iterator[_Row]:
    """Return the count of each label and its share of the file's entities."""
    for label in sorted({label for file in files for label in file.per_type}):
        counts = [file.per_type.get(label, 0) for file in files]
        cells = [
            f"{count:,} {_percent(count / file.entities):>6}" if count else _NONE
            for count, file in zip(counts, files, strict=True)
        ]
        yield _Row(f"  {printable(label)}", cells)


def _lengths(title: str, lengths: Sequence[Lengths]) -> Iterator[_Row]:
    yield _Row(f"{title}: mean", [f"{own.mean:.1f}" for own in lengths])
    yield _Row("  median", [f"{own.median:g}" for own in lengths])
    yield _Row("  longest", [f"{own.longest:,}" for own in lengths])


def _unseen(files: Sequence[Statistics], first: str) -> list[_Row]:
    if not any(file.unseen for file in files):
        return []
    rows = [_Row(f"not in {first}:", [""] * len(files))]
    for name in ("tokens", "distinct_tokens", "entities"):
        cells = [_percent(file.unseen.to_dict()[name]) if file.unseen else _NONE for file in files]
        rows.append(_Row(f"  {name.replace('_', ' ')}", cells))
    return rows


def _vectors(files: Sequence[Statistics]) -> list[_Row]:
    coverages = [file.vectors for file in files if file.vectors is not None]
    if not coverages:
        return []
    return [
        _Row("with a vector: tokens", [_percent(coverage.tokens.share) for coverage in coverages]),
        _Row("  distinct tokens", [_percent(coverage.types.share) for coverage in coverages]),
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"

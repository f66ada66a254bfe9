"""Repair of column files: everything with one obvious correction is fixed; the rest is left to a person."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rnner.data.formats.column_layout import Layout
from rnner.data.tag_sets import is_set
from rnner.data.tag_spellings import PIECE_TAGS
from rnner.errors import UsageError
from rnner.system.files import atomic_replace
from rnner.tags import LENIENT, from_spans, to_spans
from rnner.workbench.check.labels import has_violation, plain_label, total_label_counts
from rnner.workbench.check.lenient_reader import ColumnFile, parse
from rnner.workbench.check.token_text import fix_bytes, fix_mojibake, strip_invisible

_GAP = re.compile("[ \t]+")


class Repaired(NamedTuple):
    """A repaired copy, and the number of lines changed for each kind of finding."""

    file: ColumnFile
    changed: Counter[str]


def repair(files: Sequence[ColumnFile], columns: Mapping[str, int] | None = None) -> list[Repaired]:
    """Return repaired copies of files that belong together.

    First, pieces of words that a subword tool tagged X are joined to words, and its marks are removed. Then
    lines are fixed: bytes that are not UTF-8, other separators, empty columns at the end of a row, affixes of
    all tokens, invisible characters, UTF-8 read as Windows-1252, other spellings of tags. Then labels get
    their usual spelling. Then the tags of sentences that violate the scheme of their file are rewritten from
    the entities that conlleval reads in them. Nothing else changes, and no other line is removed. All this is
    repeated until nothing changes, because one correction may reveal another. `columns` as for `read_file`.
    """
    changed = [Counter[str]() for _ in files]
    copies = _repair_once(files, columns, changed)
    while [copy.lines for copy in copies] != [file.lines for file in files]:
        files, copies = copies, _repair_once(copies, columns, changed)
    return [Repaired(file, +counts) for file, counts in zip(copies, changed, strict=True)]


def _repair_once(
    files: Sequence[ColumnFile], columns: Mapping[str, int] | None, changed: Sequence[Counter[str]]
) -> list[ColumnFile]:
    joined = [_join_pieces(file, columns, own) for file, own in zip(files, changed, strict=True)]
    lines = list(map(_fix_lines, joined, changed))
    fixed = [parse(file.path, own, columns) for file, own in zip(files, lines, strict=True)]
    rename_labels = partial(_rename_labels, _usual_labels(fixed))
    for kind, new_tags in (("similar-labels", rename_labels), ("transition", _legal_tags)):
        for i, file in enumerate(fixed):
            tags = new_tags(file)
            changed[i][kind] += len(tags)
            fixed[i] = parse(file.path, _replace_tags(file, tags), columns)
    return fixed


def target_paths(paths: Sequence[Path], out: Path, *, overwrite: bool) -> list[Path]:
    """Return the paths of the copies: `out` for one file; for several, one file each in the folder `out`.

    Raises UsageError if a copy would replace an original or another copy, or, without `overwrite`, any file.
    """
    copies = [out] if len(paths) == 1 else [out / path.name for path in paths]
    if len(set(copies)) < len(copies):
        raise UsageError(f"--fix {out}: two files have the same name; repair them one at a time")
    for copy in copies:
        if copy.is_dir():
            raise UsageError(f"--fix {copy}: is a folder; give a file name for the repaired copy")
        if any(copy.exists() and copy.samefile(path) for path in paths):
            raise UsageError(f"--fix {copy}: is the original, which is never changed; give another path")
        if copy.exists() and not overwrite:
            raise UsageError(f"--fix {copy}: already exists; --overwrite replaces it")
    return copies


def write(file: ColumnFile, path: Path) -> None:
    r"""Write the lines of a file as UTF-8, each ended by `\n`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_replace(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(f"{line}\n" for line in file.lines)


def _usual_labels(files: Sequence[ColumnFile]) -> dict[str, str]:
    """Return the most frequent spelling for each label that differs from it only in case and punctuation."""
    counts = total_label_counts(files)
    spellings = defaultdict(list)
    for label in sorted(counts, key=lambda label: (-counts[label], label)):
        spellings[plain_label(label)].append(label)
    return {label: labels[0] for labels in spellings.values() for label in labels[1:]}


def _join_pieces(file: ColumnFile, columns: Mapping[str, int] | None, changed: Counter[str]) -> ColumnFile:
    """Return a file without the rows that a subword tool added: `##son X`, `[CLS] [CLS]`.

    A piece of a word without `##` is kept, with a tag that continues the entity before it.
    """
    pieces = PIECE_TAGS & file.spelling.unreadable
    if not pieces:
        return file
    rows: dict[int, list[str] | None] = {}  # the new cells of rows by line; None for a row to remove
    token, tag = file.layout.token, file.tag_column
    for sentence in file.sentences:
        before: list[str] | None = None  # the row that a piece belongs to
        for number, cell in zip(sentence.lines, sentence.tag_cells, strict=True):
            cells = file.layout.cells(file.lines[number - 1])
            rows[number] = cells
            if cell in pieces and cell != "X":
                rows[number] = None if cells[token] in PIECE_TAGS else cells
            elif cell == "X" and before and cells[token].startswith("##"):
                before[token] += cells[token][2:]
                rows[number] = None
            else:
                if cell == "X":
                    entity = file.spelling.tags.get(before[tag], "O") if before else "O"
                    cells[tag] = "O" if entity == "O" else f"I-{entity[2:]}"
                before = cells
            changed["tag"] += rows[number] is None or cell == "X"
    lines = []
    for number, line in enumerate(file.lines, 1):
        new = rows.get(number, [])
        if new is not None:
            same = not new or new == file.layout.cells(line)
            lines.append(line if same else file.layout.separator.join(new))
    return parse(file.path, lines, columns)


def _fix_lines(file: ColumnFile, changed: Counter[str]) -> list[str]:
    """Return the lines with bytes, columns, tokens and spellings of tags fixed."""
    lines = [fix_bytes(line) for line in file.lines]
    changed["encoding"] += sum(new != old for new, old in zip(lines, file.lines, strict=True))
    if file.layout_problem:
        return lines
    return [_fix_row(line, file, changed) if file.layout.is_row(line) else line for line in lines]


def _fix_row(line: str, file: ColumnFile, changed: Counter[str]) -> str:
    layout = file.layout
    cells = layout.cells(line)
    if len(cells) != layout.width:
        row = _fix_columns(line, layout)
        if row is None:
            return line
        changed["columns"] += 1
        if not row:
            return ""
        line, cells = layout.separator.join(row), row
    elif layout.has_other_separator(line):
        changed["separators"] += 1
        line = layout.separator.join(cells)
    new = list(cells)
    if file.affix and (stripped := file.affix.strip(cells[layout.token])) != cells[layout.token]:
        changed["affix"] += 1
        new[layout.token] = stripped
    new[layout.token] = _fix_token(new[layout.token], changed)
    tag_cell = cells[file.tag_column]
    tag = file.spelling.tags.get(tag_cell)
    if tag is not None and tag != tag_cell.strip(" "):
        new[file.tag_column] = tag
        changed["spelling"] += 1
    return line if new == cells else layout.separator.join(new)


def _fix_columns(line: str, layout: Layout) -> list[str] | None:
    """Return the corrected cells of a row that has the wrong number of columns.

    Returns an empty list for a line of invisible characters, and None if the correction is unclear.
    """
    if not strip_invisible(line):
        return []
    cells = layout.cells(line)
    while len(cells) > layout.width and not cells[-1].strip():
        cells.pop()
    if len(cells) != layout.width:
        cells = _GAP.split(line.strip(" \t"))
    return cells if len(cells) == layout.width else None


def _fix_token(token: str, changed: Counter[str]) -> str:
    """Return a token without invisible characters and decoding errors, however often it was misdecoded."""
    fixed = token
    kinds: set[str] = set()
    while new := strip_invisible(fix_mojibake(fixed) or fixed):
        if new == fixed:
            changed.update(kinds)
            return fixed
        kinds.add("damaged-text" if fix_mojibake(fixed) else "characters")
        fixed = new
    return token  # nothing visible would be left


def _rename_labels(names: Mapping[str, str], file: ColumnFile) -> dict[int, str]:
    """Return the new tags, by line, for labels whose spelling changes."""
    return {
        number: tag[:2] + names[tag[2:]]
        for sentence in file.sentences
        for number, tag in zip(sentence.lines, sentence.tags, strict=True)
        if tag is not None and tag[2:] in names
    }


def _legal_tags(file: ColumnFile) -> dict[int, str]:
    """Return the changed tags, by line, that bring sentences into the scheme of the file.

    Sentences with unknown tags stay as they are: what would be legal there is not known.
    """
    tags: dict[int, str] = {}
    violations = file.detector.violations(file.scheme)
    for sentence in file.sentences:
        own = [tag for tag in sentence.tags if tag is not None]
        if sentence.valid and has_violation(own, violations) and not any(map(is_set, own)):
            legal = from_spans(to_spans(own, LENIENT), len(own), file.scheme)
            rows = zip(sentence.lines, own, legal, strict=True)
            tags |= {number: new for number, old, new in rows if new != old}
    return tags


def _replace_tags(file: ColumnFile, tags: Mapping[int, str]) -> list[str]:
    """Return the lines of a file with new tags at the given line numbers (from 1)."""
    lines = list(file.lines)
    for number, tag in tags.items():
        cells = file.layout.cells(lines[number - 1])
        cells[file.tag_column] = tag
        lines[number - 1] = file.layout.separator.join(cells)
    return lines

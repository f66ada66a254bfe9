"""Copies of column files in which all is mended that has one answer; what a person must decide stays."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rnner.checks.labels import breaks, label_counts, plain_label
from rnner.checks.reading import ColumnFile, parse
from rnner.checks.text import mended_bytes, undamaged, visible
from rnner.data.layout import Layout
from rnner.errors import UsageError
from rnner.tags import LENIENT, from_spans, to_spans

_GAP = re.compile("[ \t]+")


class Repaired(NamedTuple):
    """A repaired copy, and how many of its lines were changed for each kind of finding."""

    file: ColumnFile
    changed: Counter[str]


def repair(files: Sequence[ColumnFile], columns: Mapping[str, int] | None = None) -> list[Repaired]:
    """Mended copies of files that belong together.

    Lines first: bytes that are not UTF-8, rows with another separator or empty columns at their end,
    characters that cannot be seen, UTF-8 read as Windows-1252, other spellings of tags and labels. Then the
    tags of sentences that break the scheme of their file, through the entities that conlleval reads in them.
    Nothing else is changed, and no line is taken out. `columns` as for the reading.
    """
    names = _usual_labels(files)
    return [_repair(file, names, columns) for file in files]


def targets(paths: Sequence[Path], out: Path, *, overwrite: bool) -> list[Path]:
    """Where the copies go: of one file to `out` itself, of several into the folder `out`.

    Raises UsageError if a copy would take the place of an original or of another copy, or, without
    `overwrite`, of any file.
    """
    copies = [out] if len(paths) == 1 else [out / path.name for path in paths]
    if len(set(copies)) < len(copies):
        raise UsageError(f"--fix {out}: two of the files have one name; repair them one by one")
    for copy in copies:
        if copy.is_dir():
            raise UsageError(f"--fix {copy}: is a folder; for a single file, give a file")
        if any(copy.exists() and copy.samefile(path) for path in paths):
            raise UsageError(f"--fix {copy}: is the file itself, which is never changed; give another place")
        if copy.exists() and not overwrite:
            raise UsageError(f"--fix {copy}: exists; --overwrite replaces it")
    return copies


def write(file: ColumnFile, path: Path) -> None:
    r"""Writes the lines of a file in UTF-8, each ended by `\n`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        out.writelines(f"{line}\n" for line in file.lines)


def _usual_labels(files: Sequence[ColumnFile]) -> dict[str, str]:
    """For labels that differ from a commoner one in case and punctuation only, that one."""
    counts = sum((label_counts(file) for file in files if file.layout), Counter[str]())
    alike = defaultdict(list)
    for label in sorted(counts, key=lambda label: (-counts[label], label)):
        alike[plain_label(label)].append(label)
    return {label: labels[0] for labels in alike.values() for label in labels[1:]}


def _repair(file: ColumnFile, names: Mapping[str, str], columns: Mapping[str, int] | None) -> Repaired:
    changed: Counter[str] = Counter()
    lines = [mended_bytes(line) for line in file.lines]
    changed["encoding"] = sum(new != old for new, old in zip(lines, file.lines, strict=True))
    if file.layout is not None:
        lines = [_mended(line, file, file.layout, names, changed) for line in lines]
        copy = parse(file.path, lines, columns)
        for number, line in _retagged(copy):
            copy.lines[number - 1] = line
            changed["transition"] += 1
        lines = copy.lines
    return Repaired(parse(file.path, lines, columns), +changed)


def _mended(
    line: str, file: ColumnFile, layout: Layout, names: Mapping[str, str], changed: Counter[str]
) -> str:
    """A line with its columns, its token and its tag mended, each as far as there is one way."""
    if not layout.is_row(line):
        return line
    cells = layout.cells(line)
    if len(cells) != layout.width:
        row = _row(line, layout)
        if row is None:
            return line
        changed["columns"] += 1
        if not row:
            return ""
        line, cells = layout.separator.join(row), row
    new, tag = list(cells), layout.tag or 0
    new[layout.token] = _token(cells[layout.token], changed)
    new[tag] = _tag(cells[tag], file, names, changed)
    return line if new == cells else layout.separator.join(new)


def _row(line: str, layout: Layout) -> list[str] | None:
    """The cells of a row that only seemed ragged; none for a line with nothing to see; None: unclear."""
    if not visible(line):
        return []
    cells = layout.cells(line)
    while len(cells) > layout.width and not cells[-1].strip():
        cells.pop()
    if len(cells) != layout.width:
        cells = _GAP.split(line.strip(" \t"))
    return cells if len(cells) == layout.width else None


def _token(token: str, changed: Counter[str]) -> str:
    decoded = undamaged(token) or token
    seen = visible(decoded) or decoded
    if not seen.strip():
        return token
    changed["damaged-text"] += decoded != token
    changed["characters"] += seen != decoded
    return seen


def _tag(cell: str, file: ColumnFile, names: Mapping[str, str], changed: Counter[str]) -> str:
    given = cell.strip(" ")
    tag = file.spelled.get(cell, given)
    if tag is None:
        return cell
    new = tag[:2] + names.get(tag[2:], tag[2:])
    changed["tag"] += tag != given
    changed["similar-labels"] += new != tag
    return cell if new == given else new


def _retagged(file: ColumnFile) -> Iterator[tuple[int, str]]:
    """The rows whose tags are others when those of their sentence are made to obey the file's scheme."""
    layout, illegal = file.layout, file.detector.illegal(file.scheme)
    if layout is None or not illegal or file.scheme == "binary":
        return
    for sentence in file.sentences:
        tags = [tag for tag in sentence.tags if tag is not None]
        if not sentence.sound or not breaks(tags, illegal):
            continue
        legal = from_spans(to_spans(tags, LENIENT), len(tags), file.scheme)
        for number, old, new in zip(sentence.lines, tags, legal, strict=True):
            if new != old:
                cells = layout.cells(file.lines[number - 1])
                cells[layout.tag or 0] = new
                yield number, layout.separator.join(cells)

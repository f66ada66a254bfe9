"""Copies of column files in which all is mended that has one answer; what a person must decide stays."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rnner.data.formats.column_layout import Layout
from rnner.errors import UsageError
from rnner.tags import LENIENT, from_spans, to_spans
from rnner.workbench.check.labels import breaks, label_counts, plain_label
from rnner.workbench.check.lenient_reader import ColumnFile, meaning, parse
from rnner.workbench.check.token_text import mended_bytes, undamaged, visible

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
    changed = [Counter[str]() for _ in files]
    mended = list(map(_mended, files, changed))
    files = [parse(file.path, lines, columns) for file, lines in zip(files, mended, strict=True)]
    names = _usual_labels(files)
    for rewritten in (partial(_renamed, names=names), _legal):
        lines = list(map(rewritten, files, changed))
        files = [parse(file.path, own, columns) for file, own in zip(files, lines, strict=True)]
    return [Repaired(file, +counts) for file, counts in zip(files, changed, strict=True)]


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


def _mended(file: ColumnFile, changed: Counter[str]) -> list[str]:
    """The lines with bytes, columns, tokens and spellings of tags mended, as far as there is one way."""
    lines = [mended_bytes(line) for line in file.lines]
    changed["encoding"] += sum(new != old for new, old in zip(lines, file.lines, strict=True))
    layout = file.layout
    if layout is None:
        return lines
    return [_mended_row(line, file, layout, changed) if layout.is_row(line) else line for line in lines]


def _mended_row(line: str, file: ColumnFile, layout: Layout, changed: Counter[str]) -> str:
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
    meant = meaning(cells[tag], binary=file.binary)
    if meant is not None and meant != cells[tag].strip(" "):
        new[tag] = meant
        changed["tag"] += 1
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
    """A token that can be seen and read; what was decoded wrongly twice is undone twice."""
    seen = token
    kinds: set[str] = set()
    while new := visible(undamaged(seen) or seen):
        if new == seen:
            changed.update(kinds)
            return seen
        kinds.add("damaged-text" if undamaged(seen) else "characters")
        seen = new
    return token


def _renamed(file: ColumnFile, changed: Counter[str], names: Mapping[str, str]) -> list[str]:
    """The lines with the usual spelling of each label."""
    tags = {
        number: tag[:2] + names[tag[2:]]
        for sentence in file.sentences
        for number, tag in zip(sentence.lines, sentence.tags, strict=True)
        if tag is not None and tag[2:] in names
    }
    changed["similar-labels"] += len(tags)
    return _with_tags(file, tags)


def _legal(file: ColumnFile, changed: Counter[str]) -> list[str]:
    """The lines with all sentences in the scheme of the file; those that break it as conlleval reads them."""
    tags: dict[int, str] = {}
    illegal = file.detector.illegal(file.scheme)
    for sentence in file.sentences:
        if sentence.sound and breaks(sentence.tags, illegal):
            own = [tag for tag in sentence.tags if tag is not None]
            legal = from_spans(to_spans(own, LENIENT), len(own), file.scheme)
            rows = zip(sentence.lines, own, legal, strict=True)
            tags |= {number: new for number, old, new in rows if new != old}
    changed["transition"] += len(tags)
    return _with_tags(file, tags)


def _with_tags(file: ColumnFile, tags: Mapping[int, str]) -> list[str]:
    """The lines, those in `tags` (counted from 1) with these tags."""
    lines, layout = list(file.lines), file.layout
    for number, tag in tags.items():
        assert layout is not None  # there are no sentences without
        cells = layout.cells(lines[number - 1])
        cells[layout.tag or 0] = tag
        lines[number - 1] = layout.separator.join(cells)
    return lines

"""CoNLL-U (universaldependencies.org/format.html) with entity tags in the last column, MISC: `NER=B-PER`.

Tags are read from `NER=`, `name=`, `NE=` and `Tag=`, which different tools write, and written as `NER=`.
Words are the rows whose ID is a whole number. Ranges such as `1-2` ("don't" above "do" and "n't") and empty
nodes such as `1.1` are not words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TextIO

from rnner.data.formats.annotated import SourceFile, TaggedSentence
from rnner.data.formats.column_layout import is_blank
from rnner.data.formats.head import Head
from rnner.data.lines import read_lines_of_sentences
from rnner.data.token_table import NO_DOCUMENT
from rnner.text.spacing import plain_spacing

_WIDTH = 10
_TAG_KEYS = ("ner", "name", "ne", "tag")
_WORD_ID = re.compile(r"[0-9]+")
_OTHER_ID = re.compile(r"[0-9]+[-.][0-9]+")
_SKIPPED_NOTE = "ranges (1-2) and empty nodes (1.1) skipped, because they are not words"

_Row = tuple[int, list[str]]  # line number and cells


def read(source: SourceFile) -> Iterator[TaggedSentence]:
    """Yield the sentences; a word without a tag key is outside any entity.

    Raises DataError with the line for a row that lacks ten columns or a valid ID; also if no word has a tag,
    but the source must have tags.
    """
    document, words, tagged = NO_DOCUMENT, 0, False
    lines = enumerate(read_lines_of_sentences(source.path), 1)
    for blank, group in groupby(lines, key=lambda pair: is_blank(pair[1])):
        if blank:
            continue
        rows: list[_Row] = []
        for number, line in group:
            if line[0] != "#":
                rows.append((number, _parse_cells(source, line, number)))
            elif line[1:].split()[:1] == ["newdoc"]:
                if rows:
                    raise source.error("# newdoc within a sentence: put a blank line before it", number)
                document += 1
        word_rows = [row for row in rows if _WORD_ID.fullmatch(row[1][0])]
        if word_rows:
            misc = [_parse_misc(cells[-1]) for _, cells in word_rows]
            tags = [next((values[key] for key in _TAG_KEYS if key in values), None) for values in misc]
            words += len(word_rows)
            tagged = tagged or any(tag is not None for tag in tags)
            yield TaggedSentence(
                [cells[1] for _, cells in word_rows],
                ["O" if tag is None else tag for tag in tags],
                [number for number, _ in word_rows],
                document,
                _spaces(rows),
            )
        if len(rows) > len(word_rows):
            source.notes[_SKIPPED_NOTE] += len(rows) - len(word_rows)
    if words and not tagged and source.tagged:
        raise source.error("no word has an entity tag, such as NER=B-PER, in its last column (MISC)")


def write(sentences: Iterable[TaggedSentence], out: TextIO, source: SourceFile) -> None:
    """Write numbers, words and MISC (`NER=`, `SpaceAfter=No`); the columns between are `_`.

    Raises DataError, with the line in the source, for a word or tag that CoNLL-U cannot hold.
    """
    document = NO_DOCUMENT
    for number, sentence in enumerate(sentences, 1):
        if sentence.document != document:
            document = sentence.document
            out.write(f"# newdoc id = {document + 1}\n")
        spaces = sentence.spaces or [*plain_spacing(sentence.words)[:-1], True]
        text = "".join(f"{w} " if s else w for w, s in zip(sentence.words, spaces, strict=True)).strip(" ")
        out.write(f"# sent_id = {number}\n# text = {text}\n")
        rows = zip(sentence.words, sentence.tags, spaces, strict=True)
        for position, (word, tag, space) in enumerate(rows, 1):
            if not {"\t", "\n", "\0"}.isdisjoint(word) or not set("\t\n\0\r |").isdisjoint(tag):
                raise source.error(f"CoNLL-U cannot hold {word!r} tagged {tag!r}", sentence.lines[0])
            misc = f"NER={tag}" + ("" if space else "|SpaceAfter=No")
            out.write("\t".join([str(position), word, *"_" * 7, misc]) + "\n")
        out.write("\n")


def detect(head: Head) -> bool:
    """Return whether all rows have ten columns, of which the first is a word number and the last is MISC."""
    cells = [line.split("\t") for line in head.rows]
    return bool(cells) and all(
        len(row) == _WIDTH
        and _is_id(row[0])
        and (row[-1] == "_" or all("=" in part for part in row[-1].split("|")))
        for row in cells
    )


def _is_id(cell: str) -> bool:
    return bool(_WORD_ID.fullmatch(cell) or _OTHER_ID.fullmatch(cell))


def _parse_cells(source: SourceFile, line: str, number: int) -> list[str]:
    cells = line.split("\t")
    if len(cells) != _WIDTH:
        raise source.error(f"{len(cells)} columns separated by tabs, but CoNLL-U has {_WIDTH}", number)
    if not _is_id(cells[0]):
        raise source.error(f"{cells[0]!r} is not a word number (1, 1-2 or 1.1)", number)
    return cells


def _parse_misc(cell: str) -> dict[str, str]:
    """Return the values of MISC by lower-case key."""
    pairs = (part.partition("=") for part in cell.split("|"))
    return {key.strip().lower(): value.strip(" ") for key, _, value in pairs if value}


def _spaces(rows: Iterable[_Row]) -> list[bool] | None:
    """Return, for each word, whether a space follows it; None if a space follows all words.

    For the last word of a range, the range row decides.
    """
    spaces: list[bool] = []
    last, space_after_range = "", True
    for _, cells in rows:
        space = _parse_misc(cells[-1]).get("spaceafter") != "No"
        if "-" in cells[0]:
            last, space_after_range = cells[0].split("-")[1], space
        elif "." not in cells[0]:
            spaces.append(space_after_range if cells[0] == last else space)
    return None if all(spaces) else spaces

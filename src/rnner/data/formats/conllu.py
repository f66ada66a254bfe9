"""CoNLL-U (universaldependencies.org/format.html) with names in the last column, MISC: `NER=B-PER`.

Read from `NER=`, `name=` and `NE=`, as different tools write; written as `NER=`. Words are the rows with a
whole number: ranges such as `1-2` (don't, over do and n't) and empty nodes such as `1.1` are no words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TextIO

from rnner.data.formats.annotated import SourceFile, TaggedSentence
from rnner.data.formats.column_layout import is_blank
from rnner.data.lines import read_lines
from rnner.data.token_table import UNMARKED

WIDTH = 10
_KEYS = ("ner", "name", "ne")
_WORD = re.compile(r"[0-9]+")
_NO_WORD = re.compile(r"[0-9]+[-.][0-9]+")
_NOT_WORDS = "ranges (1-2) and empty nodes (1.1) of CoNLL-U are no words, so not taken over"

_Row = tuple[int, list[str]]  # the line, and its cells


def read(source: SourceFile) -> Iterator[TaggedSentence]:
    """The sentences; a word without a key for names is outside.

    Raises DataError with the line for a row that has not ten columns or no number, and if no word has a key.
    """
    document, words, named = UNMARKED, 0, False
    lines = enumerate(read_lines(source.path), 1)
    for blank, group in groupby(lines, key=lambda pair: is_blank(pair[1])):
        if blank:
            continue
        rows: list[_Row] = []
        for number, line in group:
            if line[0] != "#":
                rows.append((number, _cells(source, line, number)))
            elif line[1:].split()[:1] == ["newdoc"]:
                if rows:
                    raise source.error("# newdoc within a sentence: a blank line goes before it", number)
                document += 1
        if kept := [row for row in rows if _WORD.fullmatch(row[1][0])]:
            misc = [_misc(cells[-1]) for _, cells in kept]
            words += len(kept)
            named = named or any(key in values for values in misc for key in _KEYS)
            tags = [next((values[key] for key in _KEYS if key in values), "O") for values in misc]
            spaces = _spaces(rows)
            yield TaggedSentence(
                [row[1][1] for row in kept], tags, [row[0] for row in kept], document, spaces
            )
        if len(rows) > len(kept):
            source.notes[_NOT_WORDS] += len(rows) - len(kept)
    if words and not named:
        raise source.error("no word has a tag for names, such as NER=B-PER, in its last column (MISC)")


def write(sentences: Iterable[TaggedSentence], out: TextIO, source: SourceFile) -> None:
    """Writes numbers, words and MISC (`NER=`, `SpaceAfter=No`); the columns between are `_`.

    Raises DataError, with the place in the source, for what such a file cannot hold.
    """
    document = UNMARKED
    for number, sentence in enumerate(sentences, 1):
        if sentence.document != document:
            document = sentence.document
            out.write(f"# newdoc id = {document + 1}\n")
        spaces = sentence.spaces or [True] * len(sentence.words)
        text = "".join(f"{w} " if s else w for w, s in zip(sentence.words, spaces, strict=True)).strip(" ")
        out.write(f"# sent_id = {number}\n# text = {text}\n")
        rows = zip(sentence.words, sentence.tags, spaces, strict=True)
        for position, (word, tag, space) in enumerate(rows, 1):
            if not {"\t", "\n", "\0"}.isdisjoint(word) or not set("\t\n\0\r |").isdisjoint(tag):
                raise source.error(f"CoNLL-U cannot hold {word!r} tagged {tag!r}", sentence.lines[0])
            misc = f"NER={tag}" + ("" if space else "|SpaceAfter=No")
            out.write("\t".join([str(position), word, *"_" * 7, misc]) + "\n")
        out.write("\n")


def looks_like(rows: Iterable[str]) -> bool:
    """Whether rows (no blanks, no comments) have ten columns by tabs, a number first and MISC last."""
    cells = [line.split("\t") for line in rows]
    return bool(cells) and all(
        len(row) == WIDTH
        and (_WORD.fullmatch(row[0]) or _NO_WORD.fullmatch(row[0]))
        and (row[-1] == "_" or all("=" in part for part in row[-1].split("|")))
        for row in cells
    )


def _cells(source: SourceFile, line: str, number: int) -> list[str]:
    cells = line.split("\t")
    if len(cells) != WIDTH:
        raise source.error(f"{len(cells)} columns by tabs, where CoNLL-U has {WIDTH}", number)
    if not (_WORD.fullmatch(cells[0]) or _NO_WORD.fullmatch(cells[0])):
        raise source.error(f"{cells[0]!r} is no word number (1, 1-2 or 1.1)", number)
    return cells


def _misc(cell: str) -> dict[str, str]:
    """The values of MISC; keys in lower case."""
    pairs = (part.partition("=") for part in cell.split("|"))
    return {key.strip().lower(): value.strip(" ") for key, _, value in pairs if value}


def _spaces(rows: Iterable[_Row]) -> list[bool]:
    """Whether a space follows each word; after the last word of a range, what the range says."""
    spaces: list[bool] = []
    last, space_after_range = "", True
    for _, cells in rows:
        space = _misc(cells[-1]).get("spaceafter") != "No"
        if "-" in cells[0]:
            last, space_after_range = cells[0].split("-")[1], space
        elif "." not in cells[0]:
            spaces.append(space_after_range if cells[0] == last else space)
    return spaces

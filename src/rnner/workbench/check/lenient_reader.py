"""A column file read as far as it can be: what a strict reader refuses is kept, with its place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from rnner.data.formats.column_layout import Layout, detect_layout
from rnner.data.lines import TextSource, name_of, read_lines
from rnner.errors import DataError
from rnner.tags import LENIENT, SchemeDetector, SchemeError, Span, is_tag, to_spans

_SAMPLE = 5000  # lines from which the layout is found
_BINARY = frozenset("01")
_OTHER_LETTERS = {"L": "E", "U": "S", "M": "I", "W": "S"}  # BILOU and BMEWO in the letters of BIOES


@dataclass(slots=True)
class ParsedSentence:
    """A sentence as far as it could be read.

    Attributes:
        words: its tokens.
        tags: their tags, other spellings corrected; None where the cell is no tag.
        lines: the line of each token, from 1.
        sound: whether every row could be read and every tag is one, so that their order can be judged.
    """

    words: list[str]
    tags: list[str | None]
    lines: list[int]
    sound: bool


@dataclass
class ColumnFile:
    """A column file with all its faults.

    Attributes:
        path: what messages call it.
        lines: its lines; bytes that are not UTF-8 are lone surrogates.
        layout: separator and columns, None if they cannot be made out.
        problem: why they cannot.
        sentences: in order.
        ragged: line and number of columns of the rows that were left out.
        spelled: the cells of the tag column that are no tags: what they are meant for, or None.
        binary: whether most tags are 0 and 1.
    """

    path: str
    lines: list[str]
    layout: Layout | None = None
    problem: str = ""
    sentences: list[ParsedSentence] = field(default_factory=list)
    ragged: list[tuple[int, int]] = field(default_factory=list)
    spelled: dict[str, str | None] = field(default_factory=dict)
    binary: bool = False

    @cached_property
    def detector(self) -> SchemeDetector:
        """The neighbouring tags of the sound sentences."""
        detector = SchemeDetector()
        for sentence in self.sentences:
            if sentence.sound:
                detector.add(sentence.tags)  # type: ignore[arg-type]  # no None in a sound sentence
        return detector

    @cached_property
    def scheme(self) -> str:
        """The scheme that the tags obey, or break in the fewest places."""
        if self.binary:
            return "binary"
        try:
            return self.detector.decide()
        except SchemeError as error:
            return error.scheme

    @cached_property
    def spans(self) -> list[list[Span]]:
        """The entities of each sentence, as conlleval reads them; where a tag is no tag there is none."""
        reading, outside = ("binary", "0") if self.binary else (LENIENT, "O")
        return [to_spans([tag or outside for tag in sentence.tags], reading) for sentence in self.sentences]

    def column(self, line: int, cell: int, offset: int = 0) -> int:
        """The column in the text, from 1, of a character in a cell of a row; all counted from 0."""
        assert self.layout is not None
        text = self.lines[line - 1]
        if self.layout.separator == "\t":
            return sum(len(before) + 1 for before in text.split("\t")[:cell]) + offset + 1
        begin = len(text) - len(text.lstrip(" \t"))
        starts = [match.start() for match in re.finditer("[^ ]+", text[begin:])]
        return begin + starts[cell] + offset + 1


def read_file(source: TextSource, columns: Mapping[str, int] | None = None) -> ColumnFile:
    """Reads a column file; `columns` as ConllReader takes them.

    Raises DataError for a file that is not there, or is not text.
    """
    return parse(name_of(source), list(read_lines(source, lenient=True)), columns)


def parse(path: str, lines: Sequence[str], columns: Mapping[str, int] | None = None) -> ColumnFile:
    """The column file that these lines make."""
    file = ColumnFile(path, list(lines))
    try:
        file.layout = detect_layout(file.lines[:_SAMPLE], columns=columns, name=path)
    except DataError as error:
        file.problem = error.message
        return file
    _read_rows(file, file.layout)
    return file


def _read_rows(file: ColumnFile, layout: Layout) -> None:
    """Fills in the sentences, and the rows that are not part of one."""
    words: list[str] = []
    cells_of_tags: list[str] = []
    numbers: list[int] = []
    broken = False
    read: list[tuple[list[str], list[str], list[int], bool]] = []
    for number, line in enumerate([*file.lines, ""], 1):  # a blank at the end closes the last sentence
        if layout.is_row(line):
            cells = layout.cells(line)
            if len(cells) != layout.width:
                file.ragged.append((number, len(cells)))
                broken = True
                continue
            words.append(cells[layout.token])
            cells_of_tags.append(cells[layout.tag or 0])
            numbers.append(number)
        elif layout.begins_document(line) or not layout.is_comment(line):
            if words:
                read.append((words, cells_of_tags, numbers, broken))
                words, cells_of_tags, numbers = [], [], []
            broken = False
    counts = Counter(cell for _, own, _, _ in read for cell in own)
    file.binary = sum(counts[digit] for digit in _BINARY) * 2 > counts.total()
    known = {cell: meaning(cell, binary=file.binary) for cell in counts}
    file.spelled = {cell: tag for cell, tag in known.items() if cell.strip(" ") != tag}
    for words, own, numbers, broken in read:
        tags = [known[cell] for cell in own]
        file.sentences.append(ParsedSentence(words, tags, numbers, not broken and None not in tags))


def meaning(cell: str, *, binary: bool) -> str | None:
    """The tag that a cell holds or is meant for, None if there is none."""
    tag = cell.strip(" ")
    if is_tag(tag) and (tag in _BINARY) == binary:
        return tag
    return None if binary else _meant(tag)


def _meant(cell: str) -> str | None:
    """The tag that a cell spells in other letters: `L-PER`, `b-PER`, `B_PER`, `o`; None if there is none."""
    if cell == "o":
        return "O"
    prefix = cell[:1].upper()
    tag = _OTHER_LETTERS.get(prefix, prefix) + "-" + cell[2:]
    return tag if cell[1:2] in ("-", "_") and is_tag(tag) else None

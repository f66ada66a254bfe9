"""Lenient reader of column files: content that ConllReader rejects is kept with its position."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from rnner.data.affixes import Affix, find_affix
from rnner.data.formats.column_layout import LAYOUT_SAMPLE, Layout, detect_layout
from rnner.data.lines import TextSource, name_of, read_lines
from rnner.data.scheme_detector import SchemeDetector, SchemeError
from rnner.data.tag_sets import is_set
from rnner.data.tag_spellings import Spelling, spelling_of
from rnner.errors import DataError
from rnner.tags import LENIENT, UNKNOWN, Span, to_spans


@dataclass(slots=True)
class ParsedSentence:
    """A sentence, as far as it can be read.

    Attributes:
        words: its tokens.
        tag_cells: the cells of the tag column.
        lines: the line of each token, from 1.
        tags: the tags in the standard spelling; None where the cell is not a tag.
        valid: whether all rows and tags were valid, so that the order of the tags can be checked.
    """

    words: list[str] = field(default_factory=list)
    tag_cells: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    tags: list[str | None] = field(default_factory=list)
    valid: bool = True


@dataclass
class ColumnFile:
    """A column file, including its invalid content.

    Attributes:
        path: its name in messages.
        lines: its lines; bytes that are not UTF-8 are lone surrogates.
        layout: separator and columns.
        layout_problem: why the layout cannot be detected; if set, nothing else is read.
        sentences: in order.
        ragged: line and number of columns of the rows with a wrong number of columns.
        spelling: how the tags are spelled.
    """

    path: str
    lines: list[str]
    layout: Layout = field(default_factory=Layout)
    layout_problem: str = ""
    sentences: list[ParsedSentence] = field(default_factory=list)
    ragged: list[tuple[int, int]] = field(default_factory=list)
    spelling: Spelling = field(default_factory=lambda: spelling_of({}))

    @property
    def binary(self) -> bool:
        """Whether the tags are 0 and 1."""
        return self.spelling.kind == "binary"

    @cached_property
    def affix(self) -> Affix | None:
        """The affix that nearly all tokens share."""
        return find_affix({word for sentence in self.sentences for word in sentence.words})

    @cached_property
    def detector(self) -> SchemeDetector:
        """The scheme detector, which has seen the tags of all valid sentences."""
        detector = SchemeDetector()
        for sentence in self.sentences:
            if sentence.valid:
                detector.add(sentence.tags)  # type: ignore[arg-type]  # no None in a valid sentence
        return detector

    @cached_property
    def scheme(self) -> str:
        """The scheme with the fewest violations."""
        if self.binary:
            return "binary"
        try:
            return self.detector.detect()
        except SchemeError as error:
            return error.scheme

    @cached_property
    def spans(self) -> list[list[Span]]:
        """The entities of each sentence, as conlleval reads them; invalid tags are outside."""
        scheme, outside = ("binary", "0") if self.binary else (LENIENT, "O")
        return [to_spans([tag or outside for tag in sentence.tags], scheme) for sentence in self.sentences]

    @cached_property
    def unknown_words(self) -> list[list[int]]:
        """The positions of each sentence's words whose tag or label is not known."""
        return [
            [position for position, tag in enumerate(sentence.tags) if tag is not None and is_set(tag)]
            for sentence in self.sentences
        ]

    @cached_property
    def label_counts(self) -> Counter[str]:
        """The number of entities of each label that is known."""
        return Counter(span.label for spans in self.spans for span in spans if span.label != UNKNOWN)

    @property
    def tag_column(self) -> int:
        """The column of the tags, from 0."""
        return self.layout.tag or 0  # None only in a file without rows

    def token_position(self, line: int, offset: int = 0) -> int:
        """Return the position (from 1) in the given line of the token's character at `offset` (from 0)."""
        return self._position(line, self.layout.token) + offset

    def tag_position(self, line: int) -> int:
        """Return the position (from 1) of the tag in the given line."""
        return self._position(line, self.tag_column)

    def _position(self, line: int, column: int) -> int:
        text = self.lines[line - 1]
        odd = self.layout.has_other_separator(text)
        if self.layout.separator == "\t" and not odd:
            return sum(len(cell) + 1 for cell in text.split("\t")[:column]) + 1
        indent = len(text) - len(text.lstrip(" \t"))
        starts = [match.start() for match in re.finditer("[^ \t]+" if odd else "[^ ]+", text[indent:])]
        return indent + starts[column] + 1


def read_file(
    source: TextSource, columns: Mapping[str, int] | None = None, unknown: str = UNKNOWN
) -> ColumnFile:
    """Read a column file; `columns` as for ConllReader, `unknown` is the mark of unknown tags.

    Raises DataError if the file does not exist or is not text.
    """
    return parse(name_of(source), list(read_lines(source, lenient=True)), columns, unknown)


def parse(
    path: str, lines: Sequence[str], columns: Mapping[str, int] | None = None, unknown: str = UNKNOWN
) -> ColumnFile:
    """Parse the lines of a column file; `path` is its name in messages, the rest as for `read_file`."""
    file = ColumnFile(path, list(lines))
    try:
        file.layout = detect_layout(file.lines[:LAYOUT_SAMPLE], columns=columns, name=path)
    except DataError as error:
        file.layout_problem = error.message
        return file
    _read_rows(file)
    _parse_tags(file, unknown)
    return file


def _read_rows(file: ColumnFile) -> None:
    """Set the sentences, still without tags, and the ragged rows."""
    layout = file.layout
    sentence = ParsedSentence()
    for number, line in enumerate([*file.lines, ""], 1):  # a blank line ends the last sentence
        if layout.is_row(line):
            cells = layout.cells(line)
            if len(cells) == layout.width:
                sentence.words.append(cells[layout.token])
                sentence.tag_cells.append(
                    cells[file.tag_column] if layout.label is None else layout.tag_of(cells)
                )
                sentence.lines.append(number)
            else:
                file.ragged.append((number, len(cells)))
                sentence.valid = False
        elif layout.begins_document(line) or not layout.is_comment(line):
            if sentence.words:
                file.sentences.append(sentence)
            sentence = ParsedSentence()


def _parse_tags(file: ColumnFile, unknown: str) -> None:
    cells = Counter(cell for sentence in file.sentences for cell in sentence.tag_cells)
    file.spelling = spelling_of(cells, unknown)
    tags = file.spelling.tags
    for sentence in file.sentences:
        sentence.tags = [tags.get(cell) for cell in sentence.tag_cells]
        sentence.valid = sentence.valid and None not in sentence.tags

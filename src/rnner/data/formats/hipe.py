"""The HIPE format (github.com/hipe-eval/HIPE-2022-data): tab-separated columns that a header names.

    TOKEN	NE-COARSE-LIT	NE-FINE-LIT	MISC
    # hipe2022:document_id = letters-1
    Ada	B-pers	B-pers.ind	_
    wrote	O	O	NoSpaceAfter
    .	O	O	EndOfSentence

Tags are read from NE-COARSE-LIT (coarse types, literal sense), or from another column on request. A document
begins at its document_id. A sentence ends at `EndOfSentence` (HIPE-2020: `PySBDSegment`) and at blank lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TextIO

from rnner.data.formats.annotated import SourceFile, TaggedSentence
from rnner.data.formats.column_layout import is_blank, show_row
from rnner.data.formats.head import Head
from rnner.data.formats.table_columns import TagColumns, chosen_columns
from rnner.data.lines import read_lines
from rnner.data.token_table import NO_DOCUMENT
from rnner.errors import counted

_HEADER = (
    "TOKEN NE-COARSE-LIT NE-COARSE-METO NE-FINE-LIT NE-FINE-METO NE-FINE-COMP NE-NESTED NEL-LIT NEL-METO MISC"
)
_READ = "NE-COARSE-LIT"
_SENTENCE_ENDS = ("EndOfSentence", "PySBDSegment")
_NO_SPACE = "NoSpaceAfter"
_EMPTY = "_"
_SPLIT_NOTE = "sentence ends (EndOfSentence) within names ignored"
_PARTIAL_NOTE = "names that cover part of a word (Partial-0:4) read as the whole word"
_WHOLE_NOTE = "documents without EndOfSentence read as one sentence"


def detect(head: Head) -> bool:
    """Return whether the first row is a header of HIPE."""
    return bool(head.rows) and _is_header(head.rows[0].split("\t"))


def read(source: SourceFile) -> Iterator[TaggedSentence]:
    """Yield the sentences.

    Raises DataError with the line if there is no header, for a row with more or fewer columns than it, and if
    the column to read is empty.
    """
    rows: _Rows | None = None
    names: list[str] = []
    document = NO_DOCUMENT
    for number, line in enumerate(read_lines(source.path), 1):
        cells = line.split("\t")
        if is_blank(line):
            yield from rows.end(document) if rows else ()
        elif _is_comment(line) and len(cells) != len(names):
            if line[1:].partition("=")[0].strip().endswith("document_id"):
                yield from rows.end(document) if rows else ()
                document += 1
        elif _is_header(cells):
            if rows is None:
                names = cells
                rows = _Rows(source, names, _tag_columns(source, names))
            elif cells != names:
                raise source.error(f"a second header, with different columns: {show_row(line)}", number)
        elif rows is None:
            raise source.error(f"expected the header TOKEN, {_READ}, ..., found {show_row(line)}", number)
        elif len(cells) != len(names):
            width = f"where the header names {len(names)} (separated by tabs)"
            raise source.error(f"{counted(len(cells), 'column')}, {width}: {show_row(line)}", number)
        else:
            yield from rows.add(number, cells, document)
    if rows is not None:
        yield from rows.end(document)
        rows.check_and_note()


def write(sentences: Iterable[TaggedSentence], out: TextIO, source: SourceFile) -> None:
    """Write the ten columns of HIPE-2022; tags are in NE-COARSE-LIT, the columns for other tags are empty.

    Raises DataError, with the line in the source, for a word or tag that the format cannot hold.
    """
    document = NO_DOCUMENT
    out.write(_HEADER.replace(" ", "\t") + "\n")
    for sentence in sentences:
        if sentence.document != document:
            document = sentence.document
            out.write(f"\n# hipe2022:document_id = {document + 1}\n")
        last = len(sentence.words) - 1
        for i, (word, tag) in enumerate(zip(sentence.words, sentence.tags, strict=True)):
            if not {"\t", "\n", "\0"}.isdisjoint(word + tag):
                raise source.error(f"HIPE cannot hold {word!r} tagged {tag!r}", sentence.lines[0])
            flags = [] if sentence.spaces is None or sentence.spaces[i] else [_NO_SPACE]
            flags += [_SENTENCE_ENDS[0]] if i == last else []
            out.write("\t".join([word, tag, *[_EMPTY] * 7, "|".join(flags) or _EMPTY]) + "\n")


def _is_comment(line: str) -> bool:
    return line.startswith("# ") or (line[0] == "#" and "\t" not in line)


def _is_header(cells: list[str]) -> bool:
    return cells[0] == "TOKEN" and any(name.startswith("NE-") for name in cells)


def _tag_columns(source: SourceFile, names: list[str]) -> TagColumns:
    columns = {i: name for i, name in enumerate(names) if name.startswith("NE-")}
    default = names.index(_READ) if _READ in names else next(iter(columns))
    tag = chosen_columns(source, names).get("tag", default)
    return TagColumns(tag, {**columns, tag: names[tag]})


@dataclass
class _Rows:
    """The rows of the current sentence, until it ends."""

    source: SourceFile
    names: list[str]
    tags: TagColumns
    lines: list[int] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    first_prefix: str = ""  # of the first entity of the file
    document_with_ends: int | None = None  # the last document in which a sentence end was found
    complete: bool = False  # whether the sentence has ended, unless the next row continues an entity
    any_tag: bool = False

    def add(self, number: int, cells: list[str], document: int) -> Iterator[TaggedSentence]:
        """Add a row; yield the sentence before it if it is complete."""
        tag = cells[self.tags.read]
        self.any_tag = self.any_tag or tag != _EMPTY
        if not self.first_prefix and tag[1:2] == "-":
            self.first_prefix = tag[0]
        if self.complete:
            if self._continues(tag):
                self.source.notes[_SPLIT_NOTE] += 1
                self.complete = False
            else:
                yield from self._sentence(document)
        flags = self._flags(cells)
        self.source.notes.update([_PARTIAL_NOTE] if any(it.startswith("Partial-") for it in flags) else [])
        self.lines.append(number)
        self.rows.append(cells)
        if not flags.isdisjoint(_SENTENCE_ENDS):
            self.complete, self.document_with_ends = True, document

    def end(self, document: int) -> Iterator[TaggedSentence]:
        """Yield the last sentence before a blank line, a document or the end of the file."""
        if self.rows and not self.complete and self.document_with_ends != document:
            self.source.notes[_WHOLE_NOTE] += 1
        yield from self._sentence(document)

    def check_and_note(self) -> None:
        """Raise DataError if no row had a tag; note the other columns with entities."""
        if not self.any_tag and self.source.tagged:
            column = self.names[self.tags.read]
            others = [self.tags.names[i] for i, count in self.tags.counts.items() if count]
            advice = f"; choose another column: --columns tag={others[0]}" if others else ""
            raise self.source.error(f"the column {column} contains only _{advice}")
        self.tags.note(self.source)

    def _sentence(self, document: int) -> Iterator[TaggedSentence]:
        rows, lines = self.rows, self.lines
        self.rows, self.lines, self.complete = [], [], False
        if rows:
            for column in self.tags.names:
                self.tags.add(column, (cells[column] for cells in rows))
            tags = [cells[self.tags.read] for cells in rows]
            spaces = [_NO_SPACE not in self._flags(cells) for cells in rows]
            tags = ["O" if tag == _EMPTY else tag for tag in tags]
            yield TaggedSentence([cells[0] for cells in rows], tags, lines, document, spaces)

    def _continues(self, tag: str) -> bool:
        """Return whether a tag continues the last row's entity; False if entities do not begin with B-."""
        before = self.rows[-1][self.tags.read]
        return (
            self.first_prefix == "B"
            and tag[:2] in ("I-", "E-")
            and before[:2] in ("B-", "I-")
            and tag[2:] == before[2:]
        )

    def _flags(self, cells: list[str]) -> set[str]:
        return set(cells[-1].split("|")) if self.names[-1] == "MISC" else set()

"""Column files (CoNLL): one token per line, columns separated by tabs or spaces, blank lines after sentences.

    EU NNP B-NP B-ORG          four columns separated by spaces, as in CoNLL-2003
    rejects VBZ B-VP O

Documents begin at `-DOCSTART-` lines or `# newdoc` comments. No line is dropped: each one is a token, a blank
line, a comment, a document mark, a header, or an error with its line number (`column_layout` says which).
Tags are yielded unchanged; `rnner.data.tag_spellings` interprets them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TextIO

from rnner.data.formats.annotated import SourceFile, TaggedSentence
from rnner.data.formats.column_layout import DOCUMENT_MARK, LAYOUT_SAMPLE, Layout, detect_layout, show_row
from rnner.data.formats.header import PREDICTED
from rnner.data.lines import TextSource, first_lines, line_error, name_of, read_lines_of_sentences
from rnner.data.token_table import NO_DOCUMENT
from rnner.errors import DataError
from rnner.text.spacing import spacing_in

EXTRA_COLUMNS_NOTE = "columns other than word and tag dropped"
NO_BLANK_LINES = "the file has no blank lines between sentences"
LONG_SENTENCE = 200
"""A sentence with more tokens than this is probably several; few in newspapers have half as many."""
_SEPARATOR_NOTE = "some rows have spaces where most rows have tabs, or tabs where most have spaces"
_SPACE_NOTE = "some words begin or end with a space"
_COMMENT_NOTE = "lines that begin with # but are not valid rows, read as comments"

_MOST_KNOWN_ROWS = 1 << 17  # distinct rows to cache: most words of a text recur with the same tag
_LONGEST_KNOWN_ROW = 200  # characters
_TEXT_COMMENT = re.compile(r"#[ \t]*text[ \t]*=(.*)")
_SEPARATORS = frozenset("\t\n\0")


# --- reading -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class ColumnSentence:
    """A sentence of a column file.

    Attributes:
        words: its tokens.
        tags: their tags as found, without spaces around them; None if tags are not read.
        lines: the line of each token, from 1.
        document: the number of its document, from 0; `NO_DOCUMENT` if there was no mark before it.
        raw: all lines since the previous sentence: blanks, comments, document marks and the sentence's rows.
    """

    words: list[str]
    tags: list[str] | None
    lines: list[int]
    document: int
    raw: list[str]


class ConllReader:
    """Reader of a column file; iterate over it once to get its sentences.

    Args:
        source: a path, or a stream at its beginning.
        columns: `{"token": 0, "tag": -1}`, counted from 0, negative numbers from the end; default: detected.
        tagged: whether to read tags. If False, one column is enough and `ColumnSentence.tags` is None.
        notes: filled with what is read differently, and how many times (0: not counted).
        on_error: called with the first error in each sentence or comment that has any. The sentence
            (but not its comments and marks) or the comment is left out. If None, the error is raised.

    Attributes (set while iterating):
        layout: separator and columns.
        trailing: lines after the last sentence.

    Iterating raises DataError with path:line if the file cannot be read (see `read_lines_of_sentences` and
    `detect_layout`), or if a row has more or fewer columns than most rows.
    """

    def __init__(
        self,
        source: TextSource,
        *,
        columns: Mapping[str, int] | None = None,
        tagged: bool = True,
        notes: Counter[str] | None = None,
        on_error: Callable[[DataError], None] | None = None,
    ) -> None:
        self.source, self.columns, self.tagged, self.on_error = source, columns, tagged, on_error
        self.notes: Counter[str] = Counter() if notes is None else notes
        self.name = name_of(source)
        self.layout = Layout()
        self.trailing: list[str] = []

    def __iter__(self) -> Iterator[ColumnSentence]:
        lines = read_lines_of_sentences(self.source, lenient=self.on_error is not None)
        sample = first_lines(lines, LAYOUT_SAMPLE)
        self.layout = detect_layout(sample, columns=self.columns, tagged=self.tagged, name=self.name)
        self.notes.update(dict.fromkeys(self.layout.notes, 0))
        return self._sentences(chain(sample, lines))

    def _sentences(self, lines: Iterable[str]) -> Iterator[ColumnSentence]:
        layout = self.layout
        known: dict[str, tuple[str, str]] = {}  # word and tag of each distinct row
        document, empty = NO_DOCUMENT, False
        error: DataError | None = None  # of the sentence
        words: list[str] = []
        tags: list[str] = []
        numbers: list[int] = []
        raw: list[str] = []
        several = False  # whether a sentence has ended
        for number, line in enumerate(lines, 1):
            row = known.get(line)
            if row is None and layout.is_row(line):
                if len(known) == _MOST_KNOWN_ROWS:
                    known.clear()
                try:
                    row = self._parse_row(line, number)
                    if len(line) <= _LONGEST_KNOWN_ROW:
                        known[line] = row
                except DataError as problem:
                    row, error = ("", ""), error or self._accept(problem)
            if row is not None:
                word, tag = row
                words.append(word)
                tags.append(tag)
                numbers.append(number)
                raw.append(line)
                continue
            if self.on_error is not None and (fault := line_error(line, self.name, number)):
                self.on_error(fault)
                continue
            mark = layout.begins_document(line)
            if words and (mark or not layout.is_comment(line)):
                several = True
                if error is None:
                    yield ColumnSentence(words, tags if self.tagged else None, numbers, document, raw)
                raw = [] if error is None else self._leave_out(error, raw)
                words, tags, numbers, error = [], [], [], None
                empty = False
            if mark and not empty:  # consecutive marks without a sentence between them begin one document
                document, empty = document + 1, True
            elif not mark and line != layout.header and layout.could_be_row(line):
                self.notes[_COMMENT_NOTE] += 1
            raw.append(line)
        if words and not several and len(words) > LONG_SENTENCE:
            self.notes[f"{NO_BLANK_LINES}: it is read as one sentence of {len(words):,} tokens"] = 0
        if words and error is None:
            yield ColumnSentence(words, tags if self.tagged else None, numbers, document, raw)
            raw = []
        elif error is not None:
            raw = self._leave_out(error, raw)
        self.trailing = raw

    def _accept(self, error: DataError) -> DataError:
        if self.on_error is None:
            raise error
        return error

    def _leave_out(self, error: DataError, raw: list[str]) -> list[str]:
        """Report the error of a sentence; return those of its lines that are not rows."""
        assert self.on_error is not None
        self.on_error(error)
        return [line for line in raw if not self.layout.is_row(line)]

    def _parse_row(self, line: str, number: int) -> tuple[str, str]:
        """Return the word and the tag of a row; the tag is empty if tags are not read."""
        if self.on_error is not None and (error := line_error(line, self.name, number)):
            raise error
        layout = self.layout
        cells = layout.split(line)
        if len(cells) != layout.width:
            cells = self._cells_of_odd_row(line, number)
        word = cells[layout.token]
        if word != word.strip(" "):
            self._note_first(_SPACE_NOTE, number)
        return word, layout.tag_of(cells)

    def _cells_of_odd_row(self, line: str, number: int) -> list[str]:
        layout = self.layout
        cells = layout.cells(line)
        if len(cells) != layout.width:
            raise DataError(f"{layout.wrong_width(len(cells))}: {show_row(line)}", self.name, number)
        self._note_first(_SEPARATOR_NOTE, number)
        return cells

    def _note_first(self, note: str, number: int) -> None:
        if not any(other.startswith(note) for other in self.notes):
            self.notes[f"{note} (the first in line {number})"] = 0


def read(source: SourceFile) -> Iterator[TaggedSentence]:
    """Yield the sentences of a column file; raise DataError as ConllReader does."""
    reader = ConllReader(source.path, columns=source.column_numbers, notes=source.notes)
    for sentence in reader:
        spaces = _spaces_from_comment(sentence)
        yield TaggedSentence(sentence.words, sentence.tags or [], sentence.lines, sentence.document, spaces)
    if (extra := reader.layout.width - 2) > 0:
        source.notes[EXTRA_COLUMNS_NOTE] = extra


def _spaces_from_comment(sentence: ColumnSentence) -> list[bool] | None:
    """Return, for each word, whether white space follows it in the `# text =` comment; None if none fits."""
    before = sentence.raw[: len(sentence.raw) - len(sentence.words)]
    texts = [match[1] for line in before if (match := _TEXT_COMMENT.match(line))]
    return spacing_in(texts[-1], sentence.words) if texts else None


# --- writing -----------------------------------------------------------------------------------------------


def write_conll(sentences: Iterable[Sequence[str]], tags: Iterable[Sequence[str]], out: TextIO) -> None:
    """Write words and tags as two columns separated by a tab, with a blank line after each sentence.

    Raises ValueError for a word that a column file cannot hold, or if a sentence has more or fewer tags than
    words.
    """
    for words, column in zip(sentences, tags, strict=True):
        for word, tag in zip(words, column, strict=True):
            if not _SEPARATORS.isdisjoint(word) or word.startswith(DOCUMENT_MARK):
                raise ValueError(f"a column file cannot hold the word {word!r}")
            out.write(f"{word}\t{tag}\n")
        out.write("\n")


def write(sentences: Iterable[TaggedSentence], out: TextIO, source: SourceFile) -> None:
    """Write each word, a tab and its tag as a line; documents begin with a `-DOCSTART-` line.

    Raises DataError, with the line in the source, for a word or tag that a column file cannot hold.
    """
    document, first = NO_DOCUMENT, True
    for sentence in sentences:
        if sentence.document != document:
            out.write(f"{DOCUMENT_MARK}\tO\n\n")
            document = sentence.document
        elif first and sentence.words[0].startswith("\ufeff"):
            out.write("\n")  # otherwise it would be read as the byte order mark of the file
        first = False
        for tag in sentence.tags:
            if tag != tag.strip(" \r") or not _SEPARATORS.isdisjoint(tag):
                raise source.error(f"a column file cannot hold the tag {tag!r}", sentence.lines[0])
        try:
            write_conll([sentence.words], [sentence.tags], out)
        except ValueError as error:
            raise source.error(str(error), sentence.lines[0]) from None


def write_with_tags(
    sentences: Iterable[ColumnSentence],
    tags: Iterable[Sequence[str]],
    out: TextIO,
    *,
    layout: Layout,
    trailing: Iterable[str] = (),
) -> None:
    """Write a column file as it was read, with the given tags as an additional last column.

    Comments, blank lines, document marks (with an `O`) and headers (with `predicted`) are kept. `layout` and
    `trailing` come from the reader. Raises ValueError if a sentence has more or fewer tags than words, and
    DataError for a tag that contains a space if spaces separate the columns.
    """
    for sentence, column in zip(sentences, tags, strict=True):
        if len(column) != len(sentence.words):
            raise ValueError(f"{len(column)} tags for the {len(sentence.words)} words of {sentence.words}")
        rest = iter(column)
        out.writelines(_add_tag(line, rest, layout) for line in sentence.raw)
    out.writelines(_add_tag(line, iter(()), layout) for line in trailing)


def _add_tag(line: str, tags: Iterator[str], layout: Layout) -> str:
    """Return a line with the next tag if it is a row, with O if it is a document mark, else unchanged."""
    if layout.is_row(line):
        tag = next(tags)
    elif line.startswith(DOCUMENT_MARK):
        tag = "O"
    elif line == layout.header:
        tag = PREDICTED
    else:
        return f"{line}\n"
    if layout.separator == " ":
        line = line.rstrip(" \t")
        if " " in tag:
            raise DataError(
                f"the tag {tag!r} contains a space, the column separator of this file; use --format jsonl"
            )
    return f"{line}{layout.separator}{tag}\n"

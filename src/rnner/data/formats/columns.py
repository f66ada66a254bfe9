"""Column files (CoNLL and its kin): one token a line, blank lines between sentences.

    EU NNP B-NP B-ORG          four columns by spaces, as CoNLL-2003 has them
    rejects VBZ B-VP O

Documents begin at `-DOCSTART-` lines or `# newdoc` comments. No line is ever dropped: it is a token, a blank,
a comment, a document mark, or an error with its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TextIO

from rnner.data.formats.annotated import SourceFile, TaggedSentence
from rnner.data.formats.column_layout import DOCUMENT_MARK, Layout, detect_layout
from rnner.data.lines import TextSource, name_of, read_lines
from rnner.data.token_table import UNMARKED
from rnner.errors import DataError
from rnner.tags import is_tag
from rnner.text.spacing import spacing_in

# Lines from which separator and columns are found.
_SAMPLE = 5000
# Different rows that are remembered: most words of a text are met again, with the same tag.
_KNOWN_ROWS = 1 << 17
_UNWRITABLE = frozenset("\t\n\0")


@dataclass(slots=True)
class ColumnSentence:
    """A sentence of a column file.

    Attributes:
        words: its tokens as they stand in the file.
        tags: their tags as found, or None if they were not read.
        lines: line of each token, counted from 1.
        document: document it belongs to, counted from 0; `UNMARKED` if none was marked before it.
        raw: the lines since the end of the sentence before it (blanks, comments, document marks) and its own.
    """

    words: list[str]
    tags: list[str] | None
    lines: list[int]
    document: int
    raw: list[str]


class ConllReader:
    """Reads a column file sentence by sentence; iterate over it once.

    Args:
        source: a path, or a stream at its beginning.
        columns: `{"token": 0, "tag": -1}`, counted from 0, negative numbers from the end; found if absent.
        tagged: whether tags are read. Without, a file of one column will do and `ColumnSentence.tags` is None.

    Attributes (known while iterating):
        layout: separator and columns.
        trailing: lines after the last sentence.

    Iterating raises DataError with path:line for what cannot be read: see `read_lines` and `detect_layout`; a
    row with another number of columns than most; a cell in the tag column that is no tag.
    """

    def __init__(
        self, source: TextSource, *, columns: Mapping[str, int] | None = None, tagged: bool = True
    ) -> None:
        self.source, self.columns, self.tagged = source, columns, tagged
        self.name = name_of(source)
        self.layout = Layout(" ", 0, 0, None)
        self.trailing: list[str] = []

    def __iter__(self) -> Iterator[ColumnSentence]:
        lines = read_lines(self.source)
        sample = list(islice(lines, _SAMPLE))
        self.layout = detect_layout(sample, columns=self.columns, tagged=self.tagged, name=self.name)
        return self._sentences(chain(sample, lines))

    def _sentences(self, lines: Iterable[str]) -> Iterator[ColumnSentence]:
        layout = self.layout
        known: dict[str, tuple[str, str]] = {}  # rows, with their word and tag
        document, empty = UNMARKED, False
        words: list[str] = []
        tags: list[str] = []
        numbers: list[int] = []
        raw: list[str] = []
        for number, line in enumerate(lines, 1):
            row = known.get(line)
            if row is None and layout.is_row(line):
                if len(known) == _KNOWN_ROWS:
                    known.clear()
                row = known[line] = self._row(line, number)
            if row is not None:
                word, tag = row
                words.append(word)
                tags.append(tag)
                numbers.append(number)
                raw.append(line)
                continue
            mark = layout.begins_document(line)
            if words and (mark or not layout.is_comment(line)):
                yield ColumnSentence(words, tags if self.tagged else None, numbers, document, raw)
                words, tags, numbers, raw = [], [], [], []
                empty = False
            if mark and not empty:  # several marks with no sentence between them begin one document
                document, empty = document + 1, True
            raw.append(line)
        if words:
            yield ColumnSentence(words, tags if self.tagged else None, numbers, document, raw)
            raw = []
        self.trailing = raw

    def _row(self, line: str, number: int) -> tuple[str, str]:
        """The word and the tag of a row; the tag is empty where tags are not read."""
        cells = self.layout.cells(line)
        if len(cells) != self.layout.width:
            raise self._ragged(cells, number)
        tag = "" if self.layout.tag is None else self._tag(cells[self.layout.tag], number)
        return cells[self.layout.token], tag

    def _ragged(self, cells: Sequence[str], number: int) -> DataError:
        by = "tabs" if self.layout.separator == "\t" else "spaces"
        found = f"{len(cells)} column" + ("s" if len(cells) != 1 else "")
        return DataError(
            f"{found}, where most rows have {self.layout.width} (separated by {by})", self.name, number
        )

    def _tag(self, cell: str, number: int) -> str:
        tag = cell.strip(" ")
        if is_tag(tag):
            return tag
        hint = " (BILOU's L- and U- are called E- and S- here)" if tag[:2] in ("L-", "U-") else ""
        raise DataError(
            f"{cell!r} in column {self.layout.tag} (counted from 0) is no tag: O, B-LABEL, I-LABEL, E-LABEL, "
            f"S-LABEL, or 0 and 1 are allowed{hint}; if the tags are elsewhere, set data.columns",
            self.name,
            number,
        )


def write_with_tags(
    sentences: Iterable[ColumnSentence],
    tags: Iterable[Sequence[str]],
    out: TextIO,
    *,
    layout: Layout,
    trailing: Iterable[str] = (),
) -> None:
    """Writes a column file as it was read, with one more column at the end: the given tags.

    Comments, blank lines and document marks stay (the marks get an `O`); `layout` and `trailing` are the
    reader's. Raises ValueError if a sentence has more or fewer tags than words.
    """
    for sentence, column in zip(sentences, tags, strict=True):
        if len(column) != len(sentence.words):
            raise ValueError(f"{len(column)} tags for the {len(sentence.words)} words of {sentence.words}")
        rest = iter(column)
        for line in sentence.raw:
            out.write(_with_tag(line, next(rest), layout) if layout.is_row(line) else _marked(line, layout))
    for line in trailing:
        out.write(_marked(line, layout))


def write_conll(sentences: Iterable[Sequence[str]], tags: Iterable[Sequence[str]], out: TextIO) -> None:
    """Writes words and tags as two columns with a tab between them and a blank line after each sentence.

    Raises ValueError for a word that a column file cannot hold, or if a sentence has more or fewer tags than
    words.
    """
    for words, column in zip(sentences, tags, strict=True):
        for word, tag in zip(words, column, strict=True):
            if not _UNWRITABLE.isdisjoint(word) or word.startswith(DOCUMENT_MARK):
                raise ValueError(f"a column file cannot hold the word {word!r}")
            out.write(f"{word}\t{tag}\n")
        out.write("\n")


def _with_tag(line: str, tag: str, layout: Layout) -> str:
    if layout.separator == " ":
        line = line.rstrip(" \t")
    return f"{line}{layout.separator}{tag}\n"


def _marked(line: str, layout: Layout) -> str:
    """A line that is no row; a document mark gets an O, so that it keeps the shape of the rows."""
    return _with_tag(line, "O", layout) if line.startswith(DOCUMENT_MARK) else f"{line}\n"


NOT_TAKEN = "columns beside word and tag are not taken over"
_TEXT = re.compile(r"#[ \t]*text[ \t]*=(.*)")


def read(source: SourceFile) -> Iterator[TaggedSentence]:
    """The sentences of a column file; see ConllReader for what is refused."""
    reader = ConllReader(source.path, columns=source.columns)
    for sentence in reader:
        spaces = _spaces(sentence)
        yield TaggedSentence(sentence.words, sentence.tags or [], sentence.lines, sentence.document, spaces)
    if (more := reader.layout.width - 2) > 0:
        source.notes[NOT_TAKEN] = more


def write(sentences: Iterable[TaggedSentence], out: TextIO, source: SourceFile) -> None:
    """Writes word, tab, tag; documents begin with a `-DOCSTART-` line.

    Raises DataError, with the place in the source, for what such a file cannot hold.
    """
    document, first = UNMARKED, True
    for sentence in sentences:
        if sentence.document != document:
            out.write(f"{DOCUMENT_MARK}\tO\n\n")
            document = sentence.document
        elif first and sentence.words[0].startswith("\ufeff"):
            out.write("\n")  # else it would be taken for the file's byte order mark
        first = False
        for tag in sentence.tags:
            if tag != tag.strip(" \r") or not {"\t", "\n", "\0"}.isdisjoint(tag):
                raise source.error(f"a column file cannot hold the tag {tag!r}", sentence.lines[0])
        try:
            write_conll([sentence.words], [sentence.tags], out)
        except ValueError as error:
            raise source.error(str(error), sentence.lines[0]) from None


def _spaces(sentence: ColumnSentence) -> list[bool] | None:
    """Whether white space follows each word, if the text of the sentence stands before it."""
    texts = (_TEXT.match(line) for line in sentence.raw[: len(sentence.raw) - len(sentence.words)])
    found = [match[1] for match in texts if match]
    return spacing_in(found[-1], sentence.words) if found else None

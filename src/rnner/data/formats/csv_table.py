"""CSV (RFC 4180) with a header row that names the columns; separated by commas, semicolons, bars or tabs.

    Sentence #,Word,POS,Tag
    Sentence: 1,Ada,NNP,B-PER      one word per row; the sentence is named in its first row or in all its rows
    ,wrote,VBD,O

    tokens,ner_tags
    "['Ada', 'wrote']","['B-PER', 'O']"      one sentence per row: lists, or words separated by spaces

Blank rows end sentences too. A tab-separated file is CSV if it names sentences or documents or has one
sentence per row; otherwise it is a column file with a header.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TextIO

from rnner.data.formats import entity_table
from rnner.data.formats.annotated import SourceFile, TaggedSentence
from rnner.data.formats.column_layout import LONE_RETURNS, show_row
from rnner.data.formats.csv_header import OF_TEXTS, Header, first_row, parse_header, split_row
from rnner.data.formats.csv_lists import is_list, parse_list
from rnner.data.formats.csv_rows import allow_long_cells, format_row
from rnner.data.formats.head import Head
from rnner.data.formats.table_columns import TagColumns, chosen_columns
from rnner.data.formats.tag_columns import choose, find_tag_columns
from rnner.data.lines import first_lines, longest_record, read_lines, record_too_long
from rnner.data.token_table import NO_DOCUMENT
from rnner.errors import DataError, counted
from rnner.tags import is_tag

_TAGGED_ROW = re.compile(r"[^\t]*,(O|[BIES]-[^,\t]+)")
_SAMPLE = 2000  # rows from which the layout is detected
_LEAST_LISTS = 0.1  # minimum share of rows with several tags, in a table with one sentence per row
_LONG_SENTENCE, _LONGEST_SENTENCE = 100, 1000  # words in a sentence above which there is a note, an error

_Row = tuple[int, list[str]]  # line number and cells


def detect(head: Head) -> bool:
    """Return whether a file begins with a header, or has comma-separated rows that end in tags."""
    if entity_table.detect(head):
        return False
    lines = enumerate(head.lines[:50], 1)
    _, line = first_row(lines)
    header = parse_header(line)
    if header is None:
        written = [line, *(line for _, line in lines if line.strip())]
        return len(written) > 1 and all(map(_TAGGED_ROW.fullmatch, written))
    records = _records(SourceFile(head.path), lines, header, multiline=False)
    rows, tag = [cells for _, cells in records], header.tags[0]
    if any(len(cells) > tag and cells[tag].startswith("[{") for cells in rows):
        return False  # spans, as in Label Studio's CSV
    named = header.sentence is not None or header.document is not None
    return header.delimiter != "\t" or named or any(_is_wide_row(cells, header.word, tag) for cells in rows)


def read(source: SourceFile) -> Iterator[TaggedSentence]:
    """Yield the sentences.

    Raises DataError with the line if there is no header, for rows with more or fewer cells than it, and for a
    long file that does not say where sentences end.
    """
    allow_long_cells()
    lines = read_lines(source.path)
    number, line = first_row(enumerate(lines, 1))
    header = parse_header(line)
    if header is None:
        example = "such as Word,Tag"
        raise source.error(
            f"the first row must name a word column and a tag column, {example}; it is {show_row(line)}",
            number,
        )
    sample = list(enumerate(first_lines(lines, _SAMPLE), number + 1))
    if not sample and "\r" in line:
        raise source.error(LONE_RETURNS)
    rows = _sample_rows(source, sample, header)
    chosen = chosen_columns(source, header.names)
    header = replace(header, word=chosen.get("token", header.word))
    tag_columns = [chosen["tag"]] if "tag" in chosen else header.tags
    lists = sum(any(_is_wide_row(cells, header.word, i) for i in tag_columns) for _, cells in rows)
    wide = lists > _LEAST_LISTS * len(rows)
    tags = _tag_columns(header, chosen.get("tag"), rows, wide)
    _check_words(source, header, tags, rows, wide)
    rest = enumerate(lines, number + 1 + len(sample))
    records = _records(source, chain(sample, rest), header, multiline=wide)
    records = (row for row in records if _check_width(source, header, row))
    if wide:
        yield from _wide_sentences(source, records, header, tags)
    else:
        yield from _Sentences(source, header, tags).of(records)
    tags.note(source)


def write(sentences: Iterable[TaggedSentence], out: TextIO, source: SourceFile) -> None:
    """Write one word per row, with the numbers of its document (if documents are marked) and its sentence.

    Raises DataError, with the line in the source, for a word or tag with a line break.
    """
    sentences = list(sentences)
    documents = any(sentence.document != NO_DOCUMENT for sentence in sentences)
    out.write("document_id,sentence_id,token,tag\n" if documents else "sentence_id,token,tag\n")
    for number, sentence in enumerate(sentences, 1):
        ids = [str(number)]
        if documents:
            ids.insert(0, "" if sentence.document == NO_DOCUMENT else str(sentence.document + 1))
        for word, tag in zip(sentence.words, sentence.tags, strict=True):
            if not {"\n", "\0"}.isdisjoint(word + tag) or tag != tag.strip():
                raise source.error(f"CSV cannot hold {word!r} tagged {tag!r}", sentence.lines[0])
            out.write(format_row([*ids, word, tag]) + "\n")


# --- the layout --------------------------------------------------------------------------------------------


def _tag_columns(header: Header, chosen: int | None, rows: Sequence[_Row], wide: bool) -> TagColumns:
    """Return the columns of tags, and the one to read: `chosen`, or the result of `tag_columns.choose`."""
    columns = header.tags if chosen is None else sorted({*header.tags, chosen})
    cells = [[cells[i].strip() for i in columns] for _, cells in rows if len(cells) > columns[-1]]
    tags = [list(zip(*map(_list, row), strict=False)) for row in cells] if wide else [cells]
    found = find_tag_columns(tags, range(len(columns)), words_first=False)
    best = columns[choose(found).column if found else 0] if chosen is None else chosen
    return TagColumns(best, {i: header.names[i] for i in columns})


def _list(cell: str) -> list[str]:
    return parse_list(cell) or []


def _check_words(
    source: SourceFile, header: Header, tags: TagColumns, rows: Sequence[_Row], wide: bool
) -> None:
    """Raise DataError if whole texts have a single tag each, as in corpora for classification."""
    name = header.names[header.word]
    texts = [cells[header.word] for _, cells in rows if len(cells) > header.word]
    if not wide and name.lower() in OF_TEXTS and sum(" " in text for text in texts) > len(texts) / 2:
        raise source.error(
            f"the column {name} holds texts, but {header.names[tags.read]} has a single tag per text; "
            "expected one word and its tag per row, or one tag per word of each text"
        )


# --- rows --------------------------------------------------------------------------------------------------


def _sample_rows(source: SourceFile, lines: Sequence[tuple[int, str]], header: Header) -> list[_Row]:
    """Return the first rows; if all quotes match, cells may have several lines."""
    unnoted = SourceFile(source.path)
    try:
        return list(_records(unnoted, iter(lines), header, multiline=True))
    except DataError:
        return list(_records(unnoted, iter(lines), header, multiline=False))


def _records(
    source: SourceFile, lines: Iterator[tuple[int, str]], header: Header, *, multiline: bool
) -> Iterator[_Row]:
    """Yield the rows. A quoted cell may have several lines if `multiline`, and one line otherwise.

    Unmatched quotes raise DataError if `multiline`; otherwise they are read as part of the text, with a note.
    """
    for number, line in lines:
        cells = split_row(line, header.delimiter)
        if cells is None and multiline:
            parts = [line]
            quotes, size = line.count('"'), len(line)
            while quotes % 2 and (following := next(lines, None)) is not None:
                parts.append(following[1])
                quotes, size = quotes + following[1].count('"'), size + len(following[1])
                if size > longest_record():
                    raise record_too_long("row", source.path, number, "a quotation mark is missing")
            cells = split_row("\n".join(parts), header.delimiter)
            if cells is None:
                raise source.error(f"a quoted cell is not closed: {show_row(line)}", number)
        elif cells is None:
            source.notes["rows with unmatched quotation marks, read as part of the text"] += 1
            cells = line.split(header.delimiter)
        yield number, [cell.strip(" ") for cell in cells] if header.padded else cells


def _check_width(source: SourceFile, header: Header, row: _Row) -> bool:
    """Return False for a repeated header. Raise DataError for a wrong width, unless the row is blank."""
    number, cells = row
    if header.names[0] == cells[0].strip() and header.names == [cell.strip() for cell in cells]:
        source.notes["repeated header rows skipped"] += 1
        return False
    if len(cells) != len(header.names) and any(cell.strip() for cell in cells):
        line = header.delimiter.join(cells)
        names = f"where the header names {len(header.names)}"
        raise source.error(f"{counted(len(cells), 'cell')}, {names}: {show_row(line)}", number)
    return True


# --- one word per row --------------------------------------------------------------------------------------


@dataclass
class _Sentences:
    """Rows grouped into sentences: by the columns of sentences and documents, and at blank rows."""

    source: SourceFile
    header: Header
    tags: TagColumns
    rows: list[_Row] = field(default_factory=list)
    document: int = NO_DOCUMENT
    broken: bool = False  # whether a sentence has ended before the file did

    def of(self, records: Iterable[_Row]) -> Iterator[TaggedSentence]:
        """Yield the sentences of the rows of a file."""
        names: dict[int, str] = {}  # the current sentence and document
        columns = [i for i in (self.header.sentence, self.header.document) if i is not None]
        for number, cells in records:
            blank = not any(cell.strip() for cell in cells)
            new = {} if blank else {i: cells[i] for i in columns if cells[i] and cells[i] != names.get(i)}
            if blank or new:
                yield from self._end()
            names.update(new)
            if self.header.document in new:
                self.document += 1
            if blank:
                continue
            if not cells[self.header.word].strip() and not cells[self.tags.read].strip():
                self.source.notes["rows with neither a word nor a tag skipped"] += 1
                continue
            self.rows.append((number, cells))
        if not self.broken and not columns:
            self._check_length(len(self.rows))
        yield from self._end()

    def _check_length(self, words: int) -> None:
        """Note a sentence that is the whole file if it is long; raise DataError if it is too long."""
        message = f"there is no sentence column and no blank row, so all {words:,} words are one sentence"
        if words > _LONGEST_SENTENCE:
            raise self.source.error(f"{message}; add a sentence_id column, or blank rows between sentences")
        if words > _LONG_SENTENCE:
            self.source.notes[message] = 0

    def _end(self) -> Iterator[TaggedSentence]:
        """Yield the sentence of the rows so far, if there are any."""
        rows, self.rows = self.rows, []
        if rows:
            self.broken = True
            for i in self.tags.names:
                self.tags.add(i, (cells[i].strip() for _, cells in rows))
            numbers, words = [number for number, _ in rows], [cells[self.header.word] for _, cells in rows]
            tags = [cells[self.tags.read].strip() for _, cells in rows]
            if empty := tags.count(""):
                self.source.notes["empty tags read as O"] += empty
            yield TaggedSentence(words, [tag or "O" for tag in tags], numbers, self.document)


# --- one sentence per row ----------------------------------------------------------------------------------


def _is_wide_row(cells: Sequence[str], word: int, tag: int) -> bool:
    """Return whether a row holds several words and their tags, as lists or separated by spaces."""
    if len(cells) <= max(word, tag):
        return False
    words, tags = cells[word].split(), cells[tag].split()
    if is_list(cells[tag]):
        return is_list(cells[word]) or len(words) > 1
    return min(len(words), len(tags)) > 1 and ("O" in tags or all(map(is_tag, tags)))


def _wide_sentences(
    source: SourceFile, records: Iterable[_Row], header: Header, tags: TagColumns
) -> Iterator[TaggedSentence]:
    document, name, word = NO_DOCUMENT, "", header.word
    for number, cells in records:
        if not any(cell.strip() for cell in cells):
            continue
        lists = {i: parse_list(cells[i]) for i in (word, *tags.names)}
        words, found = lists[word], lists[tags.read]
        if words is None or found is None:
            column = header.names[word if words is None else tags.read]
            raise source.error(f"the list in the column {column} cannot be read", number)
        if len(words) != len(found):
            columns = f"{len(words)} {header.names[word]} but {len(found)} {header.names[tags.read]}"
            raise source.error(f"{columns}: {show_row(cells[word])}", number)
        for i in tags.names:
            tags.add(i, lists[i] or [])
        if header.document is not None and cells[header.document] not in ("", name):
            document, name = document + 1, cells[header.document]
        if words:
            yield TaggedSentence(words, found, [number] * len(words), document)
        else:
            source.notes["rows without a word skipped"] += 1

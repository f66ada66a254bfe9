"""CoNLL-2012 (conll.cemantix.org/2012/data.html, OntoNotes): columns in which brackets mark the entities.

    #begin document (letters/1); part 000
    letters/1   0   0   Ada        NNP   (S(NP*   -   -   -   -   (PERSON*   -
    letters/1   0   1   Lovelace   NNP   *)       -   -   -   -   *)         -
    letters/1   0   2   wrote      VBD   (VP*))   -   -   -   -   *          -

    #end document

Words are in column 3 and entities in column 10, counted from 0. In a file with fewer columns, entities are in
the last column of brackets. Each part is a document. Of nested entities, the outermost is read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TextIO

from rnner.data.formats.annotated import SourceFile, TaggedSentence
from rnner.data.formats.column_layout import is_blank, show_row
from rnner.data.formats.head import Head
from rnner.data.lines import first_lines, read_lines_of_sentences
from rnner.data.token_table import NO_DOCUMENT
from rnner.errors import counted
from rnner.tags import LENIENT, Span, from_spans, to_spans

_BEGIN, _END = "#begin document", "#end document"
_NUMBER, _WORD, _ENTITY = 2, 3, 10
_SAMPLE = 2000  # lines from which columns are detected
_MOST = 0.5  # minimum share of rows that have the columns of CoNLL-2012
_GAP = re.compile("[ \t]+")
_BRACKETS = re.compile(r"-|(?:\([^()*\s]+)*\*?\)*")
_PART = re.compile(r"\(([^()*\s]+)|\)")
_NOT_ENTITIES = re.compile(r"TOP|S|NP|VP|V|C-V|R?-?ARG.*|[0-9]+")
_MASKED = "[WORD]"


def detect(head: Head) -> bool:
    """Return whether a file begins with `#begin document`, or has the columns of CoNLL-2012."""
    if any(line.startswith(_BEGIN) for line in head.lines[:20]):
        return True
    rows = [_cells(line) for line in head.rows]
    return bool(rows) and all(
        len(row) > _ENTITY + 1 and row[_NUMBER].isdecimal() and _BRACKETS.fullmatch(row[_ENTITY])
        for row in rows
    )


def read(source: SourceFile) -> Iterator[TaggedSentence]:
    """Yield the sentences, with tags in the scheme iob2.

    Raises DataError with the line for a row that is too short, and for brackets that do not match.
    """
    lines = read_lines_of_sentences(source.path)
    sample = first_lines(lines, _SAMPLE)
    word, entity = _columns(source, [_cells(line) for line in sample if _is_row(line)])
    document = NO_DOCUMENT
    numbers: list[int] = []
    rows: list[list[str]] = []
    for number, line in enumerate(chain(sample, lines), 1):
        if _is_row(line):
            cells = _cells(line)
            if not all(-len(cells) <= column < len(cells) for column in (word, entity)):
                needed = f"words are in column {word} and entities in column {entity}, counted from 0"
                raise source.error(f"{counted(len(cells), 'column')}, but {needed}: {show_row(line)}", number)
            numbers.append(number)
            rows.append(cells)
            continue
        if rows:
            yield _sentence(source, rows, numbers, document, word, entity)
            numbers, rows = [], []
        document += line.startswith(_BEGIN)
    if rows:
        yield _sentence(source, rows, numbers, document, word, entity)


def write(sentences: Iterable[TaggedSentence], out: TextIO, source: SourceFile) -> None:
    """Write twelve columns separated by tabs; those other than words and entities are empty.

    Raises DataError, with the line in the source, for a word or label that the format cannot hold.
    """
    document = NO_DOCUMENT
    for sentence in sentences:
        if sentence.document != document:
            out.write("" if document == NO_DOCUMENT else f"{_END}\n")
            document = sentence.document
            out.write(f"{_BEGIN} (document-{document + 1}); part 000\n")
        scheme = "binary" if set(sentence.tags) <= {"0", "1"} else LENIENT
        spans = to_spans(sentence.tags, scheme)
        cells = ["*"] * len(sentence.words)
        for start, end, label in spans:
            if not re.fullmatch(r"[^()*\s]+", label):
                raise source.error(f"CoNLL-2012 cannot hold the label {label!r}", sentence.lines[0])
            cells[start] = f"({label}*"
            cells[end - 1] = f"({label})" if end - start == 1 else "*)"
        for i, (word, cell) in enumerate(zip(sentence.words, cells, strict=True)):
            if not {"\t", "\n", "\0"}.isdisjoint(word):
                raise source.error(f"CoNLL-2012 cannot hold the word {word!r}", sentence.lines[0])
            name = f"document-{document + 1}" if document != NO_DOCUMENT else "none"
            out.write("\t".join([name, "0", str(i), word, "-", "*", *"----", cell, "-"]) + "\n")
        out.write("\n")
    out.write("" if document == NO_DOCUMENT else f"{_END}\n")


def _is_row(line: str) -> bool:
    return not (is_blank(line) or line.startswith((_BEGIN, _END)))


def _cells(line: str) -> list[str]:
    """Return the cells of a row; rnner separates them by tabs, other programs by spaces."""
    return line.split("\t") if "\t" in line else _GAP.split(line.strip(" "))


def _columns(source: SourceFile, rows: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Return the columns of words and entities: as chosen, as in CoNLL-2012, or else found by content."""
    chosen = source.column_numbers or {}
    if {"token", "tag"} <= chosen.keys():
        return chosen["token"], chosen["tag"]
    fit = [len(row) > _ENTITY and _BRACKETS.fullmatch(row[_ENTITY]) for row in rows]
    if sum(map(bool, fit)) >= _MOST * len(rows):
        word, entity = _WORD, _ENTITY
    else:
        width = Counter(map(len, rows)).most_common(1)[0][0]
        table = [row for row in rows if len(row) == width]
        brackets = [i for i in range(width) if _holds_entities(table, i)]
        if not brackets:
            raise source.error(
                "no column holds entities in brackets, such as (PERSON* and *); if one does, give its number "
                f"and that of the words: --columns 3,10; the first row is {show_row(' '.join(rows[0]))}"
            )
        word = next((i for i in range(width) if not _is_number_or_name(table, i)), 0)
        entity = brackets[-1]
        source.notes[f"words are read from column {word}, entities from column {entity} (counted from 0)"] = 0
    return chosen.get("token", word), chosen.get("tag", entity)


def _holds_entities(rows: Sequence[Sequence[str]], column: int) -> bool:
    """Return whether a column holds brackets with labels other than those of parses and arguments."""
    if not all(_BRACKETS.fullmatch(row[column]) for row in rows):
        return False
    labels = {match[1] for row in rows for match in _PART.finditer(row[column]) if match[1]}
    return bool(labels) and not any(map(_NOT_ENTITIES.fullmatch, labels))


def _is_number_or_name(rows: Sequence[Sequence[str]], column: int) -> bool:
    """Return whether a column holds numbers, or the same document's name in each row."""
    cells = [row[column] for row in rows]
    return all(cell.isdecimal() for cell in cells) or (len(cells) > 1 and len(set(cells)) == 1)


def _sentence(
    source: SourceFile, rows: Sequence[Sequence[str]], lines: list[int], document: int, word: int, entity: int
) -> TaggedSentence:
    words = [row[word] for row in rows]
    if all(it == _MASKED for it in words):
        raise source.error("the words are left out ([WORD]): fill them in with skeleton2conll.sh", lines[0])
    spans = _spans(source, [row[entity] for row in rows], lines)
    return TaggedSentence(words, from_spans(spans, len(words), "iob2"), lines, document)


def _spans(source: SourceFile, cells: Sequence[str], lines: Sequence[int]) -> list[Span]:
    """Return the outermost entities of a sentence."""
    spans: list[Span] = []
    opened: list[tuple[int, str]] = []
    for i, cell in enumerate(cells):
        if not _BRACKETS.fullmatch(cell) or not cell:
            expected = "expected (LABEL*, *, *) or (LABEL)"
            raise source.error(f"{show_row(cell)} does not mark entities with brackets; {expected}", lines[i])
        for part in _PART.finditer(cell):
            if part[1]:
                source.notes.update(
                    ["nested entities left out (only the outermost is read)"] if opened else []
                )
                opened.append((i, part[1]))
            elif not opened:
                raise source.error(f"{show_row(cell)} closes a bracket that was not opened", lines[i])
            else:
                start, label = opened.pop()
                if not opened:
                    spans.append(Span(start, i + 1, label))
    if opened:
        start, label = opened[0]
        raise source.error(f"the bracket ({label}* is not closed in this sentence", lines[start])
    return spans

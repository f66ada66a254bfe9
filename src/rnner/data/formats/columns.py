"""Column files: a word and its tag on each line; a comment `# text = ...` says how the words were spaced."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TextIO

from rnner.data.conll import UNMARKED, ConllReader, Sentence, write_conll
from rnner.data.formats.documents import Source, Tagged
from rnner.data.layout import DOCUMENT_MARK
from rnner.spacing import spacing_in

NOT_TAKEN = "columns beside word and tag are not taken over"
_TEXT = re.compile(r"#[ \t]*text[ \t]*=(.*)")


def read(source: Source) -> Iterator[Tagged]:
    """The sentences of a column file; see ConllReader for what is refused."""
    reader = ConllReader(source.path, columns=source.columns)
    for sentence in reader:
        spaces = _spaces(sentence)
        yield Tagged(sentence.words, sentence.tags or [], sentence.lines, sentence.document, spaces)
    if (more := reader.layout.width - 2) > 0:
        source.notes[NOT_TAKEN] = more


def write(sentences: Iterable[Tagged], out: TextIO, source: Source) -> None:
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


def _spaces(sentence: Sentence) -> list[bool] | None:
    """Whether white space follows each word, if the text of the sentence stands before it."""
    texts = (_TEXT.match(line) for line in sentence.raw[: len(sentence.raw) - len(sentence.words)])
    found = [match[1] for match in texts if match]
    return spacing_in(found[-1], sentence.words) if found else None

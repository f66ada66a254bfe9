"""The file formats of annotated text, and how to read any of them.

To add a format, write a module in this folder with

* `read(source)`, which yields `TaggedSentence`s or `AnnotatedText`s and raises `source.error(message, line)`;
* `write(items, out, source)`, which writes them to a text file;
* for JSON, `matches(record)`, which returns whether a record is in this format; doccano.py is an example.

Then import it and add one line to `TOKEN_FORMATS` or `TEXT_FORMATS` below. Detection, reading, training, the
command line and the round-trip tests use these tables; only a format that is not JSON must also be detected
in detect.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TextIO, TypeVar

from rnner.data.formats import columns, conllu, dataset, doccano, labelstudio, prodigy, tokens
from rnner.data.formats.alignment import Aligner, to_tagged_sentences
from rnner.data.formats.annotated import (
    AnnotatedText,
    IllegalTagRule,
    SourceFile,
    TaggedSentence,
    decide_scheme,
    to_documents,
)
from rnner.data.formats.json_records import Record

Item = TypeVar("Item", TaggedSentence, AnnotatedText)


@dataclass(frozen=True)
class FileFormat(Generic[Item]):
    """A file format.

    Attributes:
        read, write: functions that read and write it; `write` is None if it is not a text file.
        matches: whether a JSON record is in this format; None if the format is not JSON.
        json_keys: the keys of such records, for error messages.
    """

    read: Callable[[SourceFile], Iterator[Item]]
    write: Callable[[Iterable[Item], TextIO, SourceFile], None] | None
    matches: Callable[[Record], bool] | None = None
    json_keys: str = ""


TOKEN_FORMATS = {
    "columns": FileFormat(columns.read, columns.write),
    "conllu": FileFormat(conllu.read, conllu.write),
    "tokens": FileFormat(tokens.read, tokens.write, tokens.matches, "tokens and tags"),
    "dataset": FileFormat(dataset.read, None),  # written by workbench/convert.py
}
"""Formats of sentences with one tag per word."""

TEXT_FORMATS = {  # labelstudio first: doccano's keys also occur in its records
    "labelstudio": FileFormat(
        labelstudio.read, labelstudio.write, labelstudio.matches, "data and annotations (Label Studio)"
    ),
    "prodigy": FileFormat(prodigy.read, prodigy.write, prodigy.matches, "text and spans (Prodigy)"),
    "doccano": FileFormat(
        doccano.read, doccano.write, doccano.matches, "text and label or entities (doccano)"
    ),
}
"""Formats of text with spans of characters."""

FORMATS: dict[str, FileFormat[TaggedSentence] | FileFormat[AnnotatedText]]
FORMATS = {**TOKEN_FORMATS, **TEXT_FORMATS}


def read_documents(source: SourceFile, form: str, illegal: IllegalTagRule = "error") -> list[AnnotatedText]:
    """Return the documents of a file in any format.

    Raises DataError with the line (or the row of a data set) if the file cannot be read, and for tags that
    follow no scheme unless `illegal` is `conlleval`.
    """
    if form in TEXT_FORMATS:
        return list(TEXT_FORMATS[form].read(source))
    sentences = list(_checked_sentences(source, form))
    return list(to_documents(sentences, decide_scheme(source, sentences, illegal)))


def read_sentences(source: SourceFile, form: str) -> Iterator[TaggedSentence]:
    """Yield the tagged sentences of a file in any format; spans of characters become BIOES tags.

    Raises DataError as `read_documents` does (but not for illegal tags), and at the end for spans that do not
    begin and end where tokens do, or that overlap.
    """
    if form in TEXT_FORMATS:
        aligner = Aligner(source.path, tokenizer=source.tokenizer)
        yield from to_tagged_sentences(TEXT_FORMATS[form].read(source), aligner, "bioes")
        aligner.raise_refused()
    else:
        yield from _checked_sentences(source, form)


def _checked_sentences(source: SourceFile, form: str) -> Iterator[TaggedSentence]:
    for sentence in TOKEN_FORMATS[form].read(source):
        if "" in sentence.words:
            raise source.error("a word is empty", sentence.lines[sentence.words.index("")])
        yield sentence

"""Formats of annotated text, read into documents and written from them; one module a format.

Formats of tokens: `columns`, `conllu`, `tokens` (JSONL), `dataset`. Formats of text with spans of characters:
`prodigy`, `doccano`, `labelstudio`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TextIO

from rnner.data.formats import columns, conllu, dataset, doccano, labelstudio, prodigy, tokens
from rnner.data.formats.alignment import Aligner, to_tagged
from rnner.data.formats.annotated import (
    AnnotatedText,
    Illegal,
    SourceFile,
    TaggedSentence,
    decide_scheme,
    to_documents,
)
from rnner.data.formats.detect import detect_format

__all__ = ["FORMATS", "TEXT", "detect_format", "read_documents", "read_tagged"]

TOKENS: dict[str, Callable[[SourceFile], Iterator[TaggedSentence]]] = {
    "columns": columns.read,
    "conllu": conllu.read,
    "tokens": tokens.read,
    "dataset": dataset.read,
}
TEXT: dict[str, Callable[[SourceFile], Iterator[AnnotatedText]]] = {
    "prodigy": prodigy.read,
    "doccano": doccano.read,
    "labelstudio": labelstudio.read,
}
FORMATS = (*TOKENS, *TEXT)
# The writers that write text; data sets have one of their own.
WRITE_TOKENS: dict[str, Callable[[Iterable[TaggedSentence], TextIO, SourceFile], None]] = {
    "columns": columns.write,
    "conllu": conllu.write,
    "tokens": tokens.write,
}
WRITE_TEXT: dict[str, Callable[[Iterable[AnnotatedText], TextIO, SourceFile], None]] = {
    "prodigy": prodigy.write,
    "doccano": doccano.write,
    "labelstudio": labelstudio.write,
}


def read_documents(source: SourceFile, form: str, illegal: Illegal = "error") -> list[AnnotatedText]:
    """The documents of a file of any format.

    Raises DataError with the line (the row of a data set) for what cannot be read, and for tags that obey no
    scheme unless `illegal` is `conlleval`.
    """
    if form in TEXT:
        return list(TEXT[form](source))
    sentences = list(_tagged(source, form))
    return list(to_documents(sentences, decide_scheme(source, sentences, illegal)))


def read_tagged(source: SourceFile, form: str) -> Iterator[TaggedSentence]:
    """The sentences of a file of any format, tagged: as they are, or in BIOES if the file has spans.

    Raises DataError as `read_documents` does (not for the order of tags), and at the end for spans that do
    not begin and end where tokens do, or overlap.
    """
    if form in TEXT:
        aligner = Aligner(source.path)
        yield from to_tagged(TEXT[form](source), aligner, "bioes")
        aligner.check()
    else:
        yield from _tagged(source, form)


def _tagged(source: SourceFile, form: str) -> Iterator[TaggedSentence]:
    for sentence in TOKENS[form](source):
        if "" in sentence.words:
            raise source.error("a word is empty", sentence.lines[sentence.words.index("")])
        yield sentence

"""Annotated files as passages without white space, so that files with different tokens can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain, count, pairwise
from pathlib import Path

import numpy as np

from rnner.data.formats.annotated import (
    AnnotatedText,
    CharSpan,
    SourceFile,
    TaggedSentence,
    decide_scheme,
    refuse_unknown,
)
from rnner.data.formats.columns import EXTRA_COLUMNS_NOTE
from rnner.data.formats.registry import TEXT_FORMATS, read_sentences
from rnner.scoring.annotation import AnnotatedSentences, Annotation, LabelMap
from rnner.scoring.novelty import KnownForms, form_of
from rnner.tags import Span, to_spans
from rnner.text.sentences import split_sentences
from rnner.text.tokenizer import tokenize

_EXCERPT = 6  # words


@dataclass(frozen=True)
class Passage:
    """A document of a text format or a sentence of a token format, without its white space.

    Attributes:
        text: its characters.
        spans: its entities, as spans of these characters; they may overlap.
        token_ends: the end of each token; the last is the end of the text, and tokens may be empty.
        lines: the line of each token in the file.
        sentence_ends: the end of each sentence.
        document: the number of its document; `NO_DOCUMENT` if it is not part of one.
    """

    text: str
    spans: list[CharSpan]
    token_ends: list[int]
    lines: list[int]
    sentence_ends: list[int]
    document: int

    def token_at(self, position: int) -> tuple[str, int]:
        """Return the token that contains the character at a position, and its line."""
        number = sum(end <= position for end in self.token_ends)
        start, end = [0, *self.token_ends][number : number + 2]
        return self.text[start:end], self.lines[number]

    def excerpt(self) -> str:
        """Return the first words."""
        words = [self.text[start:end] for start, end in pairwise([0, *self.token_ends])]
        return " ".join(words[:_EXCERPT] + ["..."] * (len(words) > _EXCERPT))


@dataclass(frozen=True)
class AnnotatedFile:
    """An annotated file in any format.

    Attributes:
        path: the file.
        passages: its documents (text formats) or sentences (token formats) that have words.
        sentences: the sentences of a token format; None for text.
        notes: lines on content that was read differently or not at all.
    """

    path: Path
    passages: list[Passage]
    sentences: AnnotatedSentences | None
    notes: list[str]

    @property
    def labels(self) -> set[str]:
        """The labels of its entities."""
        return {span.label for passage in self.passages for span in passage.spans}

    def known_forms(self, labels: LabelMap) -> KnownForms:
        """Return the form and the new label of every entity."""
        entities = (
            (passage.text[start:end], labels.get(label, label))
            for passage in self.passages
            for start, end, label in passage.spans
        )
        return frozenset(entities)


def read_annotated_file(source: SourceFile, form: str) -> AnnotatedFile:
    """Read a file in the format `form`. Tags that follow no scheme are read as in conlleval.

    Raises DataError if the file cannot be read (with the line) or has no words.
    """
    sentences = None
    if form in TEXT_FORMATS:
        passages = list(map(_of_document, count(), TEXT_FORMATS[form].read(source)))
    else:
        tagged = list(read_sentences(source, form))
        refuse_unknown(source, tagged, "files of predictions are compared with fully annotated files")
        sentences = _sentences(tagged, decide_scheme(source, tagged, "conlleval"))
        passages = list(map(_of_sentence, tagged, sentences.annotation.spans))
    passages = [_without_blank_entities(passage, source) for passage in passages if passage.text]
    if not passages:
        raise source.error("no sentences: the file has no words")
    source.notes.pop(EXTRA_COLUMNS_NOTE, None)  # extra columns do not matter here
    return AnnotatedFile(
        source.path, passages, sentences, [f"{source.path}: {note}" for note in source.note_lines()]
    )


def join(passages: Sequence[Passage]) -> Passage:
    """Return one passage with the contents of all; its document number is that of the first."""
    starts = list(accumulate((len(passage.text) for passage in passages), initial=0))
    placed = list(zip(starts, passages, strict=False))
    return Passage(
        "".join(passage.text for passage in passages),
        [CharSpan(at + start, at + end, label) for at, it in placed for start, end, label in it.spans],
        [at + end for at, passage in placed for end in passage.token_ends],
        list(chain.from_iterable(passage.lines for passage in passages)),
        [at + end for at, passage in placed for end in passage.sentence_ends],
        passages[0].document,
    )


def _sentences(tagged: Sequence[TaggedSentence], scheme: str) -> AnnotatedSentences:
    tags = [sentence.tags for sentence in tagged]
    annotation = Annotation([to_spans(row, scheme) for row in tags], tags, scheme)
    documents = np.array([sentence.document for sentence in tagged], dtype=np.int64)
    lines = [sentence.lines[0] for sentence in tagged]
    return AnnotatedSentences([sentence.words for sentence in tagged], documents, annotation, lines)


def _of_sentence(sentence: TaggedSentence, spans: Iterable[Span]) -> Passage:
    ends = list(accumulate(len(form_of(word)) for word in sentence.words))
    starts = [0, *ends]
    placed = [CharSpan(starts[start], ends[end - 1], label) for start, end, label in spans]
    return Passage(form_of(sentence.words), placed, ends, list(sentence.lines), ends[-1:], sentence.document)


def _of_document(number: int, document: AnnotatedText) -> Passage:
    sentences = document.sentences
    if sentences is None:
        sentences = split_sentences(document.text, tokenize(document.text))
    place = list(accumulate((not character.isspace() for character in document.text), initial=0))
    # Tokens of the file need not reach the end of its text.
    token_ends = [*(place[token.end] for sentence in sentences for token in sentence), place[-1]]
    return Passage(
        form_of(document.text),
        [CharSpan(place[start], place[end], label) for start, end, label in document.spans],
        token_ends,
        [document.line] * len(token_ends),
        [*(place[sentence[-1].end] for sentence in sentences if sentence), place[-1]],
        number,
    )


def _without_blank_entities(passage: Passage, source: SourceFile) -> Passage:
    spans = [span for span in dict.fromkeys(passage.spans) if span.start < span.end]
    if blank := sum(span.start == span.end for span in passage.spans):
        source.notes["entities that are only white space, left out"] += blank
    return replace(passage, spans=spans)

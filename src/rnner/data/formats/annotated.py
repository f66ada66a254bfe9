"""What all formats are read into and written from: documents, a text with spans of its characters.

Formats of tokens (column files, CoNLL-U, data sets) come as tagged sentences and become documents by joining
the words; formats of text (Prodigy, doccano, Label Studio) are documents already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Literal, NamedTuple

from rnner.data.token_table import UNMARKED
from rnner.errors import DataError
from rnner.tags import LENIENT, SchemeDetector, SchemeError, to_spans
from rnner.text.tokenizer import Token


class CharSpan(NamedTuple):
    """An entity in a text: characters `start` to `end`, half-open."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class AnnotatedText:
    """An annotated text.

    Attributes:
        text: the text.
        spans: its entities in the order they came; they may overlap.
        line: where it begins in its file, from 1 (the number of the record where there are no lines).
        sentences: its tokens by sentence if the format has them; None: `rnner.text.tokenizer` finds them.
        marked: whether the file says that this is a document; else it is a sentence that stands by itself.
    """

    text: str
    spans: list[CharSpan]
    line: int
    sentences: list[list[Token]] | None = None
    marked: bool = True


Illegal = Literal["error", "conlleval"]
# Between two sentences of a document; `split_sentences` ends a sentence there.
_PARAGRAPH = "\n\n"


@dataclass
class SourceFile:
    """A file (or the folder of a saved data set) that is to be read, and what was found on the way.

    Attributes:
        path: where it is.
        columns: see ConllReader; only column files have any.
        names: what stands for tags or labels that are numbers: `{"1": "PER"}`.
        notes: what the user should know of what was not taken over, and how many times.
    """

    path: Path
    columns: Mapping[str, int] | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)

    def error(self, message: str, line: int | None = None) -> DataError:
        """An error in the source; `line` is the number of the record where there are no lines."""
        return DataError(message, self.path, line)

    def told(self) -> list[str]:
        """The notes, one sentence each."""
        return [f"{times:,} × {note}" for note, times in self.notes.items()]

    def name(self, number: int, line: int) -> str:
        """The tag or label that a number stands for; raises DataError if nobody said."""
        try:
            return self.names[str(number)]
        except KeyError:
            advice = f"say what it stands for: rnner data convert --names {number}=PER,..."
            raise self.error(f"the label {number} is a number; {advice}", line) from None


class TaggedSentence(NamedTuple):
    """A sentence of a format of tokens.

    `lines` are those of its words, `document` counts from 0 (`UNMARKED`: the sentence is a document of its
    own), `spaces` says whether white space follows each word (None: after all).
    """

    words: list[str]
    tags: list[str]
    lines: Sequence[int]
    document: int = UNMARKED
    spaces: list[bool] | None = None


def decide_scheme(source: SourceFile, sentences: Iterable[TaggedSentence], illegal: Illegal = "error") -> str:
    """The scheme that all tags obey, `conlleval` if they obey none and `illegal` allows it.

    Raises DataError with the line of the first tag that breaks the likeliest scheme.
    """
    detector = SchemeDetector()
    places = []
    for sentence in sentences:
        detector.add(sentence.tags)
        places.append(sentence.lines)
    try:
        return detector.decide()
    except SchemeError as error:
        readable = detector.offence(LENIENT) is None
        line = places[error.sentence][error.position]
        if readable and illegal == "conlleval":
            times = error.offences[error.scheme].times
            source.notes[f"tags read as conlleval does ({error}; first in line {line})"] += times
            return LENIENT
        advice = ", or let conlleval's reading do: --illegal-tags conlleval" if readable else ""
        raise source.error(f"{error}; correct the tags{advice}", line) from None


def to_documents(sentences: Iterable[TaggedSentence], scheme: str) -> Iterator[AnnotatedText]:
    """The documents of tagged sentences; a sentence outside any document is one of its own."""
    alone = iter(range(-2, -(1 << 62), -1))
    numbered = ((s.document if s.document != UNMARKED else next(alone), s) for s in sentences)
    for number, group in groupby(numbered, key=lambda pair: pair[0]):
        yield _joined([sentence for _, sentence in group], scheme, marked=number >= 0)


def _joined(sentences: Sequence[TaggedSentence], scheme: str, *, marked: bool) -> AnnotatedText:
    pieces: list[str] = []
    position, tokens, spans = 0, [], []
    for sentence in sentences:
        if pieces:
            pieces.append(_PARAGRAPH)
            position += len(_PARAGRAPH)
        row = []
        spaces = sentence.spaces or [True] * len(sentence.words)
        for word, space in zip(sentence.words, [*spaces[:-1], False], strict=True):
            row.append(Token(word, position, position + len(word)))
            pieces.append(f"{word} " if space else word)
            position += len(pieces[-1])
        tokens.append(row)
        for start, end, label in to_spans(sentence.tags, scheme):
            spans.append(CharSpan(row[start].start, row[end - 1].end, label))
    return AnnotatedText("".join(pieces), spans, sentences[0].lines[0], tokens, marked)

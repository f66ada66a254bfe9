"""The types that every format is read into and written from.

Token formats (column files, CoNLL-U, data sets) contain `TaggedSentence`s. Text formats (Prodigy, doccano,
Label Studio) contain `AnnotatedText`s, which mark entities as spans of characters. `to_documents` turns the
first into the second; `alignment.to_tagged_sentences` does the reverse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, groupby
from pathlib import Path
from typing import Literal, NamedTuple

from rnner.data.scheme_detector import SchemeDetector, SchemeError
from rnner.data.tag_sets import is_set
from rnner.data.token_table import NO_DOCUMENT
from rnner.errors import DataError
from rnner.tags import LENIENT, UNKNOWN, to_spans
from rnner.text.spacing import plain_spacing
from rnner.text.tokenizer import DEFAULT_TOKENIZER, Token

IllegalTagRule = Literal["error", "conlleval"]
"""What to do with tags that follow no scheme: reject them, or read them as the conlleval script does."""

_PARAGRAPH_BREAK = "\n\n"  # joins the sentences of a document; `split_sentences` ends a sentence there


class CharSpan(NamedTuple):
    """An entity in a text: characters `start` to `end` (exclusive)."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class AnnotatedText:
    """A text with entities marked as spans of characters.

    Attributes:
        text: the text.
        spans: its entities in file order; they may overlap.
        line: its first line in the file, from 1 (the record number where there are no lines).
        sentences: its tokens by sentence, or None if the text has to be tokenized by `rnner.text`.
        marked: whether the file marks it as a document; otherwise it is a single sentence.
        path: its file, if that differs from the path that was read (which may be a folder).
    """

    text: str
    spans: list[CharSpan]
    line: int
    sentences: list[list[Token]] | None = None
    marked: bool = True
    path: Path | None = None


class TaggedSentence(NamedTuple):
    """A sentence with one tag per word.

    Attributes:
        words, tags: the words and their tags, of equal length.
        lines: the line of each word.
        document: the number of its document, from 0; `NO_DOCUMENT` if it is a separate document.
        spaces: for each word, whether white space follows it; None if the file does not say.
    """

    words: list[str]
    tags: list[str]
    lines: Sequence[int]
    document: int = NO_DOCUMENT
    spaces: list[bool] | None = None


@dataclass
class SourceFile:
    """A file (or saved data set) to read, with the notes taken while reading it.

    Attributes:
        path: the file, the folder of a saved data set, or the name of one on the Hub.
        columns: the columns of a column file (see ConllReader), or their names in a table with a header.
        label_names: names of tags or labels that are numbers in the file: `{"1": "PER"}`.
        tokenizer: the name of the tokenizer for text without tokens, see `find_tokenizer`.
        unknown: the mark of words whose tags are not known.
        tagged: whether the file must have tags; `rnner predict` reads words only.
        notes: what was skipped or read differently, and how many times (0: not counted).
        unread: notes about labels that were not read, and how many.
    """

    path: Path
    columns: Mapping[str, int | str] | None = None
    label_names: Mapping[str, str] = field(default_factory=dict)
    unknown: str = UNKNOWN
    tagged: bool = True
    tokenizer: str = DEFAULT_TOKENIZER
    notes: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)

    @property
    def column_numbers(self) -> dict[str, int] | None:
        """`columns` as numbers. Raises DataError if one of them is a name."""
        for key, column in (self.columns or {}).items():
            if isinstance(column, str):
                raise self.error(
                    f"{key}: {column} is a name; for this format, give the column number, counted from 0"
                )
        return None if self.columns is None else dict(self.columns)  # type: ignore[arg-type]

    def error(self, message: str, line: int | None = None) -> DataError:
        """Return a DataError at `line` of the file (the record number where there are no lines)."""
        return DataError(message, self.path, line)

    def note_lines(self) -> list[str]:
        """Return the notes, one line each, with their counts at the end."""
        notes = {**self.notes, **self.unread}
        return [f"{note}: {times:,}" if times else note for note, times in notes.items()]

    def note_outside(self, text: str, tokens: Iterable[Token]) -> None:
        """Count the characters of a text that are in none of the tokens that its file gives."""
        outside = len("".join(text.split())) - sum(len("".join(token.text.split())) for token in tokens)
        if outside:
            note = "characters outside the tokens of the file, which token formats leave out"
            self.notes[note] += outside

    def label_name(self, number: int, line: int) -> str:
        """Return the name of a numbered tag or label; raise DataError if it has none."""
        try:
            return self.label_names[str(number)]
        except KeyError:
            advice = f"name it with: rnner data convert --names {number}=PER,..."
            raise self.error(f"the label {number} is a number; {advice}", line) from None


def refuse_unknown(source: SourceFile, sentences: Iterable[TaggedSentence], purpose: str) -> None:
    """Raise DataError at the first word whose tag or label is not known."""
    for sentence in sentences:
        for word, tag, line in zip(sentence.words, sentence.tags, sentence.lines, strict=True):
            if is_set(tag):
                raise source.error(f"the tag of {word[:120]!r} is unknown ({tag}), but {purpose}", line)


def decide_scheme(
    source: SourceFile, sentences: Iterable[TaggedSentence], illegal: IllegalTagRule = "error"
) -> str:
    """Return the tag scheme of all sentences; `conlleval` if they follow none and `illegal` allows it.

    Raises DataError at the first tag that breaks the most likely scheme.
    """
    detector = SchemeDetector()
    lines = []
    for sentence in sentences:
        detector.add(sentence.tags)
        lines.append(sentence.lines)
    try:
        return detector.detect()
    except SchemeError as error:
        readable = detector.first_violation(LENIENT) is None
        line = lines[error.sentence][error.position]
        if readable and illegal == "conlleval":
            note = f"tags read as conlleval reads them ({error}; first in line {line})"
            source.notes[note] += error.violations[error.scheme].times
            return LENIENT
        advice = ", or read them as conlleval does: --illegal-tags conlleval" if readable else ""
        raise source.error(f"{error}; correct the tags{advice}", line) from None


def to_documents(sentences: Iterable[TaggedSentence], scheme: str) -> Iterator[AnnotatedText]:
    """Join the sentences of each document into a text; an unmarked sentence becomes a separate document."""
    unmarked = count(-2, -1)  # a different number for each unmarked sentence
    numbered = ((s.document if s.document != NO_DOCUMENT else next(unmarked), s) for s in sentences)
    for number, group in groupby(numbered, key=lambda pair: pair[0]):
        yield _join([sentence for _, sentence in group], scheme, marked=number >= 0)


def _join(sentences: Sequence[TaggedSentence], scheme: str, *, marked: bool) -> AnnotatedText:
    pieces: list[str] = []
    position, tokens, spans = 0, [], []
    for sentence in sentences:
        if pieces:
            pieces.append(_PARAGRAPH_BREAK)
            position += len(_PARAGRAPH_BREAK)
        row = []
        spaces = sentence.spaces or plain_spacing(sentence.words)
        for word, space in zip(sentence.words, [*spaces[:-1], False], strict=True):
            row.append(Token(word, position, position + len(word)))
            pieces.append(f"{word} " if space else word)
            position += len(pieces[-1])
        tokens.append(row)
        for start, end, label in to_spans(sentence.tags, scheme):
            spans.append(CharSpan(row[start].start, row[end - 1].end, label))
    return AnnotatedText("".join(pieces), spans, sentences[0].lines[0], tokens, marked)

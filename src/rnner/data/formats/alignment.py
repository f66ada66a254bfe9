"""Alignment of character spans with tokens.

`AlignRule` handles a span that does not begin and end where tokens do: `strict` rejects it, `expand`
takes all tokens that it touches, `contract` only the tokens entirely within it. White space at the ends of a
span is ignored.

`OverlapRule` handles spans that share a token: `error` rejects them, `longest` keeps the span with the
most tokens (if equal, the one that begins first), `first` the span that begins first (if equal, the
longest). Remaining ties go to the span listed first. Every change is recorded.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from rnner.data.formats.annotated import AnnotatedText, CharSpan, TaggedSentence
from rnner.data.token_table import NO_DOCUMENT
from rnner.errors import DataError, first_of
from rnner.tags import Span, from_spans
from rnner.text.sentences import split_sentences
from rnner.text.tokenizer import DEFAULT_TOKENIZER, Token, find_tokenizer

AlignRule = Literal["strict", "expand", "contract"]
OverlapRule = Literal["error", "longest", "first"]
_MOST_QUOTED, _MOST_WORDS = 80, 16  # maximum characters and words of a span that a message quotes


class _TokenSpan(NamedTuple):
    """A span of characters, and its tokens in the document: `start` to `end` (exclusive)."""

    source: CharSpan
    start: int
    end: int


class Aligner:
    """Maps the spans of documents to tokens, and records those that did not fit.

    Args:
        path: the file to name in the records.
        align, overlaps: the `AlignRule` and `OverlapRule` to apply.
        tokenizer: the name of the tokenizer for documents without tokens.

    Attributes:
        crossing, overlapping: the rejected spans, each as one line of text with path:line and offsets.
        changed: the spans changed or left out by a rule, one line each.
    """

    def __init__(
        self,
        path: Path,
        align: AlignRule = "strict",
        overlaps: OverlapRule = "error",
        tokenizer: str = DEFAULT_TOKENIZER,
    ) -> None:
        self.path, self.align_rule, self.overlap_rule = path, align, overlaps
        self._tokenize = find_tokenizer(tokenizer)
        self.crossing: list[str] = []
        self.overlapping: list[str] = []
        self.changed: list[str] = []

    def align(self, document: AnnotatedText) -> list[tuple[list[Token], list[Span]]]:
        """Return the sentences of a document, each with its tokens and its entities as spans of these tokens.

        No sentence ends within a span. Rejected spans are left out: see `raise_refused`.
        """
        sentences = document.sentences
        if sentences is None:
            sentences = split_sentences(document.text, self._tokenize(document.text))
        tokens = [token for sentence in sentences for token in sentence]
        if not tokens:
            where = f"{document.path or self.path}:{document.line}"
            self.changed.append(f"{where}: skipped: the text has no words")
        spans = self._resolve_overlaps(document, list(self._to_tokens(document, tokens)))
        return list(_by_sentence(sentences, sorted(spans, key=lambda span: span.start)))

    def raise_refused(self) -> None:
        """Raise DataError with all rejected spans, if there are any."""
        lines: list[str] = []
        if self.crossing:
            advice = "--align expand takes all tokens that they touch, --align contract those within them"
            title = f"spans that do not begin and end where tokens do: {len(self.crossing):,}"
            lines += [title, *first_of(self.crossing), advice]
        if self.overlapping:
            advice = "--overlaps longest keeps the longest, --overlaps first the one that begins first"
            title = f"spans that overlap others: {len(self.overlapping):,}"
            lines += [title, *first_of(self.overlapping), advice]
        if lines:
            lines[-1] += " (rnner data convert)"
            raise DataError(lines[0], self.path, details=[f"  {line}" for line in lines[1:]])

    def _to_tokens(self, document: AnnotatedText, tokens: Sequence[Token]) -> Iterator[_TokenSpan]:
        """Yield the spans that fit the tokens, or that a rule makes fit."""
        starts, ends = [token.start for token in tokens], [token.end for token in tokens]
        for span in dict.fromkeys(document.spans):
            for start, end in (span[:2], trim_span(document.text, span)):
                first, last = bisect_right(ends, start), bisect_left(starts, end)  # the tokens touched
                exact = first < last and starts[first] == start and ends[last - 1] == end
                if exact:
                    break
            if exact:
                yield _TokenSpan(span, first, last)
                continue
            if self.align_rule == "strict":
                touched = " ".join(token.text for token in tokens[first : min(last, first + _MOST_WORDS)])
                problem = f"cuts {_quoted(touched)}" if touched else "holds no token"
                self.crossing.append(self._line(document, span, problem))
                continue
            if self.align_rule == "contract":
                first, last = bisect_left(starts, start), bisect_right(ends, end)
            if first < last:
                text = _quoted(document.text, starts[first], ends[last - 1])
                self.changed.append(self._line(document, span, f"became {text}"))
                yield _TokenSpan(span, first, last)
            else:
                self.changed.append(self._line(document, span, "left out: it holds no whole token"))

    def _resolve_overlaps(self, document: AnnotatedText, spans: Sequence[_TokenSpan]) -> list[_TokenSpan]:
        """Return the spans that are kept, no two of which share a token."""

        def rank(span: _TokenSpan) -> tuple[int, int]:
            length = span.end - span.start
            return (-length, span.start) if self.overlap_rule == "longest" else (span.start, -length)

        kept: list[_TokenSpan] = []
        taken: dict[int, _TokenSpan] = {}  # by token
        for span in sorted(spans, key=rank):
            rival = next((taken[i] for i in range(span.start, span.end) if i in taken), None)
            if rival is None:
                kept.append(span)
                taken.update(dict.fromkeys(range(span.start, span.end), span))
            elif (rival.start, rival.end, rival.source.label) != (span.start, span.end, span.source.label):
                overlap = f"overlaps {rival.source.start}-{rival.source.end} {rival.source.label}"
                if self.overlap_rule == "error":
                    self.overlapping.append(self._line(document, span.source, overlap))
                else:
                    self.changed.append(self._line(document, span.source, f"left out: it {overlap}"))
        return kept

    def _line(self, document: AnnotatedText, span: CharSpan, message: str) -> str:
        text = _quoted(document.text, span.start, span.end)
        where = f"{document.path or self.path}:{document.line}"
        return f"{where}: {span.start}-{span.end} {span.label} {text} {message}"


def _quoted(text: str, start: int = 0, end: int | None = None) -> str:
    """Return part of a text in quotes, cut off after `_MOST_QUOTED` characters."""
    end = len(text) if end is None else end
    quoted = text[start : min(end, start + _MOST_QUOTED)]
    return repr(f"{quoted}..." if end - start > _MOST_QUOTED else quoted)


def to_tagged_sentences(
    documents: Iterable[AnnotatedText], aligner: Aligner, scheme: str
) -> Iterator[TaggedSentence]:
    """Yield the tagged sentences of documents; number the marked documents.

    Spans that the aligner rejects are tagged as outside: call `Aligner.raise_refused` afterwards.
    """
    number = NO_DOCUMENT
    for document in documents:
        # Unmarked text after a marked document needs a number too: it is not part of that document.
        if document.marked or number != NO_DOCUMENT:
            number += 1
        for tokens, spans in aligner.align(document):
            next_starts = [token.start for token in tokens[1:]]
            spaces = [token.end < start for token, start in zip(tokens, next_starts, strict=False)] + [True]
            words = [token.text for token in tokens]
            tags = from_spans(spans, len(words), scheme)
            yield TaggedSentence(words, tags, [document.line] * len(words), number, spaces)


def trim_span(text: str, span: CharSpan) -> tuple[int, int]:
    """Return the start and end of a span without the white space at its ends."""
    start, end, _ = span
    while start < end and text[start : start + 1].isspace():
        start += 1
    while start < end and text[end - 1 : end].isspace():
        end -= 1
    return start, end


def _by_sentence(
    sentences: Sequence[list[Token]], spans: Sequence[_TokenSpan]
) -> Iterator[tuple[list[Token], list[Span]]]:
    """Yield each sentence with its spans; sentences that share a span are joined."""
    tokens: list[Token] = []
    begin, first_span, last_span = 0, 0, 0  # of the current sentence
    for sentence in sentences:
        tokens += sentence
        end = begin + len(tokens)
        while last_span < len(spans) and spans[last_span].start < end:
            last_span += 1
        if not tokens or (last_span > first_span and spans[last_span - 1].end > end):
            continue
        own = spans[first_span:last_span]
        yield tokens, [Span(span.start - begin, span.end - begin, span.source.label) for span in own]
        tokens, begin, first_span = [], end, last_span

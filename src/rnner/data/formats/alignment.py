"""Spans of characters onto tokens: what is done about those that cut a token, or each other.

`align` is about a span that does not begin and end where tokens do: `strict` refuses it, `expand` takes all
tokens that it touches, `contract` those that lie wholly within. `overlaps` is about spans that share a token:
`error` refuses them, `longest` keeps the one of most tokens (of equals, what begins first), `first` the one
that begins first (of equals, the longest); at last, what was listed first. All is told, nothing dropped
unsaid. White space at the ends of a span belongs to no token and does not count.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from rnner.data.formats.annotated import AnnotatedText, CharSpan, TaggedSentence
from rnner.data.token_table import UNMARKED
from rnner.errors import DataError
from rnner.tags import Span, from_spans
from rnner.text.sentences import split_sentences
from rnner.text.tokenizer import Token, tokenize

Align = Literal["strict", "expand", "contract"]
Overlaps = Literal["error", "longest", "first"]


class _Placed(NamedTuple):
    """A span of characters and the tokens of the document that it is to be."""

    source: CharSpan
    start: int
    end: int


_Key = Callable[[_Placed], tuple[int, int]]
_RANKS: dict[str, _Key] = {
    "longest": lambda it: (it.start - it.end, it.start),
    "first": lambda it: (it.start, it.start - it.end),
}


class Aligner:
    """Puts the spans of documents onto tokens, and keeps account of what did not fit.

    Args:
        path: the file, for the lists.
        align, overlaps: the rules, as above.

    Attributes:
        crossing, overlapping: what was refused, a line each, with place and offsets.
        changed: what a rule resolved, likewise.
    """

    def __init__(self, path: Path, align: Align = "strict", overlaps: Overlaps = "error") -> None:
        self.path, self.align, self.overlaps = path, align, overlaps
        self.crossing: list[str] = []
        self.overlapping: list[str] = []
        self.changed: list[str] = []

    def sentences(self, document: AnnotatedText) -> list[tuple[list[Token], list[Span]]]:
        """The sentences of a document: tokens with offsets into its text, and spans of these tokens.

        No sentence ends within a span. Spans that are refused are left out: see `check`.
        """
        sentences = document.sentences
        if sentences is None:
            sentences = split_sentences(document.text, tokenize(document.text))
        tokens = [token for sentence in sentences for token in sentence]
        if not tokens:
            self.changed.append(f"{self.path}:{document.line}: left out: the text holds no word")
        placed = list(self._placed(document, tokens))
        kept = sorted(self._apart(document, placed), key=lambda it: it.start)
        return list(_divided(sentences, kept))

    def check(self) -> None:
        """Raises DataError with all that was refused, if anything was."""
        told = []
        if self.crossing:
            told += [
                f"spans that do not begin and end where tokens do: {len(self.crossing):,}",
                *self.crossing,
            ]
            told += ["--align expand takes all tokens that they touch, --align contract those within"]
        if self.overlapping:
            told += [f"spans that overlap others: {len(self.overlapping):,}", *self.overlapping]
            told += ["--overlaps longest keeps the longest, --overlaps first the one that begins first"]
        if told:
            told[-1] += " (rnner data convert)"
            raise DataError("\n  ".join(told), self.path)

    def _placed(self, document: AnnotatedText, tokens: Sequence[Token]) -> Iterator[_Placed]:
        starts, ends = [token.start for token in tokens], [token.end for token in tokens]
        for span in dict.fromkeys(document.spans):
            for start, end in (span[:2], stripped(document.text, span)):
                first, last = bisect_right(ends, start), bisect_left(starts, end)  # those touched
                exact = first < last and starts[first] == start and ends[last - 1] == end
                if exact:
                    break
            if exact:
                yield _Placed(span, first, last)
                continue
            if self.align == "strict":
                around = " ".join(token.text for token in tokens[first:last])
                what = f"cuts {around!r}" if around else "holds no token"
                self.crossing.append(self._line(document, span, what))
                continue
            if self.align == "contract":
                first, last = bisect_left(starts, start), bisect_right(ends, end)
            if first < last:
                became = document.text[starts[first] : ends[last - 1]]
                self.changed.append(self._line(document, span, f"became {became!r}"))
                yield _Placed(span, first, last)
            else:
                self.changed.append(self._line(document, span, "left out: it holds no whole token"))

    def _apart(self, document: AnnotatedText, placed: list[_Placed]) -> list[_Placed]:
        """Those that are kept, no two of which share a token."""
        kept: list[_Placed] = []
        taken: dict[int, _Placed] = {}
        rank = _RANKS["first" if self.overlaps == "error" else self.overlaps]
        for it in sorted(placed, key=rank):
            rival = next((taken[i] for i in range(it.start, it.end) if i in taken), None)
            if rival is None:
                kept.append(it)
                taken.update(dict.fromkeys(range(it.start, it.end), it))
            elif (rival.start, rival.end, rival.source.label) != (it.start, it.end, it.source.label):
                what = f"overlaps {rival.source.start}-{rival.source.end} {rival.source.label}"
                refused = self.overlaps == "error"
                told = what if refused else f"left out: it {what}"
                (self.overlapping if refused else self.changed).append(self._line(document, it.source, told))
        return kept

    def _line(self, document: AnnotatedText, span: CharSpan, what: str) -> str:
        text = document.text[span.start : span.end]
        return f"{self.path}:{document.line}: {span.start}-{span.end} {span.label} {text!r} {what}"


def stripped(text: str, span: CharSpan) -> tuple[int, int]:
    """Start and end without the white space at the ends, which no token holds."""
    inner = text[span.start : span.end]
    start = span.start + len(inner) - len(inner.lstrip())
    return start, max(start, span.end - len(inner) + len(inner.rstrip()))


def _divided(
    sentences: Sequence[list[Token]], spans: Sequence[_Placed]
) -> Iterator[tuple[list[Token], list[Span]]]:
    """Sentences with their spans; sentences that a span goes across are put together."""
    tokens: list[Token] = []
    begin, at = 0, 0  # the first token and the first span of the sentence
    for sentence in sentences:
        tokens = [*tokens, *sentence] if tokens else sentence
        end, to = begin + len(tokens), at
        while to < len(spans) and spans[to].start < end:
            to += 1
        if not tokens or (to > at and spans[to - 1].end > end):
            continue
        own = spans[at:to]
        yield tokens, [Span(it.start - begin, it.end - begin, it.source.label) for it in own]
        tokens, begin, at = [], end, to


def to_tagged(documents: Iterable[AnnotatedText], aligner: Aligner, scheme: str) -> Iterator[TaggedSentence]:
    """The sentences of documents, tagged; each document that is marked as one gets the next number.

    What `aligner` refuses is kept there, and comes here as if it were not annotated: see Aligner.check.
    """
    document = UNMARKED
    for it in documents:
        if it.marked or document != UNMARKED:  # after a marked document, what is not marked needs a mark too
            document += 1
        for tokens, spans in aligner.sentences(it):
            after = [token.start for token in tokens[1:]]
            spaces = [token.end < start for token, start in zip(tokens, after, strict=False)] + [True]
            words = [token.text for token in tokens]
            yield TaggedSentence(
                words, from_spans(spans, len(words), scheme), [it.line] * len(words), document, spaces
            )

"""Scores on raw text, by characters, beside those on the tokens of the annotation: the price of tokenization.

Formats of text bring the raw text. For formats of tokens it is put together from the words: with white space
as the file has it (SpaceAfter=No, # text), else by the rule of rnner.text.spacing; the sentences of a document are
paragraphs of its text, so that where they end is not part of the price. An entity is right if its first
character, its last one and its label are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from rnner.data.formats.alignment import stripped
from rnner.data.formats.annotated import (
    AnnotatedText,
    CharSpan,
    SourceFile,
    TaggedSentence,
    decide_scheme,
    to_documents,
)
from rnner.data.formats.columns import NOT_TAKEN
from rnner.data.formats.registry import TEXT, read_tagged
from rnner.pipeline import Pipeline
from rnner.scoring.evaluation import unknown_labels
from rnner.scoring.metrics import Score
from rnner.tags import BINARY_LABEL, from_spans, to_spans
from rnner.text.spacing import spacing
from rnner.text.tokenizer import Token

Spans = Sequence[set[CharSpan]]  # of each document


@dataclass(frozen=True)
class SpanScores:
    """The micro average over all types, and each type's own score, in alphabetical order."""

    total: Score
    per_type: dict[str, Score]

    def to_dict(self) -> dict[str, Any]:
        """The scores, ready for JSON; they are fractions."""
        types = {label: score.to_dict() for label, score in self.per_type.items()}
        return {**self.total.to_dict(), "per_type": types}


class Cut(NamedTuple):
    """An entity that begins or ends within a token of the raw text, and the tokens that it touches."""

    label: str
    text: str
    tokens: tuple[str, ...]


@dataclass(frozen=True)
class RawTextReport:
    """What a model finds in raw text.

    Attributes:
        raw: the scores on raw text.
        tokens: those on the tokens of the annotation; None if it has none.
        gold_tokens, kept_tokens: how many tokens the annotation has, and how many of these the raw text has.
        cut: the entities that cannot be found in raw text, and how many times each.
        warnings: what the user should know of the data.
    """

    raw: SpanScores
    tokens: SpanScores | None
    gold_tokens: int
    kept_tokens: int
    cut: Counter[Cut]
    warnings: list[str]

    def differences(self) -> dict[str, float]:
        """F1, precision and recall on raw text less those on tokens; nothing if there are no tokens."""
        if self.tokens is None:
            return {}
        before, after = self.tokens.total.to_dict(), self.raw.total.to_dict()
        return {name: after[name] - before[name] for name in ("f1", "precision", "recall")}

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "raw": self.raw.to_dict(),
            "tokens": None if self.tokens is None else self.tokens.to_dict(),
            "difference": self.differences() or None,
            "gold_tokens": self.gold_tokens,
            "kept_tokens": self.kept_tokens,
            "cut": [{**cut._asdict(), "count": count} for cut, count in self.cut.most_common()],
            "warnings": self.warnings,
        }


def report(pipeline: Pipeline, source: SourceFile, form: str) -> RawTextReport:
    """Score a model on an annotated file, of format `form`, as raw text.

    Tags that obey no scheme are read as conlleval does. For a model of names alone, names with nothing but
    white space between them are one.

    Raises DataError as `read_tagged` does, and for a file without a word.
    """
    documents = list(_documents(source, form, binary=pipeline.vocabulary.scheme == "binary"))
    if not any(document.text.strip() for document in documents):
        raise source.error("no sentence: the file has no word")
    gold = [set(document.spans) for document in documents]
    read = pipeline.documents([document.text for document in documents])
    found = [{CharSpan(e.start, e.end, e.label) for e in document.entities()} for document in read]
    tokens = [[token for sentence in document.sentences for token in sentence] for document in read]
    on_tokens = _found_on_tokens(pipeline, documents)
    own = [{_place(token) for sentence in it.sentences or [] for token in sentence} for it in documents]
    kept = sum(len(places & set(map(_place, row))) for places, row in zip(own, tokens, strict=True))
    source.notes.pop(NOT_TAKEN, None)  # nobody misses them here
    notes = [f"{source.path}: {note}" for note in source.told()]
    counts = Counter(span.label for spans in gold for span in spans)
    return RawTextReport(
        raw=score_spans(gold, found),
        tokens=None if on_tokens is None else score_spans(gold, on_tokens),
        gold_tokens=sum(map(len, own)),
        kept_tokens=kept,
        cut=Counter(cut for it, row in zip(documents, tokens, strict=True) for cut in _cut(it, row)),
        warnings=[*notes, *unknown_labels(counts, pipeline.labels)],
    )


def score_spans(gold: Spans, found: Spans) -> SpanScores:
    """Score found entities, in characters of documents, against gold ones; either may overlap one another.

    Raises ValueError if there are not as many documents on each side.
    """
    pairs = list(zip(gold, found, strict=True))
    support, predicted = (Counter(it.label for spans in side for it in spans) for side in (gold, found))
    correct = Counter(it.label for own, other in pairs for it in own & other)
    labels = sorted(support | predicted)
    return SpanScores(
        _score(support.total(), predicted.total(), correct.total()),
        {label: _score(support[label], predicted[label], correct[label]) for label in labels},
    )


def _score(support: int, predicted: int, correct: int) -> Score:
    """The shares of these counts; a share of nothing is 0."""
    precision, recall = correct / max(1, predicted), correct / max(1, support)
    f1 = 2 * correct / max(1, support + predicted)
    return Score(precision, recall, f1, support, predicted, correct)


def _documents(source: SourceFile, form: str, *, binary: bool) -> Iterator[AnnotatedText]:
    """The documents of a file as raw text, with their tokens if the format has some."""
    if form in TEXT:
        yield from (_tidied(document, binary=binary) for document in TEXT[form](source))
        return
    sentences = [_spaced(sentence) for sentence in read_tagged(source, form)]
    scheme = decide_scheme(source, sentences, "conlleval")
    if binary:
        sentences = [_in_binary(sentence, scheme) for sentence in sentences]
    yield from to_documents(sentences, "binary" if binary else scheme)


def _spaced(sentence: TaggedSentence) -> TaggedSentence:
    return sentence if sentence.spaces is not None else sentence._replace(spaces=spacing(sentence.words))


def _in_binary(sentence: TaggedSentence, scheme: str) -> TaggedSentence:
    tags = from_spans(to_spans(sentence.tags, scheme), len(sentence.words), "binary")
    return sentence._replace(tags=tags)


def _tidied(document: AnnotatedText, *, binary: bool) -> AnnotatedText:
    """The document with spans without white space at their ends; if `binary`, names that touch are one."""
    spans = [CharSpan(*stripped(document.text, span), span.label) for span in document.spans]
    return replace(document, spans=_names(document.text, spans) if binary else spans)


def _names(text: str, spans: Iterable[CharSpan]) -> list[CharSpan]:
    merged: list[CharSpan] = []
    for start, end, _ in sorted(spans):
        if merged and not text[merged[-1].end : start].strip():
            start, end = merged[-1].start, max(end, merged.pop().end)
        merged.append(CharSpan(start, end, BINARY_LABEL))
    return merged


def _found_on_tokens(pipeline: Pipeline, documents: Sequence[AnnotatedText]) -> list[set[CharSpan]] | None:
    """What the model finds when it is given the tokens of the annotation; None where a document has none."""
    if any(document.sentences is None for document in documents):
        return None
    rows = [(number, row) for number, it in enumerate(documents) for row in it.sentences or []]
    words = [[token.text for token in row] for _, row in rows]
    found: list[set[CharSpan]] = [set() for _ in documents]
    tagged = pipeline.tag(words, [number for number, _ in rows])
    for (number, row), entities in zip(rows, tagged, strict=True):
        found[number] |= {CharSpan(row[e.start].start, row[e.end - 1].end, e.label) for e in entities}
    return found


def _cut(document: AnnotatedText, tokens: Sequence[Token]) -> Iterator[Cut]:
    """The entities of a document that do not begin and end where tokens do."""
    starts, ends = {token.start for token in tokens}, {token.end for token in tokens}
    for start, end, label in document.spans:
        if start not in starts or end not in ends:
            touched = tuple(token.text for token in tokens if token.start < end and start < token.end)
            yield Cut(label, document.text[start:end], touched)


def _place(token: Token) -> tuple[int, int]:
    return token.start, token.end

"""Scores on raw text, in characters, and on the file's own tokens, to show the cost of tokenization.

An entity is correct if its first character, last character and label are right. Text formats contain the raw
text. For token formats, it is rebuilt from the words with the white space given in the file (SpaceAfter=No,
# text), or else by the rules of `rnner.text.spacing`. The sentences of a document become paragraphs, so
sentence splitting costs nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from rnner.data.formats.alignment import trim_span
from rnner.data.formats.annotated import (
    AnnotatedText,
    CharSpan,
    SourceFile,
    decide_scheme,
    refuse_unknown,
    to_documents,
)
from rnner.data.formats.columns import EXTRA_COLUMNS_NOTE
from rnner.data.formats.registry import TEXT_FORMATS, read_sentences
from rnner.pipeline import Pipeline
from rnner.scoring.evaluation import unknown_labels
from rnner.scoring.metrics import Score
from rnner.tags import BINARY_LABEL, from_spans, to_spans
from rnner.text.spacing import spacing
from rnner.text.tokenizer import Token


@dataclass(frozen=True)
class SpanScores:
    """The micro average over all entity types, and the score of each type in alphabetical order."""

    total: Score
    per_type: dict[str, Score]

    def to_dict(self) -> dict[str, Any]:
        """Return the scores, ready for JSON; they are fractions."""
        types = {label: score.to_dict() for label, score in self.per_type.items()}
        return {**self.total.to_dict(), "per_type": types}


class CutEntity(NamedTuple):
    """An entity that begins or ends inside a token of the raw text, and the tokens that it overlaps."""

    label: str
    text: str
    tokens: tuple[str, ...]


@dataclass(frozen=True)
class RawTextReport:
    """Scores of a model on raw text.

    Attributes:
        raw: scores on raw text.
        tokens: scores on the file's own tokens; None if it has none.
        gold_tokens, kept_tokens: number of the file's tokens, and how many of them the tokenizer finds too.
        cut: entities that cannot be found in raw text, with counts.
        warnings: about the data.
    """

    raw: SpanScores
    tokens: SpanScores | None
    gold_tokens: int
    kept_tokens: int
    cut: Counter[CutEntity]
    warnings: list[str]

    def differences(self) -> dict[str, float]:
        """Return F1, precision and recall on raw text minus those on tokens; empty without tokens."""
        if self.tokens is None:
            return {}
        raw, tokens = self.raw.total.to_dict(), self.tokens.total.to_dict()
        return {name: raw[name] - tokens[name] for name in ("f1", "precision", "recall")}

    def to_dict(self) -> dict[str, Any]:
        """Return the report, ready for JSON."""
        return {
            "raw": self.raw.to_dict(),
            "tokens": None if self.tokens is None else self.tokens.to_dict(),
            "difference": self.differences() or None,
            "gold_tokens": self.gold_tokens,
            "kept_tokens": self.kept_tokens,
            "cut": [{**cut._asdict(), "count": count} for cut, count in self.cut.most_common()],
            "warnings": self.warnings,
        }


def evaluate_raw_text(pipeline: Pipeline, source: SourceFile, form: str) -> RawTextReport:
    """Score a model on the raw text of an annotated file in the format `form`.

    Tags that obey no scheme are read as in conlleval. If the model's scheme is `binary`, entities with only
    white space between them count as one.

    Raises DataError as `read_sentences` does, and for a file without words.
    """
    documents = list(_documents(source, form, binary=pipeline.vocabulary.scheme == "binary"))
    if not any(document.text.strip() for document in documents):
        raise source.error("no sentences: the file has no words")
    gold = [set(document.spans) for document in documents]
    parsed = pipeline.documents([document.text for document in documents])
    found = [{CharSpan(e.start, e.end, e.label) for e in document.entities()} for document in parsed]
    found_on_tokens = _find_on_tokens(pipeline, documents)
    gold_tokens = kept_tokens = 0
    cut: Counter[CutEntity] = Counter()
    for document, own in zip(documents, parsed, strict=True):
        tokens = [token for sentence in own.sentences for token in sentence]
        places = {(token.start, token.end) for sentence in document.sentences or [] for token in sentence}
        gold_tokens += len(places)
        kept_tokens += len(places & {(token.start, token.end) for token in tokens})
        cut.update(_cut_entities(document, tokens))
    source.notes.pop(EXTRA_COLUMNS_NOTE, None)  # extra columns do not matter here
    notes = [f"{source.path}: {note}" for note in source.note_lines()]
    counts = Counter(span.label for spans in gold for span in spans)
    return RawTextReport(
        raw=score_char_spans(gold, found),
        tokens=None if found_on_tokens is None else score_char_spans(gold, found_on_tokens),
        gold_tokens=gold_tokens,
        kept_tokens=kept_tokens,
        cut=cut,
        warnings=[*notes, *unknown_labels(counts, pipeline.labels)],
    )


def score_char_spans(gold: Sequence[set[CharSpan]], predicted: Sequence[set[CharSpan]]) -> SpanScores:
    """Score predicted entities of documents against gold ones. Entities of one side may overlap.

    Raises ValueError if the numbers of documents differ.
    """
    pairs = list(zip(gold, predicted, strict=True))
    support, found = (Counter(span.label for spans in side for span in spans) for side in (gold, predicted))
    correct = Counter(span.label for own, other in pairs for span in own & other)
    return SpanScores(
        _score(support.total(), found.total(), correct.total()),
        {label: _score(support[label], found[label], correct[label]) for label in sorted(support | found)},
    )


def _score(support: int, predicted: int, correct: int) -> Score:
    precision, recall = correct / max(1, predicted), correct / max(1, support)
    f1 = 2 * correct / max(1, support + predicted)
    return Score(f1, precision, recall, support, predicted, correct)


def _documents(source: SourceFile, form: str, *, binary: bool) -> Iterator[AnnotatedText]:
    """Yield the documents of a file as raw text, with the file's tokens if it has any."""
    if form in TEXT_FORMATS:
        for document in TEXT_FORMATS[form].read(source):
            spans = [CharSpan(*trim_span(document.text, span), span.label) for span in document.spans]
            yield replace(document, spans=_merge_names(document.text, spans) if binary else spans)
        return
    sentences = list(read_sentences(source, form))
    refuse_unknown(source, sentences, "raw text is evaluated on fully annotated files")
    scheme = decide_scheme(source, sentences, "conlleval")
    for i, sentence in enumerate(sentences):
        spaces = spacing(sentence.words) if sentence.spaces is None else sentence.spaces
        tags = sentence.tags
        if binary:
            tags = from_spans(to_spans(tags, scheme), len(tags), "binary")
        sentences[i] = sentence._replace(tags=tags, spaces=spaces)
    yield from to_documents(sentences, "binary" if binary else scheme)


def _merge_names(text: str, spans: Iterable[CharSpan]) -> list[CharSpan]:
    """Merge entities with only white space between them, as the scheme `binary` does."""
    merged: list[CharSpan] = []
    for start, end, _ in sorted(spans):
        if merged and not text[merged[-1].end : start].strip():
            start, end = merged[-1].start, max(end, merged.pop().end)
        merged.append(CharSpan(start, end, BINARY_LABEL))
    return merged


def _find_on_tokens(pipeline: Pipeline, documents: Sequence[AnnotatedText]) -> list[set[CharSpan]] | None:
    """Return the entities found on the file's own tokens; None if a document has no tokens."""
    if any(document.sentences is None for document in documents):
        return None
    rows = [(number, row) for number, document in enumerate(documents) for row in document.sentences or []]
    words = [[token.text for token in row] for _, row in rows]
    found: list[set[CharSpan]] = [set() for _ in documents]
    tagged = pipeline.tag(words, [number for number, _ in rows])
    for (number, row), entities in zip(rows, tagged, strict=True):
        found[number] |= {CharSpan(row[e.start].start, row[e.end - 1].end, e.label) for e in entities}
    return found


def _cut_entities(document: AnnotatedText, tokens: Sequence[Token]) -> Iterator[CutEntity]:
    """Yield the entities that begin or end where no token does."""
    starts, ends = {token.start for token in tokens}, {token.end for token in tokens}
    for start, end, label in document.spans:
        if start not in starts or end not in ends:
            touched = tuple(token.text for token in tokens if token.start < end and start < token.end)
            yield CutEntity(label, document.text[start:end], touched)

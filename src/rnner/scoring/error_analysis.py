"""Errors by class, and confusions between labels with an example of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

from rnner.decoding.spans import ScoredSpan
from rnner.scoring.metrics import check_same_length
from rnner.tags import Span

AnySpan = TypeVar("AnySpan", bound=Span | ScoredSpan)

_SHARED_CLASSES = ("correct", "wrong_type", "wrong_boundary", "wrong_both")
_Labels = tuple[str | None, str | None]  # gold and predicted


class EntityError(NamedTuple):
    """A gold entity that was not found exactly, or a found entity that overlaps no gold entity.

    Attributes:
        kind: "wrong_type", "wrong_boundary", "wrong_both", "missed" or "spurious", see `ErrorCounts`.
        gold: the gold entity; None if the error is spurious.
        found: the best match of the gold entity, or the spurious entity; None if the entity was missed.
        overlapping: all found entities that overlap the gold entity, or the spurious one.
    """

    kind: str
    gold: Span | None
    found: Span | None
    overlapping: list[Span]


@dataclass(frozen=True)
class ErrorCounts:
    """Number of entities in each class, for gold and for predicted entities.

    Shared classes: "correct"; "wrong_type" (right boundaries, other label); "wrong_boundary" (overlap, same
    label); "wrong_both" (overlap, other label). Gold entities without overlap are "missed", predicted ones
    "spurious". Each side sums to its number of entities. The shared counts differ only where several entities
    overlap one: a name predicted in two pieces is one gold entity with a wrong boundary and two predicted
    ones.
    """

    gold: dict[str, int]
    predicted: dict[str, int]


@dataclass(frozen=True)
class Confusion:
    """A pair of gold and predicted labels, its count, and its first example.

    `gold` is None for spurious entities, `predicted` is None for missed ones; equal labels mean a wrong
    boundary.
    """

    gold: str | None
    predicted: str | None
    count: int
    sentence: int  # index of the example
    words: tuple[str, ...]
    gold_spans: tuple[Span, ...]  # of the example
    predicted_spans: tuple[Span, ...]

    @property
    def kind(self) -> str:
        """The error class: "missed", "spurious", "boundary", or "type" (regardless of boundaries)."""
        if self.predicted is None:
            return "missed"
        if self.gold is None:
            return "spurious"
        return "boundary" if self.gold == self.predicted else "type"

    def to_dict(self) -> dict[str, Any]:
        """Return the confusion with its example, ready for JSON."""
        example = {
            "sentence": self.sentence,
            "words": list(self.words),
            "gold": [span._asdict() for span in self.gold_spans],
            "predicted": [span._asdict() for span in self.predicted_spans],
        }
        labels = {"kind": self.kind, "gold": self.gold, "predicted": self.predicted, "count": self.count}
        return labels | {"example": example}


def count_errors(gold: Sequence[list[Span]], predicted: Sequence[list[Span]]) -> ErrorCounts:
    """Assign each gold and each predicted entity to one class.

    An entity is compared with its best match on the other side: of the entities that overlap it, the one with
    the same boundaries, else one with the same label, else the one that shares the most words, else the
    leftmost. So it gets the mildest class that applies.

    Args:
        gold, predicted: the entities of each sentence; they must not overlap.

    Raises:
        ValueError: the arguments differ in length.
    """
    check_same_length(gold=gold, predicted=predicted)
    return ErrorCounts(
        gold=_count_classes(gold, predicted, unmatched="missed"),
        predicted=_count_classes(predicted, gold, unmatched="spurious"),
    )


def confusions(
    gold: Sequence[list[Span]], predicted: Sequence[list[Span]], sentences: Sequence[Sequence[str]]
) -> list[Confusion]:
    """Return the confusions of labels, the most frequent first, ties in the order of labels.

    Counts gold entities that are not correct, by their label and that of their best match (see
    `count_errors`), and predicted entities that overlap no gold entity.

    Args:
        gold, predicted: the entities of each sentence, as for `count_errors`.
        sentences: the words of each sentence.

    Raises:
        ValueError: the arguments differ in length.
    """
    check_same_length(gold=gold, predicted=predicted, sentences=sentences)
    counts: Counter[_Labels] = Counter()
    first: dict[_Labels, Confusion] = {}
    for i, (words, own, found) in enumerate(zip(sentences, gold, predicted, strict=True)):
        for error in sentence_errors(own, found):
            labels = error.gold and error.gold.label, error.found and error.found.label
            counts[labels] += 1
            spans = ((error.gold,) if error.gold else (), tuple(error.overlapping))
            first.setdefault(labels, Confusion(*labels, 1, i, tuple(words), *spans))
    ordered = sorted(counts, key=lambda labels: (-counts[labels], labels[0] or "", labels[1] or ""))
    return [replace(first[labels], count=counts[labels]) for labels in ordered]


def sentence_errors(gold: Sequence[Span], predicted: Sequence[Span]) -> Iterator[EntityError]:
    """Yield the errors of a sentence: those of its gold entities, then the spurious entities.

    `confusions` counts the same errors.
    """
    for span in gold:
        match = _best_match(span, predicted)
        if match != span:
            kind = _class_of(span, match, unmatched="missed")
            yield EntityError(kind, span, match, overlapping(span, predicted))
    for span in predicted:
        if not overlapping(span, gold):
            yield EntityError("spurious", None, span, [span])


def type_matrix(correct: Mapping[str, int], found: Iterable[Confusion]) -> Counter[_Labels]:
    """Return the number of entities by gold and predicted label; None stands for no entity.

    Entities on the diagonal have the right label, with right or wrong boundaries.

    Args:
        correct: the number of correct entities with each label.
        found: all confusions.
    """
    matrix: Counter[_Labels] = Counter({(label, label): count for label, count in correct.items()})
    for confusion in found:
        matrix[confusion.gold, confusion.predicted] += confusion.count
    return matrix


def shared_words(one: Span | ScoredSpan, other: Span | ScoredSpan) -> int:
    """Return the number of words in both spans; 0 or less if they do not overlap."""
    return min(one.end, other.end) - max(one.start, other.start)


def overlapping(span: Span | ScoredSpan, others: Iterable[AnySpan]) -> list[AnySpan]:
    """Return the spans that share words with `span`."""
    return [other for other in others if shared_words(span, other) > 0]


def _best_match(span: Span, others: Iterable[Span]) -> Span | None:
    def closeness(other: Span) -> tuple[bool, bool, int, int]:
        same_boundaries = (other.start, other.end) == (span.start, span.end)
        return same_boundaries, other.label == span.label, shared_words(span, other), -other.start

    return max(overlapping(span, others), key=closeness, default=None)


def _class_of(span: Span, match: Span | None, *, unmatched: str) -> str:
    """Return the class of an entity with this best match."""
    if match is None:
        return unmatched
    if (match.start, match.end) == (span.start, span.end):
        return "correct" if match.label == span.label else "wrong_type"
    return "wrong_boundary" if match.label == span.label else "wrong_both"


def _count_classes(
    sentences: Sequence[list[Span]], others: Sequence[list[Span]], *, unmatched: str
) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for spans, candidates in zip(sentences, others, strict=True):
        for span in spans:
            counts[_class_of(span, _best_match(span, candidates), unmatched=unmatched)] += 1
    return {name: counts[name] for name in (*_SHARED_CLASSES, unmatched)}

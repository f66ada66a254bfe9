"""Scores of found entities against gold ones, and what kind of mistakes were made.

Entities are counted as conlleval counts them (Tjong Kim Sang and De Meulder 2003): an entity is correct
when boundaries and label are, and precision, recall and F1 are taken over all entities (micro average).
seqeval reads the tags and does the arithmetic; a share of nothing is 0.0. All shares are fractions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from rnner.errors import DataError
from rnner.tags import Span, from_spans

_SHARED_CLASSES = ("correct", "wrong_type", "wrong_boundary", "wrong_both")
_Labels = tuple[str | None, str | None]  # gold and predicted
_Spans = tuple[Span, ...]

# seqeval's name of each scheme, and the tags it knows.
_SCHEMES = {
    "iob1": ("IOB1", re.compile("O|[BI](-.+)?")),
    "iob2": ("IOB2", re.compile("O|[BI](-.+)?")),
    "bioes": ("IOBES", re.compile("O|[BIES](-.+)?")),
}


@dataclass(frozen=True)
class Score:
    """Precision, recall and F1 (fractions) with the counts of entities they come from.

    `support` counts the gold entities, `predicted` those found, `correct` those that are both.
    """

    precision: float
    recall: float
    f1: float
    support: int
    predicted: int
    correct: int

    def to_dict(self) -> dict[str, Any]:
        """The figures under their field names, ready for JSON."""
        names = ("f1", "precision", "recall", "support", "predicted", "correct")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Scores(Score):
    """The micro average over all types, each type's own score, and how many single tags are right.

    `tokens` counts all tokens, `correct_tokens` those whose tags agree, `accuracy` is their share.
    `per_type` has every label that gold or prediction holds, in alphabetical order. `strict` are the
    scores of the strict reading where they differ from these, see `score_tags`.
    """

    tokens: int
    correct_tokens: int
    accuracy: float
    per_type: dict[str, Score]
    strict: Scores | None = None

    def to_dict(self) -> dict[str, Any]:
        """The scores, ready for JSON; the key `strict` is there only where it differs."""
        told = super().to_dict() | {"accuracy": self.accuracy}
        told["per_type"] = {label: score.to_dict() for label, score in self.per_type.items()}
        if self.strict is not None:
            told["strict"] = self.strict.to_dict()
        return told


def score(gold: Sequence[list[Span]], predicted: Sequence[list[Span]], lengths: Sequence[int]) -> Scores:
    """Score predicted entities against gold ones.

    Args:
        gold, predicted: the entities of each sentence; within a sentence they must not overlap.
        lengths: the number of tokens of each sentence. Token accuracy is taken over IOB2 tags.

    Raises:
        ValueError: the three differ in length, or spans overlap or leave their sentence.
    """
    _check_same_number(gold=gold, predicted=predicted, lengths=lengths)
    gold_tags = [from_spans(spans, n, "iob2") for spans, n in zip(gold, lengths, strict=True)]
    predicted_tags = [from_spans(spans, n, "iob2") for spans, n in zip(predicted, lengths, strict=True)]
    support, found = _per_label(gold), _per_label(predicted)
    correct = _per_label(set(own) & set(other) for own, other in zip(gold, predicted, strict=True))
    labels = sorted(support | found)
    shares = zip(labels, *_shares(gold_tags, predicted_tags, average=None), strict=True)
    (precision,), (recall,), (f1,) = _shares(gold_tags, predicted_tags, average="micro")
    tokens, correct_tokens, accuracy = _accuracy(gold_tags, predicted_tags)
    return Scores(
        precision=precision,
        recall=recall,
        f1=f1,
        support=support.total(),
        predicted=found.total(),
        correct=correct.total(),
        tokens=tokens,
        correct_tokens=correct_tokens,
        accuracy=accuracy,
        per_type={
            label: Score(p, r, f, support[label], found[label], correct[label]) for label, p, r, f in shares
        },
    )


def score_tags(gold: Sequence[list[str]], predicted: Sequence[list[str]], *, scheme: str = "iob2") -> Scores:
    """Score tags as they are found, illegal sequences included.

    The scores are those of conlleval's reading, which makes an entity of every run of tags (an `I-LOC`
    with nothing before it starts one). The strict reading, in which only entities written as the scheme
    demands count, on either side, stands under `strict` where it gives another figure.

    Args:
        gold, predicted: the tags of each sentence.
        scheme: what the strict reading goes by, "iob1", "iob2" or "bioes".

    Raises:
        ValueError: gold and predicted differ in length somewhere, or there is no such scheme.
        DataError: a tag that is none, or none of the scheme.
    """
    _check_tags(gold, predicted, scheme)
    lengths = [len(tags) for tags in gold]
    tokens, correct_tokens, accuracy = _accuracy(gold, predicted)
    lenient, strict = (
        replace(
            score([read(tags) for tags in gold], [read(tags) for tags in predicted], lengths),
            tokens=tokens,
            correct_tokens=correct_tokens,
            accuracy=accuracy,
        )
        for read in (_read_leniently, partial(_read_strictly, scheme=scheme))
    )
    return lenient if strict == lenient else replace(lenient, strict=strict)


@dataclass(frozen=True)
class Errors:
    """How many entities fall into each class, told from both sides.

    `gold` has the gold entities by class: "correct", "wrong_type" (right boundaries, other label),
    "wrong_boundary" (overlap, same label), "wrong_both" (overlap, other label) and "missed" (no overlap
    with any prediction); they sum to the number of gold entities. `predicted` has the predicted ones, with
    "spurious" (no overlap with any gold entity) for "missed"; they sum to the number of predictions. The
    sides differ only where several entities overlap one: a name found in two pieces is one gold entity
    with a wrong boundary, and two predictions.
    """

    gold: dict[str, int]
    predicted: dict[str, int]

    def to_dict(self) -> dict[str, dict[str, int]]:
        """Both sides, ready for JSON."""
        return {"gold": dict(self.gold), "predicted": dict(self.predicted)}


@dataclass(frozen=True)
class Confusion:
    """A label taken for another, how often, and the first place where it happened.

    `gold` is None for an entity that was found where none is, `predicted` is None for one that was missed;
    equal labels mean a wrong boundary. `words` is the sentence of the example, `sentence` its index, and
    `gold_spans` and `predicted_spans` are the entities in it that this is about.
    """

    gold: str | None
    predicted: str | None
    count: int
    sentence: int
    words: tuple[str, ...]
    gold_spans: _Spans
    predicted_spans: _Spans

    @property
    def kind(self) -> str:
        """What happened: "missed", "spurious", "boundary" or "type" (whatever its boundaries)."""
        if self.predicted is None:
            return "missed"
        if self.gold is None:
            return "spurious"
        return "boundary" if self.gold == self.predicted else "type"

    def to_dict(self) -> dict[str, Any]:
        """The confusion with its example, ready for JSON."""
        example = {
            "sentence": self.sentence,
            "words": list(self.words),
            "gold": [span._asdict() for span in self.gold_spans],
            "predicted": [span._asdict() for span in self.predicted_spans],
        }
        head = {"kind": self.kind, "gold": self.gold, "predicted": self.predicted, "count": self.count}
        return head | {"example": example}


def error_classes(gold: Sequence[list[Span]], predicted: Sequence[list[Span]]) -> Errors:
    """Put every gold and every predicted entity into exactly one class.

    Each entity is judged by its partner on the other side. Of several that overlap it, the partner is the
    one with the same boundaries, else one with the same label, else the one sharing most words, else the
    leftmost: an entity with overlaps thus always falls into the mildest class that fits.

    Args:
        gold, predicted: the entities of each sentence; within a sentence they must not overlap.

    Raises:
        ValueError: the two differ in length.
    """
    _check_same_number(gold=gold, predicted=predicted)
    return Errors(
        gold=_classes(zip(gold, predicted, strict=True), alone="missed"),
        predicted=_classes(zip(predicted, gold, strict=True), alone="spurious"),
    )


def confusions(
    gold: Sequence[list[Span]], predicted: Sequence[list[Span]], sentences: Sequence[Sequence[str]]
) -> list[Confusion]:
    """What was taken for what, the most frequent first.

    Counts the gold entities that are not correct, by their label and that of their partner (see
    `error_classes`), and the predictions that overlap no gold entity. Equal counts are in the order of
    their labels. The example is the first in the data.

    Args:
        gold, predicted: the entities of each sentence, as for `error_classes`.
        sentences: the words of each sentence.

    Raises:
        ValueError: the three differ in length.
    """
    _check_same_number(gold=gold, predicted=predicted, sentences=sentences)
    counts: Counter[_Labels] = Counter()
    first: dict[_Labels, Confusion] = {}
    for i, (words, own, found) in enumerate(zip(sentences, gold, predicted, strict=True)):
        for labels, gold_spans, predicted_spans in _mistakes(own, found):
            counts[labels] += 1
            first.setdefault(labels, Confusion(*labels, 1, i, tuple(words), gold_spans, predicted_spans))
    ordered = sorted(counts, key=lambda labels: (-counts[labels], labels[0] or "", labels[1] or ""))
    return [replace(first[labels], count=counts[labels]) for labels in ordered]


def _mistakes(gold: list[Span], predicted: list[Span]) -> Iterable[tuple[_Labels, _Spans, _Spans]]:
    """What went wrong in a sentence: the labels, and the spans on either side."""
    for span in gold:
        partner = _partner(span, predicted)
        if partner != span:
            yield (span.label, partner and partner.label), (span,), _overlapping(span, predicted)
    for span in predicted:
        if not _overlapping(span, gold):
            yield (None, span.label), (), (span,)


def _overlapping(span: Span, others: Iterable[Span]) -> _Spans:
    return tuple(other for other in others if other.start < span.end and span.start < other.end)


def _partner(span: Span, others: Iterable[Span]) -> Span | None:
    """The entity of the other side that `span` is judged by; None if nothing overlaps it."""

    def closeness(other: Span) -> tuple[bool, bool, int, int]:
        shared = min(span.end, other.end) - max(span.start, other.start)
        same_place = (other.start, other.end) == (span.start, span.end)
        return same_place, other.label == span.label, shared, -other.start

    return max(_overlapping(span, others), key=closeness, default=None)


def _class(span: Span, partner: Span | None, *, alone: str) -> str:
    """The class of an entity judged by its partner; `alone` when it has none."""
    if partner is None:
        return alone
    if (partner.start, partner.end) == (span.start, span.end):
        return "correct" if partner.label == span.label else "wrong_type"
    return "wrong_boundary" if partner.label == span.label else "wrong_both"


def _classes(sides: Iterable[tuple[list[Span], list[Span]]], *, alone: str) -> dict[str, int]:
    """How many entities of the first of two sides fall into each class."""
    counts = Counter(
        _class(span, _partner(span, others), alone=alone) for spans, others in sides for span in spans
    )
    return {name: counts[name] for name in (*_SHARED_CLASSES, alone)}


def _per_label(sentences: Iterable[Iterable[Span]]) -> Counter[str]:
    return Counter(span.label for spans in sentences for span in spans)


def _shares(
    gold: list[list[str]], predicted: list[list[str]], *, average: str | None
) -> tuple[list[float], list[float], list[float]]:
    """Precision, recall and F1: one of each with `average` "micro", else one a label, sorted."""
    from seqeval.metrics.sequence_labeling import precision_recall_fscore_support

    gold, predicted = gold or [[]], predicted or [[]]  # seqeval refuses to score no sentences at all
    shares = precision_recall_fscore_support(gold, predicted, average=average, zero_division=0)
    precision, recall, f1 = ([float(share) for share in np.atleast_1d(values)] for values in shares[:3])
    return precision, recall, f1


def _accuracy(gold: Sequence[list[str]], predicted: Sequence[list[str]]) -> tuple[int, int, float]:
    """The number of tags, how many agree, and their share."""
    tags = sum(len(sentence) for sentence in gold)
    pairs = zip(chain.from_iterable(gold), chain.from_iterable(predicted), strict=True)
    correct = sum(left == right for left, right in pairs)
    return tags, correct, correct / tags if tags else 0.0


def _read_leniently(tags: list[str]) -> list[Span]:
    """The entities conlleval sees in a sentence's tags."""
    from seqeval.metrics.sequence_labeling import get_entities

    return [Span(start, last + 1, label) for label, start, last in get_entities(tags)]


def _read_strictly(tags: list[str], scheme: str) -> list[Span]:
    """The entities that are written as `scheme` demands."""
    from seqeval import scheme as schemes

    sentence = schemes.Tokens(tags, getattr(schemes, _SCHEMES[scheme][0]))
    return [Span(entity.start, entity.end, entity.tag) for entity in sentence.entities]


def _check_tags(gold: Sequence[list[str]], predicted: Sequence[list[str]], scheme: str) -> None:
    if scheme not in _SCHEMES:
        raise ValueError(f"scheme is {scheme!r}, but has to be one of {', '.join(_SCHEMES)}")
    _check_same_number(gold=gold, predicted=predicted)
    known = _SCHEMES[scheme][1]
    for i, (left, right) in enumerate(zip(gold, predicted, strict=True)):
        if len(left) != len(right):
            raise ValueError(f"sentence {i} has {len(left)} gold tags, but {len(right)} predicted ones")
        for tag in (*left, *right):
            if not known.fullmatch(tag):
                raise DataError(f"sentence {i} has the tag {tag!r}, which is none of {scheme}")


def _check_same_number(**sequences: Sequence[object]) -> None:
    numbers = {name: len(sequence) for name, sequence in sequences.items()}
    if len(set(numbers.values())) > 1:
        told = ", ".join(f"{name} {number}" for name, number in numbers.items())
        raise ValueError(f"one entry a sentence is needed in each, but there are: {told}")

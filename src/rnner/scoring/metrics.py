"""Precision, recall and F1 of predicted entities, and token accuracy.

To add a metric, add a field to `Score` (computed in `Score.from_counts`, also for each entity type) or to
`Scores` (computed in `_scores`), and show it in `rnner.render.scores`.

A correct entity has the right boundaries and label; precision, recall and F1 are micro averages over all
entities, as in conlleval (Tjong Kim Sang and De Meulder 2003). All are fractions, 0.0 if there is nothing to
count, and bit-identical to those of seqeval. Macro and weighted averages match seqeval's, too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from rnner.errors import DataError
from rnner.tags import LENIENT, Span, from_spans, to_spans

# seqeval's name of each scheme, and its tags.
_SCHEMES = {
    "iob1": ("IOB1", re.compile("O|[BI](-.+)?")),
    "iob2": ("IOB2", re.compile("O|[BI](-.+)?")),
    "bioes": ("IOBES", re.compile("O|[BIES](-.+)?")),
}


@dataclass(frozen=True)
class Score:
    """F1, precision and recall, with the numbers of gold, predicted and correct entities."""

    f1: float
    precision: float
    recall: float
    support: int  # gold entities
    predicted: int
    correct: int  # true positives

    @classmethod
    def from_counts(cls, support: int, predicted: int, correct: int) -> Score:
        """Return the score of these counts."""
        precision = correct / predicted if predicted else 0.0
        recall = correct / support if support else 0.0
        f1 = 2 * precision * recall / (precision + recall or 1)
        return Score(f1, precision, recall, support, predicted, correct)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, ready for JSON."""
        return {field.name: getattr(self, field.name) for field in fields(Score)}


class Average(NamedTuple):
    """F1, precision and recall, each averaged over the entity types."""

    f1: float
    precision: float
    recall: float


@dataclass(frozen=True)
class Scores(Score):
    """Micro average over all entity types, the score of each type, and token accuracy.

    `per_type` has all labels of gold and predicted entities in alphabetical order. `strict` holds the scores
    of the strict reading if they differ, see `score_tags`. `tokens` is 0 if the entities are spans of
    characters.
    """

    tokens: int
    correct_tokens: int  # with the gold tag
    per_type: dict[str, Score]
    strict: Scores | None = None

    @property
    def accuracy(self) -> float:
        """Share of the tokens that have the gold tag."""
        return self.correct_tokens / self.tokens if self.tokens else 0.0

    @property
    def macro(self) -> Average:
        """Average over the entity types, each with the same weight."""
        return _average(self.per_type.values(), [1] * len(self.per_type))

    @property
    def weighted(self) -> Average:
        """Average over the entity types, each weighted by its number of gold entities."""
        return _average(self.per_type.values(), [score.support for score in self.per_type.values()])

    def without_tokens(self, correct: int) -> Scores:
        """Return the scores with fewer tokens, all of which have counted as correct."""
        return replace(self, tokens=self.tokens - correct, correct_tokens=self.correct_tokens - correct)

    def to_dict(self) -> dict[str, Any]:
        """Return the scores, ready for JSON.

        The key `strict` exists only if the strict scores differ, the key `accuracy` only if there are tokens.
        """
        result = super().to_dict() | ({"accuracy": self.accuracy} if self.tokens else {})
        result |= {"macro": self.macro._asdict(), "weighted": self.weighted._asdict()}
        result["per_type"] = {label: score.to_dict() for label, score in self.per_type.items()}
        if self.strict is not None:
            result["strict"] = self.strict.to_dict()
        return result


def score(gold: Sequence[list[Span]], predicted: Sequence[list[Span]], lengths: Sequence[int]) -> Scores:
    """Score predicted entities against gold ones.

    Args:
        gold, predicted: the entities of each sentence; they must not overlap.
        lengths: tokens per sentence. Token accuracy is computed on IOB2 tags.

    Raises:
        ValueError: the arguments differ in length, or spans overlap or exceed their sentence.
    """
    check_same_length(gold=gold, predicted=predicted, lengths=lengths)
    gold_tags, predicted_tags = (
        [from_spans(spans, n, "iob2") for spans, n in zip(side, lengths, strict=True)]
        for side in (gold, predicted)
    )
    return score_entities(gold, predicted, tags=(gold_tags, predicted_tags))


def score_entities(
    gold: Sequence[list[Span]],
    predicted: Sequence[list[Span]],
    *,
    tags: tuple[Sequence[list[str]], Sequence[list[str]]] = ((), ()),
) -> Scores:
    """Score predicted entities against gold ones.

    Args:
        gold, predicted: the entities of each sentence; those of one side may overlap.
        tags: gold and predicted tags of each sentence, for token accuracy; empty if there are no tokens.

    Raises:
        ValueError: the arguments differ in length.
    """
    check_same_length(gold=gold, predicted=predicted)
    return _scores(gold, predicted, *_count_tags(*tags))


def score_tags(gold: Sequence[list[str]], predicted: Sequence[list[str]], *, scheme: str = "iob2") -> Scores:
    """Score tag sequences, which may break their scheme.

    The scores are those of conlleval's reading, in which every run of tags is an entity (an `I-LOC` after O
    starts one). If the strict reading, in which an entity counts only if it obeys the scheme, gives
    different scores, they are in `strict`.

    Args:
        gold, predicted: the tags of each sentence.
        scheme: the scheme of the strict reading: "iob1", "iob2" or "bioes".

    Raises:
        ValueError: gold and predicted differ in length, or the scheme is unknown.
        DataError: a tag is not valid in the scheme.
    """
    _check_tags(gold, predicted, scheme)
    tag_counts = _count_tags(gold, predicted)
    lenient, strict = (
        _scores(list(map(read, gold)), list(map(read, predicted)), *tag_counts)
        for read in (partial(to_spans, scheme=LENIENT), partial(_strict_entities, scheme=scheme))
    )
    return lenient if strict == lenient else replace(lenient, strict=strict)


def check_same_length(**sequences: Sequence[object]) -> None:
    """Raise ValueError unless all have one entry per sentence, that is, the same length."""
    lengths = {name: len(sequence) for name, sequence in sequences.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValueError(f"arguments must have one entry per sentence, but their lengths are: {found}")


def _scores(
    gold: Sequence[list[Span]], predicted: Sequence[list[Span]], tokens: int, correct_tokens: int
) -> Scores:
    support, found = _count_labels(gold), _count_labels(predicted)
    correct = _count_labels(set(spans) & set(others) for spans, others in zip(gold, predicted, strict=True))
    total = Score.from_counts(support.total(), found.total(), correct.total())
    per_type = {
        label: Score.from_counts(support[label], found[label], correct[label])
        for label in sorted(support | found)
    }
    return Scores(**vars(total), tokens=tokens, correct_tokens=correct_tokens, per_type=per_type)


def _average(scores: Collection[Score], weights: Collection[int]) -> Average:
    total = sum(weights) or 1
    means = {
        name: sum(weight * getattr(score, name) for weight, score in zip(weights, scores, strict=True))
        / total
        for name in Average._fields
    }
    return Average(**means)


def _count_labels(sentences: Iterable[Iterable[Span]]) -> Counter[str]:
    return Counter(span.label for spans in sentences for span in spans)


def _count_tags(gold: Sequence[list[str]], predicted: Sequence[list[str]]) -> tuple[int, int]:
    """Return the number of tags and how many of them agree."""
    pairs = zip(chain.from_iterable(gold), chain.from_iterable(predicted), strict=True)
    return sum(map(len, gold)), sum(left == right for left, right in pairs)


def _strict_entities(tags: list[str], scheme: str) -> list[Span]:
    from seqeval import scheme as schemes

    sentence = schemes.Tokens(tags, getattr(schemes, _SCHEMES[scheme][0]))
    return [Span(entity.start, entity.end, entity.tag) for entity in sentence.entities]


def _check_tags(gold: Sequence[list[str]], predicted: Sequence[list[str]], scheme: str) -> None:
    if scheme not in _SCHEMES:
        raise ValueError(f"scheme is {scheme!r}, but must be one of {', '.join(_SCHEMES)}")
    check_same_length(gold=gold, predicted=predicted)
    valid = _SCHEMES[scheme][1]
    for i, (left, right) in enumerate(zip(gold, predicted, strict=True)):
        if len(left) != len(right):
            raise ValueError(f"sentence {i} has {len(left)} gold tags, but {len(right)} predicted tags")
        for tag in (*left, *right):
            if not valid.fullmatch(tag):
                raise DataError(f"sentence {i} has the tag {tag!r}, which is not valid in {scheme}")

"""Strict, exact, partial and type matches of entities, as SemEval-2013 task 9.1 and nervaluate define them.

Predicted entities are taken in order, and each is matched with at most one gold entity that overlaps it and
has no match yet: the nearest of those that make it correct, or else the first.

    schema    correct                                 any other match
    strict    same boundaries and label               incorrect
    exact     same boundaries                         incorrect
    partial   same boundaries                         partial, which counts half
    ent_type  same label, and the nearest boundaries  incorrect

Predicted entities without a match are spurious, gold ones missed. An overlap of less than 1 % of the gold
entity does not count.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, NamedTuple

from rnner.scoring.error_analysis import shared_words
from rnner.scoring.metrics import check_same_length
from rnner.tags import Span


@dataclass(frozen=True)
class Matches:
    """Numbers of entities by kind of match, and the scores that follow from them, as fractions."""

    correct: int = 0
    incorrect: int = 0
    partial: int = 0
    missed: int = 0
    spurious: int = 0

    @property
    def precision(self) -> float:
        """Share of the predicted entities that are correct; a partial match counts half."""
        return self._share_of(self.spurious)

    @property
    def recall(self) -> float:
        """Share of the gold entities that are correct; a partial match counts half."""
        return self._share_of(self.missed)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.precision * self.recall / (self.precision + self.recall or 1)

    def _share_of(self, unmatched: int) -> float:
        total = self.correct + self.incorrect + self.partial + unmatched
        return (self.correct + self.partial / 2) / total if total else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return scores and counts, ready for JSON."""
        return {"f1": self.f1, "precision": self.precision, "recall": self.recall, **asdict(self)}


class _Schema(NamedTuple):
    is_correct: Callable[[Span, Span], bool]
    otherwise: str  # the kind of any other match


def _same_boundaries(one: Span, other: Span) -> bool:
    return one[:2] == other[:2]


_SCHEMAS = {
    "strict": _Schema(Span.__eq__, "incorrect"),
    "exact": _Schema(_same_boundaries, "incorrect"),
    "partial": _Schema(_same_boundaries, "partial"),
    "ent_type": _Schema(lambda one, other: one.label == other.label, "incorrect"),
}


def count_matches(gold: Sequence[list[Span]], predicted: Sequence[list[Span]]) -> dict[str, Matches]:
    """Count the matches of each schema.

    Args:
        gold, predicted: the entities of each sentence, in order.

    Raises:
        ValueError: the arguments differ in length.
    """
    check_same_length(gold=gold, predicted=predicted)
    pairs = [pair for pair in zip(gold, predicted, strict=True) if any(pair)]
    kinds = {name: [kind for pair in pairs for kind in _match(*pair, it)] for name, it in _SCHEMAS.items()}
    return {name: Matches(**Counter(found)) for name, found in kinds.items()}


def count_matches_per_type(
    gold: Sequence[list[Span]], predicted: Sequence[list[Span]]
) -> dict[str, dict[str, Matches]]:
    """Count the matches separately for each label; arguments as for `count_matches`."""
    check_same_length(gold=gold, predicted=predicted)
    gold_of: dict[str, list[list[Span]]] = defaultdict(list)  # of the sentences with each label
    predicted_of: dict[str, list[list[Span]]] = defaultdict(list)
    for own, found in zip(gold, predicted, strict=True):
        for label in {span.label for span in (*own, *found)}:
            gold_of[label].append(_with_label(own, label))
            predicted_of[label].append(_with_label(found, label))
    return {label: count_matches(gold_of[label], predicted_of[label]) for label in sorted(gold_of)}


def _with_label(spans: list[Span], label: str) -> list[Span]:
    return [span for span in spans if span.label == label]


def _match(gold: list[Span], predicted: list[Span], schema: _Schema) -> Iterator[str]:
    """Yield the kind of match of each entity in a sentence, as the name of a field of `Matches`."""
    free = list(gold)
    for span in predicted:
        touched = [other for other in free if 100 * shared_words(span, other) >= other.end - other.start]
        correct = [other for other in touched if schema.is_correct(span, other)]
        if not touched:
            yield "spurious"
            continue
        yield "correct" if correct else schema.otherwise
        free.remove(min(correct, key=partial(_distance, span)) if correct else touched[0])
    yield from ["missed"] * len(free)


def _distance(one: Span, other: Span) -> int:
    return abs(one.start - other.start) + abs(one.end - other.end)

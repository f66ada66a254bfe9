"""Scores of entities seen and unseen in training: how well a model generalizes to new names.

An entity is seen if the training data has one with its form (ignoring white space) and label. Every entity,
gold or predicted, is either seen or unseen, and a correct one is the same on both sides, so the counts of the
two scores add up to those of all entities (compare Augenstein, Derczynski and Bontcheva 2017).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Any

from rnner.scoring.metrics import Score, score_entities
from rnner.tags import Span

KnownForms = Set[tuple[str, str]]
"""Form (without white space) and label of entities."""


@dataclass(frozen=True)
class Novelty:
    """Scores of the entities that occur in training, and of those that do not."""

    seen: Score
    unseen: Score

    def to_dict(self) -> dict[str, Any]:
        """Return the scores, ready for JSON."""
        return {"seen": self.seen.to_dict(), "unseen": self.unseen.to_dict()}


def form_of(words: Iterable[str]) -> str:
    """Return words as one string without white space."""
    return "".join("".join(words).split())


def score_novelty(
    gold: Sequence[list[Span]],
    predicted: Sequence[list[Span]],
    sentences: Sequence[Sequence[str]],
    known: KnownForms,
) -> Novelty:
    """Score seen and unseen entities apart.

    Args:
        gold, predicted: the entities of each sentence.
        sentences: the words of each sentence.
        known: the entities of the training data.
    """

    def part(spans: list[Span], words: Sequence[str], seen: bool) -> list[Span]:
        return [it for it in spans if ((form_of(words[it.start : it.end]), it.label) in known) == seen]

    def scored(seen: bool) -> Score:
        sides = (
            [part(spans, words, seen) for spans, words in zip(side, sentences, strict=True)]
            for side in (gold, predicted)
        )
        return score_entities(*sides)

    return Novelty(scored(True), scored(False))

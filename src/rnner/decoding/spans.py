"""The results of decoding a sentence: scored entities and readings."""

from __future__ import annotations

from typing import NamedTuple

from rnner.tags import Span


class ScoredSpan(NamedTuple):
    """An entity: words start to end (half-open) of a sentence, its label and its probability in [0, 1]."""

    start: int
    end: int
    label: str
    score: float


class Reading(NamedTuple):
    """One way to tag a sentence: its entities, and the probability in [0, 1] of the whole tag sequence."""

    spans: list[Span]
    probability: float

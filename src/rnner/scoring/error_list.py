"""All errors, sentence by sentence, the worst sentences first.

The severity of a sentence is the sum of the probabilities of its wrong entities, plus 0.5 for each missed
entity. So it grows with the number of errors and with the model's confidence in them. Without probabilities,
each wrong or missed entity counts 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import NamedTuple

from rnner.scoring.annotation import AnnotatedSentences, Annotation
from rnner.scoring.error_analysis import EntityError, sentence_errors
from rnner.tags import Span

MISSED = 0.5  # the severity of a missed entity, which has no probability


class FaultySentence(NamedTuple):
    """A sentence with errors.

    Attributes:
        number: its position in the corpus, from 0.
        line: the line of its first word in the file; None if it is not known.
        words: its words.
        gold: all of its gold entities.
        found: all entities found in it, each with its probability, or None if that is not known.
        errors: its errors, at least one.
        severity: see the module.
    """

    number: int
    line: int | None
    words: list[str]
    gold: list[Span]
    found: Mapping[Span, float | None]
    errors: list[EntityError]
    severity: float


def faulty_sentences(gold: AnnotatedSentences, found: Annotation) -> list[FaultySentence]:
    """Return the sentences with errors, the most severe first; ties in the order of the corpus."""
    faulty = []
    for i, (own, spans) in enumerate(zip(gold.annotation.spans, found.spans, strict=True)):
        errors = list(sentence_errors(own, spans))
        if errors:
            scores = None if found.probabilities is None else found.probabilities[i]
            severity = _severity(set(own), spans, scores, sum(error.kind == "missed" for error in errors))
            scored = dict(zip_longest(spans, scores or ()))
            line = None if gold.lines is None else gold.lines[i]
            faulty.append(FaultySentence(i, line, gold.words[i], own, scored, errors, severity))
    return sorted(faulty, key=lambda sentence: -sentence.severity)


def _severity(gold: set[Span], found: list[Span], scores: list[float] | None, missed: int) -> float:
    if scores is None:
        return sum(span not in gold for span in found) + missed
    wrong = (score for span, score in zip(found, scores, strict=True) if span not in gold)
    return sum(wrong) + MISSED * missed

"""Scored systems for tests of reports, on the same sentences, with every kind of error."""

import numpy as np

from entity_corpora import GOLD, PREDICTED, SENTENCES
from rnner.scoring.annotation import AnnotatedSentences, Annotation
from rnner.scoring.evaluation import Comparison, predictions_reports
from rnner.scoring.pairing import Pairing
from rnner.tags import Span

SCORES = [[0.99, 0.6, 0.4, 0.97], [0.85], [0.55, 0.5], [1.0, 0.92, 0.35]]
BETTER = [*GOLD[:2], PREDICTED[2], GOLD[3]]


def scored(*systems, words=SENTENCES, gold=GOLD, probabilities=SCORES, known=None, by_tokens=True):
    """Return the report of each system, given its entities; only the first has probabilities."""
    lines = [1 + 12 * i for i in range(len(words))]
    sentences = AnnotatedSentences(words, np.zeros(len(words), dtype=np.int64), Annotation(gold), lines)
    first, *others = systems
    found = [Annotation(first, probabilities=probabilities), *map(Annotation, others)]
    return predictions_reports(Pairing(sentences, found, by_tokens=by_tokens, notes=[]), known=known)


def one_system():
    return scored(PREDICTED)[0]


def comparison():
    first, second, ensemble = scored(PREDICTED, BETTER, BETTER)
    return Comparison([("en", first), ("runs/new", second)], ensemble)


def hostile(text):
    """Return the report of a system on a corpus in which this text is a word and a label."""
    gold = [[Span(0, 1, text), Span(2, 3, "PER")]]
    found = [[Span(0, 2, "PER"), Span(3, 4, text)]]
    return scored(found, words=[[text, "met", "Ada", text, "."]], gold=gold, probabilities=[[0.5, 0.25]])[0]

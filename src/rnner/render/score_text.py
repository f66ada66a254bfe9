"""Names and numbers of scores, the same in the terminal, in HTML and in Markdown."""

from __future__ import annotations

from rnner.errors import counted
from rnner.scoring import bootstrap
from rnner.scoring.bootstrap import RESAMPLES, Interval, SamplingUnits
from rnner.scoring.metrics import Score, Scores

LEVEL = f"{bootstrap.LEVEL:.0%}"
"""The level of all intervals."""
MATCH_TITLES = {"strict": "Strict", "exact": "Exact", "partial": "Partial", "ent_type": "Type"}
MATCH_COUNTS = {
    "correct": "Correct",
    "incorrect": "Wrong",
    "partial": "Partial",
    "missed": "Missed",
    "spurious": "Spurious",
}
ERROR_TITLES = {
    "correct": "correct",
    "wrong_type": "wrong type",
    "wrong_boundary": "wrong boundary",
    "wrong_both": "wrong type and boundary",
    "missed": "missed",
    "spurious": "spurious",
}


def percentages(score: Score) -> tuple[float, float, float]:
    """Return precision, recall and F1 in per cent, computed as in conlleval to get the same rounding."""
    precision = 100 * score.correct / score.predicted if score.predicted else 0.0
    recall = 100 * score.correct / score.support if score.support else 0.0
    total = precision + recall
    return precision, recall, 2 * precision * recall / total if total else 0.0


def accuracy(scores: Scores) -> float:
    """Return the token accuracy in per cent; 0 without tokens."""
    return 100 * scores.correct_tokens / scores.tokens if scores.tokens else 0.0


def interval_text(interval: Interval, form: str = ".2f") -> str:
    """Return an interval in per cent, such as "68.10 to 74.32"."""
    return f"{100 * interval.low:{form}} to {100 * interval.high:{form}}"


def resampling(units: SamplingUnits) -> str:
    """Return how intervals are computed."""
    return f"bootstrap, {RESAMPLES:,} resamples of {counted(len(units), units.kind)}"

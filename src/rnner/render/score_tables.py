"""Tables of scores as words and numbers, for HTML and Markdown; shares are in per cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rnner.render.score_text import (
    ERROR_TITLES,
    LEVEL,
    MATCH_COUNTS,
    MATCH_TITLES,
    interval_text,
    percentages,
)
from rnner.scoring.error_analysis import ErrorCounts
from rnner.scoring.matching import Matches
from rnner.scoring.metrics import Score

if TYPE_CHECKING:  # would import torch
    from rnner.scoring.evaluation import Comparison, EvaluationReport


class Row(NamedTuple):
    """A row of a table. `quoted` is True if the heading is a label or a name, which must be escaped."""

    heading: str
    cells: list[str]
    quoted: bool = False


class ScoreTable(NamedTuple):
    """A table: its title, the titles of its columns (the first is that of the headings), and its rows.

    `quoted` are the columns whose titles must be escaped.
    """

    title: str
    columns: list[str]
    rows: list[Row]
    quoted: Sequence[int] = ()


def types_table(report: EvaluationReport) -> ScoreTable:
    """Return the scores of each type, of all types, their averages, and those of seen and unseen entities."""
    scores, novelty = report.scores, report.novelty
    rows = [Row(label, _cells(score), quoted=True) for label, score in scores.per_type.items()]
    rows.append(Row("All", _cells(scores)))
    if len(scores.per_type) > 1:
        for title, average in (("Macro average", scores.macro), ("Weighted average", scores.weighted)):
            shares = (average.precision, average.recall, average.f1)
            rows.append(Row(title, [*(f"{100 * share:.2f}" for share in shares), "", "", ""]))
    if scores.strict is not None:
        rows.append(Row("Strict", _cells(scores.strict)))
    if novelty is not None:
        rows += [Row("Seen in training", _cells(novelty.seen)), Row("Unseen", _cells(novelty.unseen))]
    columns = ["Type", "Precision", "Recall", "F1", "Gold", "Found", "Correct"]
    return ScoreTable("Scores of each type", columns, rows)


def errors_table(errors: ErrorCounts) -> ScoreTable:
    """Return the number of gold and found entities in each class."""
    sides = (errors.gold, errors.predicted)
    rows = [
        Row(title.capitalize(), [f"{side[name]:,}" if name in side else "–" for side in sides])
        for name, title in ERROR_TITLES.items()
    ]
    rows.append(Row("All", [f"{sum(side.values()):,}" for side in sides]))
    return ScoreTable("Kinds of errors", ["Entities", "Gold", "Found"], rows)


def matches_table(matches: Mapping[str, Matches]) -> ScoreTable:
    """Return strict, exact, partial and type matches."""
    rows = [
        Row(
            MATCH_TITLES[schema],
            [
                *(f"{100 * share:.2f}" for share in (it.precision, it.recall, it.f1)),
                *(f"{getattr(it, name):,}" for name in MATCH_COUNTS),
            ],
        )
        for schema, it in matches.items()
    ]
    return ScoreTable("Matches", ["Match", "Precision", "Recall", "F1", *MATCH_COUNTS.values()], rows)


def systems_table(comparison: Comparison) -> ScoreTable:
    """Return the scores of all systems, and the differences of their F1 from the first."""
    systems = comparison.systems()
    novel = systems[0][1].novelty is not None
    unseen = ["Unseen F1"] if novel else []
    interval = f"{LEVEL} interval"
    columns = ["System", "Precision", "Recall", "F1", interval, *unseen, "Difference", interval, "Better in"]
    rows = []
    for number, (name, report) in enumerate(systems):
        cells = [*(f"{share:.2f}" for share in percentages(report.scores)), interval_text(report.f1_interval)]
        if report.novelty is not None:
            cells.append(f"{100 * report.novelty.unseen.f1:.2f}")
        if number:
            it = comparison.difference(report)
            cells += [f"{100 * it.f1:+.2f}", interval_text(it.interval, "+.2f"), f"{100 * it.better:.1f}%"]
        else:
            cells += ["–"] * 3
        rows.append(Row(name, cells, quoted=report is not comparison.ensemble))
    return ScoreTable("Systems", columns, rows)


def type_differences_table(comparison: Comparison) -> ScoreTable:
    """Return the F1 of each type for all systems, with its difference from the first."""
    systems = comparison.systems()
    columns = ["Type", "Gold", *(name for name, _ in systems)]
    quoted = [2 + i for i, (_, report) in enumerate(systems) if report is not comparison.ensemble]
    labels = sorted({label for _, report in systems for label in report.scores.per_type})
    nothing = Score.from_counts(0, 0, 0)
    rows = []
    for label in labels:
        scores = [report.scores.per_type.get(label, nothing) for _, report in systems]
        rows.append(Row(label, [f"{scores[0].support:,}", *_with_differences(scores)], quoted=True))
    totals: list[Score] = [report.scores for _, report in systems]
    rows.append(Row("All", [f"{totals[0].support:,}", *_with_differences(totals)]))
    return ScoreTable("F1 of each type, and its difference from the first system", columns, rows, quoted)


def _with_differences(scores: Sequence[Score]) -> list[str]:
    first, *others = (percentages(score)[2] for score in scores)
    return [f"{first:.2f}", *(f"{other:.2f} ({other - first:+.2f})" for other in others)]


def _cells(score: Score) -> list[str]:
    counts = (score.support, score.predicted, score.correct)
    return [*(f"{share:.2f}" for share in percentages(score)), *(f"{count:,}" for count in counts)]

"""The report of `rnner evaluate` as Markdown, with the tables of GitHub, for pull requests.

Labels, names and words from data are code, so that nothing in them is a link, a mention or markup.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from rnner.errors import counted
from rnner.render import score_tables
from rnner.render.score_tables import Row, ScoreTable
from rnner.render.score_text import LEVEL, accuracy, interval_text, percentages, resampling
from rnner.scoring.error_analysis import Confusion
from rnner.system.terminal import printable
from rnner.tags import Span
from rnner.text.spacing import spaced

if TYPE_CHECKING:  # would import torch
    from rnner.scoring.evaluation import Comparison, EvaluationReport

_TOP = 10  # confusions shown
_ENTITIES = {ord(sign): f"&#{ord(sign)};" for sign in string.punctuation}


def report_markdown(
    name: str, report: EvaluationReport | Comparison, *, data: str, matches: bool = False
) -> str:
    """Return the report of one system, or the comparison of several; arguments as for `report_page`."""
    from rnner.scoring.evaluation import Comparison

    if isinstance(report, Comparison):
        parts = [f"### Evaluation on {code(data)}", *_comparison(report)]
    else:
        parts = [f"### {code(name)} on {code(data)}", *_details(report, matches=matches)]
    parts += [_warnings(report.warnings)] if report.warnings else []
    return "\n\n".join(parts) + "\n"


def code(text: str) -> str:
    """Return a text as code that shows it exactly, also in a cell of a table."""
    text = printable(text)
    if not text.strip() or re.search(r"[`|]|^ | $", text):
        return f"<code>{text.translate(_ENTITIES)}</code>"
    return f"`{text}`"


def _comparison(comparison: Comparison) -> Iterator[str]:
    units = comparison.models[0][1].units
    yield _table(score_tables.systems_table(comparison))
    yield (
        "Scores are in per cent. Differences are in F1, from the first system. Intervals and shares: "
        f"{resampling(units)}, the same for all systems."
    )
    yield "F1 of each type, and its difference from the first system:"
    yield _table(score_tables.type_differences_table(comparison))


def _details(report: EvaluationReport, *, matches: bool) -> Iterator[str]:
    scores, (precision, recall, f1) = report.scores, percentages(report.scores)
    tokens = f", token accuracy {accuracy(scores):.2f}" if scores.tokens else ""
    interval = f"{LEVEL} interval {interval_text(report.f1_interval)}"
    yield f"**F1 {f1:.2f}** ({interval}), precision {precision:.2f}, recall {recall:.2f}{tokens}"
    sentences, entities = len(report.gold.words), counted(scores.support, "entity", "entities")
    size = f"{counted(sentences, 'sentence')}, {entities}"
    yield f"Scores are in per cent. {size}. Interval: {resampling(report.units)}."
    yield _table(score_tables.types_table(report))
    yield _table(score_tables.errors_table(report.errors))
    if matches:
        yield _table(score_tables.matches_table(report.matches))
    if report.confusions:
        yield _table(_confusions_table(report.confusions[:_TOP]), text=2)


def _confusions_table(confusions: Iterable[Confusion]) -> ScoreTable:
    rows = []
    for it in confusions:
        gold, found = (_entities(it.words, spans) for spans in (it.gold_spans, it.predicted_spans))
        rows.append(Row(it.kind.capitalize(), [gold, found, f"{it.count:,}"]))
    return ScoreTable("", ["Frequent errors", "Gold, for example", "Found", "Number"], rows)


def _entities(words: Sequence[str], spans: Iterable[Span]) -> str:
    names = ((spaced(words[span.start : span.end]), span.label) for span in spans)
    return ", ".join(f"{code(''.join(name).rstrip(' '))} {code(label)}" for name, label in names) or "–"


def _table(table: ScoreTable, *, text: int = 0) -> str:
    """Return a table; the first column and `text` more are words, the others are numbers."""
    titles = [code(title) if i in table.quoted else title for i, title in enumerate(table.columns)]
    alignments = ["---", *["---"] * text, *["--:"] * (len(titles) - 1 - text)]
    rows = ([code(row.heading) if row.quoted else row.heading, *row.cells] for row in table.rows)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in chain([titles, alignments], rows))


def _warnings(warnings: Iterable[str]) -> str:
    return "\n".join(f"- Warning: {code(warning)}" for warning in warnings)

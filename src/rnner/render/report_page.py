"""The report of `rnner evaluate` as one HTML page that stands alone.

The page follows the rules of `rnner.render.html`. Its script filters the errors; without it, all errors are
shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rnner.errors import counted
from rnner.render import score_tables
from rnner.render.html_head import escape, html_head, resource
from rnner.render.report_charts import calibration_section, matrix_section
from rnner.render.report_errors import errors_section
from rnner.render.score_tables import ScoreTable
from rnner.render.score_text import LEVEL, accuracy, interval_text, percentages, resampling

if TYPE_CHECKING:  # would import torch
    from rnner.scoring.evaluation import Comparison, EvaluationReport


def report_page(
    name: str, report: EvaluationReport | Comparison, *, data: str, matches: bool = False
) -> Iterator[str]:
    """Return the parts of the page, in order.

    Several systems are compared first; then come the details of each.

    Args:
        name: the name of the model or file of predictions, if `report` is that of one.
        report: the scores of one system, or the comparison of several.
        data: the name of the annotated data.
        matches: whether to show strict, exact, partial and type matches.
    """
    from rnner.scoring.evaluation import Comparison

    systems = report.systems() if isinstance(report, Comparison) else [(name, report)]
    labels = sorted({label for _, it in systems for label in it.scores.per_type})
    title = f"Evaluation on {data}"
    script = resource("report.js")
    yield html_head(title, labels, sheets=["page.css", "report.css"], script=script)
    yield f'<body class="report">\n<header>\n<h1>{escape(title)}</h1>\n'
    yield f"<p>{_introduction(systems)}</p>\n"
    yield _warnings(report.warnings)
    yield "</header>\n<main>\n"
    if isinstance(report, Comparison):
        yield _comparison(report)
    for number, (system, its) in enumerate(systems, 1):
        yield '<section class="system">\n'
        yield f'<h2 id="system-{number}"><bdi>{escape(system)}</bdi></h2>\n'
        yield _scores(its, number, matches=matches)
        yield matrix_section(its, number, labels)
        if its.calibration is not None:
            yield calibration_section(its.calibration, number)
        yield from errors_section(its, number, labels)
        yield "</section>\n"
    yield f"</main>\n<script>{script}</script>\n</body>\n</html>\n"


def _introduction(systems: Sequence[tuple[str, EvaluationReport]]) -> str:
    report = systems[0][1]
    entities = counted(report.scores.support, "entity", "entities")
    size = f"{counted(len(report.gold.words), 'sentence')} with {entities}"
    if len(systems) == 1:
        return f"{size}."
    links = ", ".join(
        f'<a href="#system-{number}"><bdi>{escape(name)}</bdi></a>'
        for number, (name, _) in enumerate(systems, 1)
    )
    return f"{size}. The page compares {len(systems)} systems, then shows the details of each: {links}."


def _warnings(warnings: Sequence[str]) -> str:
    if not warnings:
        return ""
    items = "\n".join(f"<li>{escape(warning)}</li>" for warning in warnings)
    return f'<ul class="warnings" aria-label="Warnings">\n{items}\n</ul>\n'


def _comparison(comparison: Comparison) -> str:
    units = comparison.models[0][1].units
    return (
        "<section>\n<h2>Comparison</h2>\n"
        f"{html_table(score_tables.systems_table(comparison))}"
        f'<p class="note">Differences are in F1, from the first system. Intervals and shares: '
        f"{resampling(units)}, the same for all systems.</p>\n"
        f"{html_table(score_tables.type_differences_table(comparison))}"
        "</section>\n"
    )


def _scores(report: EvaluationReport, number: int, *, matches: bool) -> str:
    precision, recall, f1 = percentages(report.scores)
    figures = [("F1", f"{f1:.2f}"), ("Precision", f"{precision:.2f}"), ("Recall", f"{recall:.2f}")]
    figures.insert(1, (f"{LEVEL} interval of F1", interval_text(report.f1_interval)))
    if report.scores.tokens:
        figures.append(("Token accuracy", f"{accuracy(report.scores):.2f}"))
    tables = [score_tables.types_table(report), score_tables.errors_table(report.errors)]
    if matches:
        tables.append(score_tables.matches_table(report.matches))
    items = "\n".join(f"<div><dt>{title}</dt><dd>{value}</dd></div>" for title, value in figures)
    return (
        "<section>\n<h3>Scores</h3>\n"
        f'<dl class="figures">\n{items}\n</dl>\n'
        f'<p class="note">Scores are in per cent. Interval: {resampling(report.units)}.</p>\n'
        f'<div class="tables">\n{"".join(map(html_table, tables))}</div>\n{_notes(report)}</section>\n'
    )


def _notes(report: EvaluationReport) -> str:
    notes = []
    if not report.scores.tokens:
        notes.append("Entities are compared by their characters.")
    if report.scores.strict is not None:
        notes.append("Strict: only entities whose tags follow the scheme count.")
    if report.novelty is not None:
        notes.append("Seen in training: the training data has an entity with the same form and type.")
    return f'<p class="note">{" ".join(notes)}</p>\n' if notes else ""


def html_table(table: ScoreTable) -> str:
    """Return a table as HTML, in a region that scrolls on narrow screens."""
    first, *titles = table.columns
    shown = [
        f"<bdi>{escape(title)}</bdi>" if column in table.quoted else title
        for column, title in enumerate(titles, 1)
    ]
    head = "".join(f'<th scope="col">{title}</th>' for title in (first, *shown))
    body = "\n".join(
        f'<tr><th scope="row">{f"<bdi>{escape(row.heading)}</bdi>" if row.quoted else row.heading}</th>'
        f"{''.join(f'<td>{cell}</td>' for cell in row.cells)}</tr>"
        for row in table.rows
    )
    return (
        f'<div class="scroll" role="group" aria-label="{table.title}" tabindex="0">\n<table>\n'
        f"<caption>{table.title}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n"
        "</table>\n</div>\n"
    )

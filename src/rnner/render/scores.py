"""Scores in the terminal: of one system, of several, on raw text, and as `conlleval` prints them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rnner.render.colours import label_backgrounds, label_colour
from rnner.render.marked_text import coloured_label, mark_entities, word_pieces
from rnner.render.score_text import (
    ERROR_TITLES,
    LEVEL,
    MATCH_COUNTS,
    MATCH_TITLES,
    accuracy,
    interval_text,
    percentages,
    resampling,
)
from rnner.render.tables import Deferred, numeric_table
from rnner.scoring.error_analysis import Confusion, ErrorCounts
from rnner.scoring.matching import Matches
from rnner.scoring.metrics import Score, Scores
from rnner.system.terminal import printable
from rnner.tags import Span

if TYPE_CHECKING:  # would import torch
    from rnner.scoring.evaluation import Comparison, EvaluationReport
    from rnner.scoring.raw_text import RawTextReport

    _System = tuple[str, EvaluationReport]  # name and report

_MAX_CUT = 6
_NARROW = 60  # in narrower terminals, tables leave out columns so that no number is cut
_WIDE = 79  # the width of the table of matches with all its counts


def evaluation_table(report: EvaluationReport, *, matches: bool = False, top: int = 6) -> RenderableType:
    """Return the scores of one model, or of one file of predictions, in per cent.

    Args:
        report: shown as one row per type, one for all types, and rows for averages over types, for strict
            scores if they differ, and for seen and unseen entities if they are known.
        matches: whether to show strict, exact, partial and type matches.
        top: number of confusions to show, with examples.
    """
    parts: list[RenderableType] = [Deferred(partial(_types_table, report)), "", _accuracy_line(report)]
    parts.append(Text(f"F1 {LEVEL} interval {interval_text(report.f1_interval)}, {resampling(report.units)}"))
    if matches:
        parts += ["", Deferred(partial(_matches_table, report.matches))]
    parts += ["", _errors_table(report.errors)]
    if report.confusions:
        parts += ["", Text("Most frequent confusions", style="bold")]
        parts += [Deferred(partial(_confusion, confusion)) for confusion in report.confusions[:top]]
    return Group(*parts)


def comparison_table(comparison: Comparison) -> RenderableType:
    """Return the scores of several models, or files of predictions, and their differences from the first."""
    units = comparison.models[0][1].units
    systems = comparison.systems()
    return Group(
        Deferred(partial(_systems_table, systems)),
        "",
        Deferred(partial(_differences_table, comparison, systems[1:])),
        "",
        Text(f"Intervals and shares: {resampling(units)}, the same for all systems"),
    )


def raw_text_table(report: RawTextReport) -> RenderableType:
    """Return tables of scores on raw text (and on tokens, if present) and of entities that split a token."""
    parts: list[RenderableType] = [_raw_types_table(report)]
    if report.tokens is not None:
        share = 100 * report.kept_tokens / max(1, report.gold_tokens)
        counts = f"{report.kept_tokens:,} of {report.gold_tokens:,}"
        parts += [
            "",
            Text(f"Tokens of the file that are also tokens of the raw text: {share:.2f}% ({counts})"),
        ]
    if report.cut:
        title = "Entities that begin or end inside a token of the raw text and cannot be found there"
        parts += ["", Text(f"{title}: {report.cut.total():,}")]
    for cut, count in report.cut.most_common(_MAX_CUT):
        tokens = f" in {' '.join(cut.tokens)}" if cut.tokens else ""
        parts.append(Text(printable(f"  {count:,} × {cut.label} {cut.text}{tokens}")))
    return Group(*parts)


def conlleval_report(scores: Scores) -> str:
    """Return the scores in the output format of `conlleval` (CoNLL shared tasks), ending in a newline."""

    def shares(score: Score) -> str:
        return "precision: {:6.2f}%; recall: {:6.2f}%; FB1: {:6.2f}".format(*percentages(score))

    lines = [
        f"processed {scores.tokens} tokens with {scores.support} phrases; "
        f"found: {scores.predicted} phrases; correct: {scores.correct}.",
        f"accuracy: {accuracy(scores):6.2f}%; {shares(scores)}",
    ]
    for label, score in scores.per_type.items():
        lines.append(f"{printable(label):>17}: {shares(score)}  {score.predicted}")
    return "\n".join(lines) + "\n"


def _types_table(report: EvaluationReport, width: int, _: object) -> Table:
    titles = ["Precision", "Recall", "F1", *(("Gold", "Found", "Correct") if width >= _NARROW else ())]

    def cells(score: Score) -> list[str]:
        counts = (score.support, score.predicted, score.correct)
        return [*(f"{share:.2f}" for share in percentages(score)), *map(str, counts)][: len(titles)]

    scores, novelty = report.scores, report.novelty
    table = numeric_table("Type", *titles)
    for label, score in scores.per_type.items():
        table.add_row(coloured_label(label), *cells(score))
    if scores.per_type:
        table.add_section()
    table.add_row("All", *cells(scores), style="bold")
    if len(scores.per_type) > 1:
        for title, average in (("Macro average", scores.macro), ("Weighted average", scores.weighted)):
            shares = (average.precision, average.recall, average.f1)
            table.add_row(title, *(f"{100 * share:.2f}" for share in shares))
    if scores.strict is not None:
        table.add_row("Strict", *cells(scores.strict))
    if novelty is not None:
        table.add_section()
        table.add_row("Seen in training", *cells(novelty.seen))
        table.add_row("Unseen", *cells(novelty.unseen))
    return table


def _accuracy_line(report: EvaluationReport) -> Text:
    scores = report.scores
    line = Text("Entities are compared by their characters")
    if scores.tokens:
        counts = f"{scores.correct_tokens} of {scores.tokens} tags"
        line = Text(f"Token accuracy {accuracy(scores):.2f}% ({counts})")
    if scores.strict is not None:
        line.append("\nStrict: only entities whose tags follow the scheme count")
    if report.novelty is not None:
        line.append("\nSeen in training: the training data has an entity with the same form and label")
    return line


def _matches_table(matches: Mapping[str, Matches], width: int, _: object) -> Table:
    counts = MATCH_COUNTS if width >= _WIDE else {}
    titles = ["Precision", "Recall", "F1", *counts.values()]
    table = numeric_table("Match", *titles)
    for schema, it in matches.items():
        shares = (f"{100 * share:.2f}" for share in (it.precision, it.recall, it.f1))
        table.add_row(MATCH_TITLES[schema], *shares, *(str(getattr(it, name)) for name in counts))
    return table


def _errors_table(errors: ErrorCounts) -> Table:
    table = numeric_table("Entities", "Gold", "Found")
    sides = (errors.gold, errors.predicted)
    for name, title in ERROR_TITLES.items():
        table.add_row(title, *(str(side[name]) if name in side else "–" for side in sides))
    table.add_section()
    table.add_row("all", *(str(sum(side.values())) for side in sides))
    return table


def _raw_types_table(report: RawTextReport) -> Table:
    """Return F1 for each type and for all, then precision and recall for all."""
    titles = ["F1 on tokens", "On raw text", "Difference"] if report.tokens else ["F1 on raw text"]
    table = numeric_table("Type", "Gold", *titles)
    sides = [*([report.tokens] if report.tokens else []), report.raw]

    def cells(shares: Sequence[float]) -> list[str]:
        difference = [f"{shares[1] - shares[0]:+.2f}"] if len(shares) > 1 else []
        return [f"{share:.2f}" for share in shares] + difference

    for label in sorted({label for side in sides for label in side.per_type}):
        scores = [side.per_type.get(label, Score(0, 0, 0, 0, 0, 0)) for side in sides]
        own_f1 = [percentages(score)[2] for score in scores]
        table.add_row(coloured_label(label), str(scores[0].support), *cells(own_f1))
    table.add_section()
    precision, recall, f1 = zip(*(percentages(side.total) for side in sides), strict=True)
    table.add_row("All", str(report.raw.total.support), *cells(f1), style="bold")
    table.add_row("  precision", "", *cells(precision))
    table.add_row("  recall", "", *cells(recall))
    return table


def _systems_table(systems: Sequence[_System], width: int, _: object) -> Table:
    titles = ["Precision", "Recall", "F1"] if width >= _NARROW else ["F1"]
    unseen = [] if systems[0][1].novelty is None else ["Unseen F1"]
    table = numeric_table("System", *titles, f"{LEVEL} interval", *unseen)
    for name, report in systems:
        shares = [f"{share:.2f}" for share in percentages(report.scores)][-len(titles) :]
        if report.novelty is not None:
            unseen = [f"{100 * report.novelty.unseen.f1:.2f}"]
        table.add_row(Text(printable(name)), *shares, interval_text(report.f1_interval), *unseen)
    return table


def _differences_table(comparison: Comparison, others: Sequence[_System], width: int, _: object) -> Table:
    titles = ["Difference", f"{LEVEL} interval", *(("Better in",) if width >= _NARROW else ())]
    table = numeric_table("F1 vs. the first", *titles)
    for name, report in others:
        difference = comparison.difference(report)
        interval, better = interval_text(difference.interval, "+.2f"), f"{100 * difference.better:.1f}%"
        table.add_row(
            Text(printable(name)), *(f"{100 * difference.f1:+.2f}", interval, better)[: len(titles)]
        )
    return table


def _confusion(confusion: Confusion, width: int, color_system: str | None) -> RenderableType:
    """Return the count and kind of a confusion, then its words with gold and with found entities."""
    spans = (*confusion.gold_spans, *confusion.predicted_spans)
    sides = {"gold": confusion.gold_spans, "found": confusion.predicted_spans}
    backgrounds = label_backgrounds({span.label: label_colour(span.label) for span in spans}, color_system)
    indent = 7
    marks = max(sum(cell_len(printable(span.label)) + 3 for span in side) for side in sides.values())
    words = [printable(word) for word in confusion.words]
    start, end = _excerpt(words, spans, room=width - indent - len("found  ") - marks - len("… ") - len(" …"))
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, side in sides.items():
        marked = mark_entities(word_pieces(words, side, start, end), backgrounds)
        table.add_row(Text(name, style="dim"), marked)
    head = Text.assemble((f"{confusion.count:>5}  ", "bold"), _title(confusion))
    return Group(head, Padding(table, (0, 0, 0, indent), expand=False))


def _title(confusion: Confusion) -> Text:
    gold, predicted = coloured_label(confusion.gold or ""), coloured_label(confusion.predicted or "")
    return {
        "type": Text.assemble(gold, " taken for ", predicted),
        "boundary": Text.assemble(gold, " with wrong boundaries"),
        "missed": Text.assemble(gold, " missed"),
        "spurious": Text.assemble(predicted, " spurious"),
    }[confusion.kind]


def _excerpt(words: Sequence[str], spans: Iterable[Span], *, room: int) -> tuple[int, int]:
    """Return the range of words around `spans` that fits into `room` columns, grown evenly on both sides."""
    start, end = min(span.start for span in spans), max(span.end for span in spans)
    room -= sum(cell_len(word) + 1 for word in words[start:end]) - 1
    grown = True
    while grown:
        grown = False
        if start > 0 and cell_len(words[start - 1]) < room:
            start -= 1
            room -= cell_len(words[start]) + 1
            grown = True
        if end < len(words) and cell_len(words[end]) < room:
            room -= cell_len(words[end]) + 1
            end += 1
            grown = True
    return start, end

"""Scores in the terminal: of one model, of several, on raw text, and as `conlleval` prints them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rnner.render.colours import colour_of
from rnner.render.marked_text import own_marked, word_pieces
from rnner.render.tables import Drawn, figures_table
from rnner.scoring.bootstrap import LEVEL, RESAMPLES, Interval, Units
from rnner.scoring.metrics import Confusion, Errors, Score, Scores
from rnner.system.terminal import plain
from rnner.tags import Span

if TYPE_CHECKING:  # would import torch
    from rnner.scoring.evaluation import Comparison, EvaluationReport
    from rnner.scoring.raw_text import RawTextReport

_LEVEL = f"{LEVEL:.0%}"
_CUT_SHOWN = 6
_ERROR_NAMES = {
    "correct": "correct",
    "wrong_type": "wrong type",
    "wrong_boundary": "wrong boundary",
    "wrong_both": "wrong type and boundary",
    "missed": "missed",
    "spurious": "spurious",
}


def scores_table(
    scores: Scores,
    errors: Errors | None = None,
    confusions: Sequence[Confusion] = (),
    *,
    sampling: tuple[Interval, Units] | None = None,
    top: int = 6,
) -> RenderableType:
    """All there is to tell about a prediction, shares in per cent.

    Args:
        scores: a line for each type, one for all, and one for the strict reading if it differs.
        errors: how many entities fall into each class, if wanted.
        confusions: the first `top` of them are shown, each with its example.
        sampling: the bootstrap interval of F1 and what it was drawn from, if wanted.
        top: how many.
    """
    parts: list[RenderableType] = [Drawn(partial(_types_table, scores)), "", _accuracy_line(scores)]
    if sampling is not None:
        interval, units = sampling
        parts.append(Text(f"F1 {_LEVEL} interval {_between(interval)}, {_resampling(units)}"))
    if errors is not None:
        parts += ["", _errors_table(errors)]
    if confusions:
        parts += ["", Text("Most frequent confusions", style="bold")]
        parts += [Drawn(partial(_confusion, confusion)) for confusion in confusions[:top]]
    return Group(*parts)


def comparison_table(comparison: Comparison) -> RenderableType:
    """Several models on the same data, in per cent: their scores, and how far each is from the first."""
    units = comparison.models[0][1].units
    return Group(
        Drawn(partial(_systems_table, comparison)),
        "",
        Drawn(partial(_gains_table, comparison)),
        "",
        Text(f"Intervals and shares: {_resampling(units)}, the same for all models"),
    )


def raw_table(report: RawTextReport) -> RenderableType:
    """Scores on raw text in per cent, beside those on tokens if there are some, and what was cut."""
    parts: list[RenderableType] = [_raw_types_table(report)]
    if report.tokens is not None:
        share = 100 * report.kept_tokens / max(1, report.gold_tokens)
        counts = f"{report.kept_tokens:,} of {report.gold_tokens:,}"
        parts += ["", Text(f"Tokens of the file that the raw text has too: {share:.2f}% ({counts})")]
    if report.cut:
        told = "Entities that begin or end within a token of the raw text, so cannot be found there"
        parts += ["", Text(f"{told}: {report.cut.total():,}")]
    for cut, count in report.cut.most_common(_CUT_SHOWN):
        tokens = " ".join(cut.tokens)
        parts.append(
            Text(plain(f"  {count:,} × {cut.label} {cut.text}" + (f" in {tokens}" if tokens else "")))
        )
    return Group(*parts)


def scores_conlleval(scores: Scores) -> str:
    """The report of the CoNLL shared tasks' `conlleval` script, ending in a newline."""
    lines = [
        f"processed {scores.tokens} tokens with {scores.support} phrases; "
        f"found: {scores.predicted} phrases; correct: {scores.correct}.",
        f"accuracy: {_accuracy(scores):6.2f}%; {_conlleval_figures(scores)}",
    ]
    for label, score in scores.per_type.items():
        lines.append(f"{plain(label):>17}: {_conlleval_figures(score)}  {score.predicted}")
    return "\n".join(lines) + "\n"


def _types_table(scores: Scores, *, width: int, system: str | None) -> Table:
    """A line for each type and for all; in a narrow terminal without the counts, so that no figure is cut."""
    titles = ["Precision", "Recall", "F1", *(("Gold", "Found", "Correct") if width >= 60 else ())]
    table = figures_table("Type", *titles)
    for label, score in scores.per_type.items():
        table.add_row(Text(plain(label), style=colour_of(label).name), *_figures(score)[: len(titles)])
    if scores.per_type:
        table.add_section()
    table.add_row("All", *_figures(scores)[: len(titles)], style="bold")
    if scores.strict is not None:
        table.add_row("Strict", *_figures(scores.strict)[: len(titles)])
    return table


def _raw_types_table(report: RawTextReport) -> Table:
    """F1 of each type, then of all, and precision and recall."""
    titles = ["F1 on tokens", "On raw text", "Difference"] if report.tokens else ["F1 on raw text"]
    table = figures_table("Type", "Gold", *titles)
    sides = [*([report.tokens] if report.tokens else []), report.raw]
    nothing = Score(0, 0, 0, 0, 0, 0)
    for label in sorted({label for side in sides for label in side.per_type}):
        own = [side.per_type.get(label, nothing) for side in sides]
        name = Text(plain(label), style=colour_of(label).name)
        table.add_row(name, str(own[0].support), *_compared([_percentages(score)[2] for score in own]))
    table.add_section()
    figures = list(zip(*(_percentages(side.total) for side in sides), strict=True))
    table.add_row("All", str(report.raw.total.support), *_compared(figures[2]), style="bold")
    table.add_row("  precision", "", *_compared(figures[0]))
    table.add_row("  recall", "", *_compared(figures[1]))
    return table


def _compared(shares: Sequence[float]) -> list[str]:
    """A figure on tokens if there is one, on raw text, and then how far raw text is from tokens."""
    told = [f"{share:.2f}" for share in shares]
    return [*told, f"{shares[1] - shares[0]:+.2f}"] if len(shares) > 1 else told


def _systems(comparison: Comparison) -> list[tuple[str, EvaluationReport]]:
    return [*comparison.models, *([("Ensemble", comparison.ensemble)] if comparison.ensemble else [])]


def _systems_table(comparison: Comparison, *, width: int, system: str | None) -> Table:
    """A line for each model and for all together; in a narrow terminal without precision and recall."""
    wide = width >= 60
    table = figures_table("Model", *(("Precision", "Recall") if wide else ()), "F1", f"{_LEVEL} interval")
    for name, report in _systems(comparison):
        figures = [f"{share:.2f}" for share in _percentages(report.scores)]
        table.add_row(Text(plain(name)), *figures[0 if wide else 2 :], _between(report.f1_interval))
    return table


def _gains_table(comparison: Comparison, *, width: int, system: str | None) -> Table:
    """How far each model but the first is from it; in a narrow terminal without the share of resamples."""
    titles = [
        "F1 less the first's",
        "Difference",
        f"{_LEVEL} interval",
        *(("Better in",) if width >= 60 else ()),
    ]
    table = figures_table(*titles)
    for name, report in _systems(comparison)[1:]:
        gain = comparison.difference(report)
        figures = [f"{100 * gain.f1:+.2f}", _between(gain.interval, "+.2f"), f"{100 * gain.better:.1f}%"]
        table.add_row(Text(plain(name)), *figures[: len(titles) - 1])
    return table


def _between(interval: Interval, form: str = ".2f") -> str:
    return f"{100 * interval.low:{form}} to {100 * interval.high:{form}}"


def _resampling(units: Units) -> str:
    plural = "" if len(units) == 1 else "s"
    return f"bootstrap, {RESAMPLES:,} resamples of {len(units):,} {units.kind}{plural}"


def _accuracy_line(scores: Scores) -> Text:
    counts = f"{scores.correct_tokens} of {scores.tokens} tags"
    line = Text(f"Token accuracy {_accuracy(scores):.2f}% ({counts})")
    return (
        line if scores.strict is None else line.append("\nStrict: only entities whose tags are legal count")
    )


def _errors_table(errors: Errors) -> Table:
    table = figures_table("Entities", "Gold", "Found")
    for name, title in _ERROR_NAMES.items():
        counts = [str(side[name]) if name in side else "–" for side in (errors.gold, errors.predicted)]
        table.add_row(title, *counts)
    table.add_section()
    table.add_row("all", *(str(sum(side.values())) for side in (errors.gold, errors.predicted)))
    return table


def _confusion(confusion: Confusion, *, width: int, system: str | None) -> RenderableType:
    """How often and what, and under it the same words twice: the entities as they are and as found."""
    spans = (*confusion.gold_spans, *confusion.predicted_spans)
    sides = {"gold": confusion.gold_spans, "found": confusion.predicted_spans}
    indent = 7
    marks = max(sum(cell_len(plain(span.label)) + 3 for span in side) for side in sides.values())
    words = [plain(word) for word in confusion.words]
    start, end = _window(words, spans, room=width - indent - len("found  ") - marks - len("… ") - len(" …"))
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, side in sides.items():
        excerpt = own_marked(word_pieces(words, side, start, end), system)
        table.add_row(Text(name, style="dim"), excerpt)
    head = Text.assemble((f"{confusion.count:>5}  ", "bold"), _title(confusion))
    return Group(head, Padding(table, (0, 0, 0, indent), expand=False))


def _title(confusion: Confusion) -> Text:
    def named(label: str | None) -> tuple[str, str]:
        return plain(label or ""), colour_of(label or "").name

    gold, predicted = named(confusion.gold), named(confusion.predicted)
    return {
        "type": Text.assemble(gold, " taken for ", predicted),
        "boundary": Text.assemble(gold, " with wrong boundaries"),
        "missed": Text.assemble(gold, " missed"),
        "spurious": Text.assemble(predicted, " spurious"),
    }[confusion.kind]


def _window(words: Sequence[str], spans: Iterable[Span], *, room: int) -> tuple[int, int]:
    """The words around `spans` that fit into `room` columns, as many on the left as on the right."""
    start, end = min(span.start for span in spans), max(span.end for span in spans)
    room -= sum(cell_len(word) + 1 for word in words[start:end]) - 1
    left, right = start, end
    while True:
        grown = False
        if left > 0 and cell_len(words[left - 1]) < room:
            left -= 1
            room -= cell_len(words[left]) + 1
            grown = True
        if right < len(words) and cell_len(words[right]) < room:
            room -= cell_len(words[right]) + 1
            right += 1
            grown = True
        if not grown:
            return left, right


def _percentages(score: Score) -> tuple[float, float, float]:
    """Precision, recall and F1 in per cent, by the same operations as conlleval's, so rounded alike."""
    precision = 100 * score.correct / score.predicted if score.predicted else 0.0
    recall = 100 * score.correct / score.support if score.support else 0.0
    total = precision + recall
    return precision, recall, 2 * precision * recall / total if total else 0.0


def _accuracy(scores: Scores) -> float:
    return 100 * scores.correct_tokens / scores.tokens if scores.tokens else 0.0


def _figures(score: Score) -> list[str]:
    shares = [f"{share:.2f}" for share in _percentages(score)]
    return [*shares, *(str(count) for count in (score.support, score.predicted, score.correct))]


def _conlleval_figures(score: Score) -> str:
    return "precision: {:6.2f}%; recall: {:6.2f}%; FB1: {:6.2f}".format(*_percentages(score))

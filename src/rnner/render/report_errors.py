"""The errors of the HTML report: each sentence with an error, gold against found, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rnner.errors import counted
from rnner.render.html_head import escape
from rnner.render.marked_text import word_pieces
from rnner.render.score_text import ERROR_TITLES
from rnner.scoring.error_analysis import EntityError
from rnner.scoring.error_list import FaultySentence, faulty_sentences
from rnner.tags import Span
from rnner.text.spacing import spaced

if TYPE_CHECKING:  # would import torch
    from rnner.scoring.evaluation import EvaluationReport

_CONTEXT = 40  # words shown before the first error and after the last one
_NOBODY = "none"  # the type of the missing side of an error, in data attributes
_BY_PROBABILITY = (
    "The worst sentences come first: those with the largest sum of the probabilities of wrong entities, "
    "where each missed entity counts 0.5."
)
_BY_NUMBER = "The worst sentences come first: those with the most wrong and missed entities."


def errors_section(report: EvaluationReport, number: int, labels: Sequence[str]) -> Iterator[str]:
    """Return all errors, sentence by sentence, with a form to filter them.

    Args:
        report: the scores of a system.
        number: the number of the system on the page.
        labels: the labels of all systems; label i has the class `type-i`.
    """
    sentences = faulty_sentences(report.gold, report.found)
    types = {label: i for i, label in enumerate(labels)}
    yield '<section class="errors">\n'
    yield f'<h3 id="errors-{number}" tabindex="-1">Errors</h3>\n'
    if not sentences:
        yield "<p>All entities were found, and nothing else.</p>\n</section>\n"
        return
    errors = [error for sentence in sentences for error in sentence.errors]
    order = _BY_NUMBER if report.found.probabilities is None else _BY_PROBABILITY
    yield f'<p class="note">{order} Correct entities have a frame instead of a background.</p>\n'
    yield _form(errors, types)
    yield f'<p role="status">{counted(len(errors), "error")} in {counted(len(sentences), "sentence")}</p>\n'
    for sentence in sentences:
        yield _article(sentence, types)
    yield "</section>\n"


def _form(errors: Sequence[EntityError], types: Mapping[str, int]) -> str:
    """Return the filters; a script shows them and applies them."""
    kinds = Counter(error.kind for error in errors)
    gold = Counter(error.gold and error.gold.label for error in errors)
    found = Counter(error.found and error.found.label for error in errors)
    kind_options = [(kind, title, kinds[kind]) for kind, title in ERROR_TITLES.items() if kinds[kind]]
    return (
        "<form hidden>\n"
        f"{_select('kind', 'Kind', kind_options)}"
        f"{_select('gold', 'Gold type', _type_options(gold, types))}"
        f"{_select('found', 'Found type', _type_options(found, types))}"
        '<label>Text <input type="search" name="text" autocomplete="off"></label>\n'
        '<button type="reset">Show all</button>\n</form>\n'
    )


def _type_options(
    counts: Mapping[str | None, int], types: Mapping[str, int]
) -> list[tuple[object, str, int]]:
    """Return value, title and count of each type that occurs."""
    found: list[tuple[object, str, int]] = [
        (i, label, counts[label]) for label, i in types.items() if counts[label]
    ]
    return [*found, (_NOBODY, "none", counts[None])] if counts[None] else found


def _select(name: str, title: str, options: Iterable[tuple[object, str, int]]) -> str:
    items = "".join(
        f'<option value="{value}">{escape(text)} ({count:,})</option>' for value, text, count in options
    )
    return f'<label>{title} <select name="{name}"><option value="">all</option>{items}</select></label>\n'


def _article(sentence: FaultySentence, types: Mapping[str, int]) -> str:
    line = "" if sentence.line is None else f", line {sentence.line:,}"
    items = "".join(_item(error, sentence, types) for error in sentence.errors)
    sides = _sides(sentence, types)
    return (
        f"<article>\n<h4>Sentence {sentence.number + 1:,}{line}</h4>\n<ul>\n{items}</ul>\n"
        f'<dl>\n<dt>gold</dt><dd class="text" lang="" dir="auto">{sides[0]}</dd>\n'
        f'<dt>found</dt><dd class="text" lang="" dir="auto">{sides[1]}</dd>\n</dl>\n</article>\n'
    )


def _item(error: EntityError, sentence: FaultySentence, types: Mapping[str, int]) -> str:
    gold, found = (_NOBODY if it is None else types[it.label] for it in (error.gold, error.found))
    marks = []
    if error.gold is not None:
        marks.append(_mark(_name(error.gold, sentence.words), error.gold.label, types))
    marks += [
        _mark(_name(span, sentence.words), span.label, types, sentence.found[span])
        for span in error.overlapping
    ]
    joined = marks[0] if len(marks) == 1 else f"{marks[0]} found as {', '.join(marks[1:])}"
    title = ERROR_TITLES[error.kind]
    return f'<li data-kind="{error.kind}" data-gold="{gold}" data-found="{found}">{title}: {joined}</li>\n'


def _name(span: Span, words: Sequence[str]) -> str:
    return "".join(spaced(words[span.start : span.end])).rstrip(" ")


def _sides(sentence: FaultySentence, types: Mapping[str, int]) -> tuple[str, str]:
    """Return the sentence with its gold entities, and with those that were found."""
    correct = set(sentence.gold) & sentence.found.keys()
    start, end = _excerpt(sentence)

    def side(entities: Iterable[Span], scores: Mapping[Span, float | None]) -> str:
        spans = _not_overlapping(span for span in entities if start <= span.start and span.end <= end)
        rest = iter(spans)
        parts = []
        for piece in word_pieces(sentence.words, spans, start, end):
            if piece.label is None:
                parts.append(escape(piece.text))
            else:
                span = next(rest)
                parts.append(_mark(piece.text, span.label, types, scores.get(span), correct=span in correct))
        return "".join(parts)

    return side(sentence.gold, {}), side(sentence.found, sentence.found)


def _excerpt(sentence: FaultySentence) -> tuple[int, int]:
    """Return the range of words to show: the errors and 40 words on either side, and no entity in part."""
    spans = [span for error in sentence.errors for span in (error.gold, *error.overlapping) if span]
    start = max(0, min(span.start for span in spans) - _CONTEXT)
    end = min(len(sentence.words), max(span.end for span in spans) + _CONTEXT)
    for span in (*sentence.gold, *sentence.found):
        if span.start < end and start < span.end:
            start, end = min(start, span.start), max(end, span.end)
    return start, end


def _not_overlapping(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in the order of their words, without those that overlap an earlier or longer one."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if not kept or kept[-1].end <= span.start:
            kept.append(span)
    return kept


def _mark(
    words: str, label: str, types: Mapping[str, int], score: float | None = None, *, correct: bool = False
) -> str:
    shown = "" if score is None else f'<span class="score"> {score:.3f}</span>'
    kind = " correct" if correct else ""
    return (
        f'<mark class="type-{types[label]}{kind}">{escape(words)}'
        f'<span class="type">&nbsp;<bdi>{escape(label)}{shown}</bdi></span></mark>'
    )

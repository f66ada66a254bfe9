"""The same words with different labels: the annotations that are most likely mistakes, first."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rnner.tags import Span
from rnner.workbench.check.findings import Finding
from rnner.workbench.check.lenient_reader import ColumnFile, ParsedSentence

_Form = tuple[str, ...]
_OUTSIDE = ""
_Z = 1.96  # of the 95 % interval
_SURE = 0.5  # a label is the usual one if its share is above this with that confidence
_ODD = 0.1  # another is likely a mistake if its share is no more than this


class _Use(NamedTuple):
    """Where a form stands."""

    file: ColumnFile
    line: int


def check_consistency(files: Sequence[ColumnFile]) -> Iterator[Finding]:
    """Annotations against what the same words are mostly labelled, the likeliest mistakes first.

    Counted are all places of a form (case matters) that is an entity somewhere: as an entity of its own, and
    as words outside any. How sure the usual label is, is the lower end of Wilson's (1927) interval of its
    share.
    """
    uses = _uses(files)
    ranked = []
    for form, by_label in uses.items():
        total = sum(map(len, by_label.values()))
        usual = max(by_label, key=lambda label: len(by_label[label]))
        sure = wilson(len(by_label[usual]), total)
        if sure > _SURE:
            odd = [label for label, places in by_label.items() if len(places) <= _ODD * total]
            ranked += [(sure, form, usual, label) for label in odd]
    for _, form, usual, label in sorted(ranked, key=lambda item: (-item[0], item[1:])):
        total = sum(map(len, uses[form].values()))
        often = f"{_named(usual)} in {len(uses[form][usual]):,} of {total:,} places"
        for use in uses[form][label]:
            message = f"{' '.join(form)!r} is {_named(label)} here, {often}"
            column = use.file.column(use.line, use.file.layout.token if use.file.layout else 0)
            yield Finding("inconsistent", use.file.path, use.line, column, message)


def wilson(hits: int, total: int) -> float:
    """The lower end of the 95 % interval of a share of which `hits` of `total` were seen."""
    share, square = hits / total, _Z * _Z
    spread = _Z * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    return (share + square / (2 * total) - spread) / (1 + square / total)


def _uses(files: Sequence[ColumnFile]) -> dict[_Form, dict[str, list[_Use]]]:
    """Where each form that is an entity somewhere has which label; only forms with two or more readings."""
    uses: dict[_Form, dict[str, list[_Use]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        for sentence, spans in zip(file.sentences, file.spans, strict=True):
            for span in spans:
                form = tuple(sentence.words[span.start : span.end])
                uses[form][span.label].append(_Use(file, sentence.lines[span.start]))
    lengths: dict[str, set[int]] = defaultdict(set)
    for form in uses:
        lengths[form[0]].add(len(form))
    for file in files:
        for sentence, spans in zip(file.sentences, file.spans, strict=True):
            for start, form in _outside(sentence, spans, lengths):
                if form in uses:
                    uses[form][_OUTSIDE].append(_Use(file, sentence.lines[start]))
    return {form: by_label for form, by_label in uses.items() if len(by_label) > 1}


def _outside(
    sentence: ParsedSentence, spans: Sequence[Span], lengths: dict[str, set[int]]
) -> Iterator[tuple[int, _Form]]:
    """The forms that stand between the entities and may be entities elsewhere."""
    words = sentence.words
    borders = [0, *(border for span in spans for border in (span.start, span.end)), len(words)]
    for begin, end in zip(borders[::2], borders[1::2], strict=True):
        for start in range(begin, end):
            for length in lengths.get(words[start], ()):
                if start + length <= end:
                    yield start, tuple(words[start : start + length])


def _named(label: str) -> str:
    return repr(label) if label else "no entity"

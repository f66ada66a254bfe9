"""Entity forms with different labels, the most likely annotation mistakes first."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

from rnner.tags import UNKNOWN
from rnner.text.spacing import join
from rnner.workbench.check.findings import Finding
from rnner.workbench.check.lenient_reader import ColumnFile
from rnner.workbench.entity_forms import EntityForm, OutsideFinder, with_words

_Place = tuple[ColumnFile, int]  # file and line
_OUTSIDE = ""  # the label of a form outside any entity
_Z = 1.96  # half width of the 95 % interval in standard errors
_USUAL = 0.5  # a label is usual if its share is above this with 95 % confidence
_RARE = 0.1  # another label is probably a mistake if its share is at most this


def check_consistency(files: Sequence[ColumnFile]) -> Iterator[Finding]:
    """Find labels that contradict the usual label of the same words, the most likely mistakes first.

    Each form (case included) that is an entity somewhere is counted both as an entity and outside entities.
    The confidence in its usual label is the lower end of the Wilson (1927) interval of the label's share.
    """
    places = _places(files)
    ranked = []
    for form, by_label in places.items():
        total = sum(map(len, by_label.values()))
        usual = max(by_label, key=lambda label: len(by_label[label]))
        confidence = wilson(len(by_label[usual]), total)
        if confidence > _USUAL:
            rare = [label for label, own in by_label.items() if len(own) <= _RARE * total]
            ranked += [(confidence, form, usual, label) for label in rare]
    for _, form, usual, label in sorted(ranked, key=lambda item: (-item[0], item[1:])):
        by_label = places[form]
        total = sum(map(len, by_label.values()))
        elsewhere = f"{_quoted(usual)} in {len(by_label[usual]):,} of {total:,} places"
        message = f"{join(form)!r} is {_quoted(label)} here, {elsewhere}"
        for file, line in by_label[label]:
            yield Finding("inconsistent", file.path, line, file.token_position(line), message)


def wilson(hits: int, total: int) -> float:
    """Return the lower end of the 95 % Wilson interval of a share, given `hits` of `total`."""
    share, square = hits / total, _Z * _Z
    spread = _Z * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    return (share + square / (2 * total) - spread) / (1 + square / total)


def _places(files: Sequence[ColumnFile]) -> dict[EntityForm, dict[str, list[_Place]]]:
    """Return the places of each entity form by label, for forms with two or more labels."""
    found: dict[EntityForm, dict[str, list[_Place]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        for sentence, spans in zip(file.sentences, file.spans, strict=True):
            for span in (span for span in spans if span.label != UNKNOWN):
                form = tuple(sentence.words[span.start : span.end])
                found[form][span.label].append((file, sentence.lines[span.start]))
    finder = OutsideFinder(found)
    for file in files:
        for sentence, spans, unknown in zip(file.sentences, file.spans, file.unknown_words, strict=True):
            for start, form in finder.find(sentence.words, with_words(spans, unknown)):
                found[form][_OUTSIDE].append((file, sentence.lines[start]))
    return {form: by_label for form, by_label in found.items() if len(by_label) > 1}


def _quoted(label: str) -> str:
    return repr(label) if label else "no entity"

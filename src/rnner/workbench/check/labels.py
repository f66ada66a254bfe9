"""What is wrong with the tags: cells that are none, their order, their schemes, their labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import combinations

from rnner.tags import SCHEMES
from rnner.workbench.check.findings import Finding
from rnner.workbench.check.lenient_reader import ColumnFile

_Pair = tuple[str | None, str | None]

# From so many sentences on that break the scheme of most, a common other scheme is no chance.
_FEWEST_MIXED = 10
_SHARE_MIXED = 0.8


def check_tags(file: ColumnFile) -> Iterator[Finding]:
    """Cells in the tag column that are no tags."""
    layout = file.layout
    if layout is None or layout.tag is None or not file.spelled:
        return
    for number, line in enumerate(file.lines, 1):
        if not layout.is_row(line) or len(cells := layout.cells(line)) != layout.width:
            continue
        if (cell := cells[layout.tag]) in file.spelled:
            meant = file.spelled[cell]
            hint = f", meant for {meant}?" if meant else ""
            yield Finding("tag", file.path, number, file.column(number, layout.tag), f"{cell!r}{hint}")


def check_transitions(file: ColumnFile) -> Iterator[Finding]:
    """Tags that the file's scheme does not allow where they stand."""
    illegal = file.detector.illegal(file.scheme)
    if not illegal or file.layout is None:
        return
    for sentence in file.sentences:
        if sentence.sound:
            for position, pair in enumerate(_pairs(sentence.tags)):
                if reason := illegal.get(pair):
                    number = sentence.lines[min(position, len(sentence.lines) - 1)]
                    column = file.column(number, file.layout.tag or 0)
                    yield Finding("transition", file.path, number, column, reason)
    yield from _mixed(file)


def check_schemes(files: Sequence[ColumnFile]) -> Iterator[Finding]:
    """Files in another scheme than the first, as far as their entities tell."""
    told = [file for file in files if file.layout is not None and any(file.spans)]
    for file in told[1:]:
        if file.detector.illegal(told[0].scheme) and file.scheme != told[0].scheme:
            message = f"{file.scheme}, but {told[0].path} is {told[0].scheme}"
            yield Finding("different-schemes", file.path, None, None, message)


def check_entities(file: ColumnFile) -> Iterator[Finding]:
    """Files that hold nothing to learn or to find."""
    if file.layout is None or any(file.spans):
        return
    what = "all tags are O" if file.sentences else "no line with a word and a tag"
    yield Finding("no-entities", file.path, None, None, what)


def label_counts(file: ColumnFile) -> Counter[str]:
    """How many entities of each label a file has."""
    return Counter(span.label for spans in file.spans for span in spans)


def check_similar(files: Sequence[ColumnFile]) -> Iterator[Finding]:
    """Labels that may be one: `PERS` beside `PER`, `Person` beside `person`."""
    counts = sum((label_counts(file) for file in files), Counter[str]())
    for pair in combinations(sorted(counts), 2):
        if are_similar(*pair):
            rare, common = sorted(pair, key=lambda label: (counts[label], label))
            message = f"{rare!r} ({counts[rare]:,}) beside {common!r} ({counts[common]:,})"
            yield _at_label("similar-labels", files, rare, message)


def check_missing(files: Sequence[ColumnFile]) -> Iterator[Finding]:
    """Labels of the first file that others lack, and labels of others that the first lacks."""
    counted = [label_counts(file) for file in files]
    for file, counts in zip(files[1:], counted[1:], strict=True):
        if not counts or not counted[0]:
            continue  # told as a file without an entity
        for label in sorted(counts.keys() - counted[0].keys()):
            message = f"{label!r} ({counts[label]:,}) is not in {files[0].path}"
            yield _at_label("missing-label", [file], label, message)
        for label in sorted(counted[0].keys() - counts.keys()):
            message = f"no {label!r}, of which {files[0].path} has {counted[0][label]:,}"
            yield Finding("missing-label", file.path, None, None, message)


def are_similar(one: str, other: str) -> bool:
    """Whether two labels differ in a letter, in case and punctuation, or one is the other cut short."""
    short, long = sorted((plain_label(one), plain_label(other)), key=len)
    if short == long:
        return True
    if len(short) < 3:
        return False
    return (long.startswith(short) and _word_goes_on(one, other)) or _one_letter_apart(short, long)


def plain_label(label: str) -> str:
    """A label without case and punctuation; itself where nothing is left."""
    return re.sub(r"[\W_]+", "", label).casefold() or label


def _word_goes_on(one: str, other: str) -> bool:
    """Whether the longer label goes on with a letter: PERSON after PER, not art-film after art."""
    short, long = sorted((one, other), key=len)
    return long[len(short) : len(short) + 1].isalpha()


def _one_letter_apart(short: str, long: str) -> bool:
    """Whether one letter (no digit: those count things) was put in or changed."""
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    same = short[at:] == long[at + 1 :] or (len(short) == len(long) and short[at + 1 :] == long[at + 1 :])
    return same and not any(letter.isdigit() for letter in short[at : at + 1] + long[at])


def breaks(tags: Sequence[str | None], illegal: Container[_Pair]) -> bool:
    """Whether some neighbours in the tags of a sentence are among the illegal pairs."""
    return any(pair in illegal for pair in _pairs(tags))


def _pairs(tags: Sequence[str | None]) -> Iterable[_Pair]:
    return zip([None, *tags], [*tags, None], strict=True)


def _mixed(file: ColumnFile) -> Iterator[Finding]:
    """Another scheme that most of the sentences obey which break the file's own."""
    own = file.detector.illegal(file.scheme)
    breaking = [sentence for sentence in file.sentences if sentence.sound and breaks(sentence.tags, own)]
    for scheme in SCHEMES:
        other = file.detector.illegal(scheme)
        obeying = [sentence for sentence in breaking if not breaks(sentence.tags, other)]
        if len(obeying) >= max(_FEWEST_MIXED, _SHARE_MIXED * len(breaking)):
            line = obeying[0].lines[0]
            what = (
                f"{file.scheme}, but {len(obeying):,} of the {len(breaking):,} sentences that break it are "
            )
            yield Finding("mixed-schemes", file.path, line, 1, what + f"{scheme}; here is the first")
            return


def _at_label(kind: str, files: Iterable[ColumnFile], label: str, message: str) -> Finding:
    """A finding at the first entity of a label."""
    for file in files:
        for sentence, spans in zip(file.sentences, file.spans, strict=True):
            for span in spans:
                if span.label == label and file.layout is not None:
                    line = sentence.lines[span.start]
                    return Finding(kind, file.path, line, file.column(line, file.layout.tag or 0), message)
    raise ValueError(f"no entity of {label}")

"""Checks of the tags: validity, order, schemes and labels."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from rnner.errors import counted
from rnner.tags import SCHEMES
from rnner.workbench.check.findings import Finding
from rnner.workbench.check.lenient_reader import ColumnFile

_TagPair = tuple[str | None, str | None]

# A file mixes schemes if at least this many, and this share, of the sentences that violate its scheme follow
# another one.
_MOST_ALIKE = 20  # maximum number of similar labels that each label is compared to
_LONGEST = 100  # maximum number of letters of a label to compare one by one
_FEWEST_MIXED = 10
_SHARE_MIXED = 0.8


def check_tags(file: ColumnFile) -> Iterator[Finding]:
    """Find cells in the tag column that are not valid tags, and tags in another spelling."""
    respelled: dict[str, list[int]] = defaultdict(list)  # lines by cell
    for sentence in file.sentences:
        for line, cell, tag in zip(sentence.lines, sentence.tag_cells, sentence.tags, strict=True):
            if tag is None:
                yield Finding("tag", file.path, line, file.tag_position(line), file.spelling.problem(cell))
            elif cell.strip(" ") != tag:
                respelled[cell].append(line)
    for cell, lines in respelled.items():
        message = f"{cell!r} is read as {file.spelling.tags[cell]} ({counted(len(lines), 'row')})"
        yield Finding("spelling", file.path, lines[0], file.tag_position(lines[0]), message)


def check_transitions(file: ColumnFile) -> Iterator[Finding]:
    """Find tags that the scheme of the file does not allow in their position."""
    violations = file.detector.violations(file.scheme)
    if not violations:
        return
    for sentence in file.sentences:
        if sentence.valid:
            for position, pair in enumerate(_tag_pairs(sentence.tags)):
                if reason := violations.get(pair):
                    line = sentence.lines[min(position, len(sentence.lines) - 1)]
                    yield Finding("transition", file.path, line, file.tag_position(line), reason)
    yield from _check_mixed_schemes(file)


def check_schemes(files: Sequence[ColumnFile]) -> Iterator[Finding]:
    """Find files whose tags follow a different scheme from those of the first file with entities."""
    with_entities = [file for file in files if any(file.spans)]
    for file in with_entities[1:]:
        first = with_entities[0]
        if file.detector.violations(first.scheme) and file.scheme != first.scheme:
            message = f"{file.scheme}, but {first.path} is {first.scheme}"
            yield Finding("different-schemes", file.path, None, None, message)


def check_entities(file: ColumnFile) -> Iterator[Finding]:
    """Find files without any entity."""
    if not file.layout_problem and not any(file.spans):
        message = "all tags are O" if file.sentences else "no line with a word and a tag"
        yield Finding("no-entities", file.path, None, None, message)


def check_similar(files: Sequence[ColumnFile]) -> Iterator[Finding]:
    """Find labels that may be the same: `PERS` and `PER`, `Person` and `person`."""
    counts = total_label_counts(files)
    places = _first_places(files)
    for pair in sorted(similar_pairs(counts)):
        rare, common = sorted(pair, key=lambda label: (counts[label], label))
        message = f"{rare!r} ({counts[rare]:,}) and {common!r} ({counts[common]:,})"
        yield _finding_at("similar-labels", *places[rare], message)


def check_missing(files: Sequence[ColumnFile]) -> Iterator[Finding]:
    """Find labels that occur in the first file but not in another, or vice versa."""
    first = files[0]
    for file in files[1:]:
        places = _first_places([file])
        if not file.label_counts or not first.label_counts:
            continue  # reported as a file without entities
        for label in sorted(file.label_counts.keys() - first.label_counts.keys()):
            message = f"{label!r} ({file.label_counts[label]:,}) is not in {first.path}"
            yield _finding_at("missing-label", *places[label], message)
        for label in sorted(first.label_counts.keys() - file.label_counts.keys()):
            message = f"no {label!r}, but {first.path} has {first.label_counts[label]:,}"
            yield Finding("missing-label", file.path, None, None, message)


def total_label_counts(files: Sequence[ColumnFile]) -> Counter[str]:
    """Return the number of entities of each label in all files."""
    return sum((file.label_counts for file in files), Counter[str]())


def similar_pairs(counts: Mapping[str, int]) -> set[tuple[str, str]]:
    """Return the pairs of similar labels, each sorted. Among very many alike, only the most common count.

    Only labels that share a key are compared, so the time grows with their number, not with its square.
    """
    by_plain, by_gap = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for label in sorted(counts, key=lambda label: (-counts[label], label)):
        plain = plain_label(label)
        by_plain[plain].append(label)
        for i in _letters(plain):
            by_gap[f"{plain[:i]}\0{plain[i + 1 :]}"].append(label)  # shared by labels that differ in letter i
    found = set()
    for group in [*by_plain.values(), *by_gap.values()]:
        for label in group:
            found |= {(other, label) for other in group[:_MOST_ALIKE]}
    for plain, group in by_plain.items():
        shorter = {plain[:i] + plain[i + 1 :] for i in _letters(plain)}
        shorter |= {plain[:i] for i in range(1, len(plain[:_LONGEST]))}
        others = [other for key in shorter if key in by_plain for other in by_plain[key][:_MOST_ALIKE]]
        found |= {(other, label) for label in group for other in others}
    return {(min(pair), max(pair)) for pair in found if pair[0] != pair[1] and are_similar(*pair)}


def _letters(plain: str) -> list[int]:
    """Return the positions at which a label may differ from a similar one: those without a digit."""
    return [i for i, letter in enumerate(plain[:_LONGEST]) if not letter.isdigit()]


def are_similar(one: str, other: str) -> bool:
    """Return whether two labels differ in one letter, case or punctuation, or one abbreviates the other."""
    short, long = sorted((plain_label(one), plain_label(other)), key=len)
    if short == long:
        return True
    if len(short) < 3:
        return False
    return (long.startswith(short) and _word_continues(one, other)) or _one_letter_apart(short, long)


@lru_cache(maxsize=1 << 16)
def plain_label(label: str) -> str:
    """Return a label without case and punctuation, or unchanged if nothing would be left."""
    return re.sub(r"[\W_]+", "", label).casefold() or label


def has_violation(tags: Sequence[str | None], violations: Container[_TagPair]) -> bool:
    """Return whether any two neighbouring tags of a sentence are among the violations."""
    return any(pair in violations for pair in _tag_pairs(tags))


def _word_continues(one: str, other: str) -> bool:
    """Return whether the longer label continues with a letter: PERSON after PER, not art-film after art."""
    short, long = sorted((one, other), key=len)
    return long[len(short) : len(short) + 1].isalpha()


def _one_letter_apart(short: str, long: str) -> bool:
    """Return whether one letter was inserted or changed. Digits do not count: they number labels."""
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    same = short[at:] == long[at + 1 :] or (len(short) == len(long) and short[at + 1 :] == long[at + 1 :])
    return same and not any(letter.isdigit() for letter in short[at : at + 1] + long[at])


def _tag_pairs(tags: Sequence[str | None]) -> Iterable[_TagPair]:
    return zip([None, *tags], [*tags, None], strict=True)


def _check_mixed_schemes(file: ColumnFile) -> Iterator[Finding]:
    """Find another scheme that fits most of the sentences that violate the file's scheme."""
    violations = file.detector.violations(file.scheme)
    violating = [s for s in file.sentences if s.valid and has_violation(s.tags, violations)]
    for scheme in SCHEMES:
        violations = file.detector.violations(scheme)
        following = [sentence for sentence in violating if not has_violation(sentence.tags, violations)]
        if len(following) >= max(_FEWEST_MIXED, _SHARE_MIXED * len(violating)):
            share = f"{len(following):,} of the {len(violating):,} sentences that violate it"
            message = f"{file.scheme}, but {share} are {scheme}; this is the first"
            yield Finding("mixed-schemes", file.path, following[0].lines[0], 1, message)
            return


def _first_places(files: Iterable[ColumnFile]) -> dict[str, tuple[ColumnFile, int]]:
    """Return the file and line of the first entity with each label."""
    places: dict[str, tuple[ColumnFile, int]] = {}
    for file in files:
        for sentence, spans in zip(file.sentences, file.spans, strict=True):
            for span in spans:
                places.setdefault(span.label, (file, sentence.lines[span.start]))
    return places


def _finding_at(kind: str, file: ColumnFile, line: int, message: str) -> Finding:
    return Finding(kind, file.path, line, file.tag_position(line), message)

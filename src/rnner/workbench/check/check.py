"""What is wrong with annotated corpora: everything that would make training or scores wrong, all at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rnner.workbench.check.consistency import check_consistency
from rnner.workbench.check.findings import CheckReport, Finding, Summary, by_kind
from rnner.workbench.check.labels import (
    check_entities,
    check_missing,
    check_schemes,
    check_similar,
    check_tags,
    check_transitions,
)
from rnner.workbench.check.lenient_reader import ColumnFile, parse, read_file
from rnner.workbench.check.repeats import check_repeats
from rnner.workbench.check.token_text import check_bytes, check_columns, check_length, check_tokens

__all__ = ["CheckReport", "ColumnFile", "Finding", "check", "parse", "read_file"]

_OF_A_FILE = (
    check_bytes,
    check_columns,
    check_tokens,
    check_tags,
    check_transitions,
    check_entities,
    check_length,
)
_OF_ALL = (check_schemes, check_similar, check_missing, check_repeats, check_consistency)


def check(files: Sequence[ColumnFile]) -> CheckReport:
    """Looks for everything that is wrong with files that belong together, the training file first."""
    readable = [file for file in files if file.layout is not None]
    return CheckReport([_summary(file) for file in files], by_kind(_findings(files, readable)))


def _findings(files: Sequence[ColumnFile], readable: Sequence[ColumnFile]) -> Iterator[Finding]:
    for file in files:
        for look in _OF_A_FILE:
            yield from look(file)
    if readable:
        for look_at_all in _OF_ALL:
            yield from look_at_all(readable)


def _summary(file: ColumnFile) -> Summary:
    return Summary(
        file.path,
        len(file.sentences),
        sum(len(sentence.words) for sentence in file.sentences),
        sum(map(len, file.spans)),
        file.scheme if file.detector.tags else None,
    )

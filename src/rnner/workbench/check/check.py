"""Check annotated corpora for problems that would break training or distort scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rnner.workbench.check import consistency, labels, repeats, token_text
from rnner.workbench.check.findings import KINDS, CheckReport, FileSummary, Finding
from rnner.workbench.check.lenient_reader import ColumnFile

_FILE_CHECKS = (
    token_text.check_bytes,
    token_text.check_columns,
    token_text.check_tokens,
    labels.check_tags,
    labels.check_transitions,
    labels.check_entities,
    token_text.check_length,
    token_text.check_segmented,
)
_CORPUS_CHECKS = (
    labels.check_schemes,
    labels.check_similar,
    labels.check_missing,
    repeats.check_repeats,
    consistency.check_consistency,
)


def check(files: Sequence[ColumnFile]) -> CheckReport:
    """Run all checks on files that belong together, the training file first."""
    order = {name: position for position, name in enumerate(KINDS)}
    findings = sorted(_findings(files), key=lambda finding: order[finding.kind])
    return CheckReport([_summarize(file) for file in files], findings)


def _findings(files: Sequence[ColumnFile]) -> Iterator[Finding]:
    for file in files:
        for check_file in _FILE_CHECKS:
            yield from check_file(file)
    if readable := [file for file in files if not file.layout_problem]:
        for check_corpus in _CORPUS_CHECKS:
            yield from check_corpus(readable)


def _summarize(file: ColumnFile) -> FileSummary:
    return FileSummary(
        file.path,
        len(file.sentences),
        sum(len(sentence.words) for sentence in file.sentences),
        sum(map(len, file.spans)),
        file.scheme if file.detector.tags else None,
        sum(map(len, file.unknown_words)),
    )

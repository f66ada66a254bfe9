"""Findings of a corpus check: their kinds, with advice on each, and the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal, NamedTuple

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class FindingKind:
    """A kind of finding.

    Attributes:
        name: identifier of the kind, used in JSON.
        severity: `error` if training would stop or scores would be wrong, `warning` if a person should check.
        title: a description of what was found.
        advice: how to fix or judge it.
    """

    name: str
    severity: Severity
    title: str
    advice: str


# The title and the advice of each kind.
_ERRORS = {
    "layout": (
        "the columns cannot be detected, so nothing else was checked",
        "give --columns TOKEN,TAG, or convert the file to one word and its tag per line",
    ),
    "encoding": (
        "bytes that are not UTF-8, and NUL characters",
        "convert the file to UTF-8; --fix reads the bytes as Windows-1252 and removes NUL characters",
    ),
    "columns": (
        "rows with a different number of columns from most rows",
        "correct these rows; --fix removes rows of invisible characters",
    ),
    "empty-token": (
        "tokens that are empty or only white space",
        "add the token, or remove the row and correct the tags around it",
    ),
    "tag": (
        "cells in the tag column that are not valid tags",
        "use O, B-LABEL, I-LABEL, E-LABEL, S-LABEL, or 0 and 1; --fix joins word pieces that subword tools "
        "tagged X, and removes [CLS] and [SEP]",
    ),
    "transition": (
        "tag sequences that the scheme of the file does not allow",
        "correct the tags, or read them like conlleval (--fix, or train with data.illegal_tags: conlleval)",
    ),
    "mixed-schemes": (
        "files with sentences in different tagging schemes",
        "check whether two sources were joined; --fix converts all sentences to the most common scheme",
    ),
    "no-entities": (
        "files without sentences or without entities",
        "check whether this is the right file and whether --columns names the right columns",
    ),
    "leak": (
        "files that share a tenth or more of their sentences with earlier files",
        "remove these sentences from one of the files, or split the corpus again: they inflate scores",
    ),
}
_WARNINGS = {
    "tag-columns": (
        "files with several columns of tags",
        "give --columns TOKEN,TAG to check another one; for training, set data.columns",
    ),
    "word-column": (
        "files whose words are not in the first column",
        "give --columns TOKEN,TAG to choose another one; for training, set data.columns",
    ),
    "separators": (
        "rows with spaces where most rows have tabs, or tabs where most have spaces",
        "rnner reads them, but other tools may not; --fix gives all rows the same separator",
    ),
    "spelling": (
        "tags in another spelling",
        "rnner reads them, but other tools may not; --fix writes B-LABEL, I-LABEL, E-LABEL, S-LABEL and O",
    ),
    "affix": (
        "affixes that nearly all tokens share",
        "a model trained on them finds little in plain text; --fix strips them",
    ),
    "different-schemes": (
        "files in different tagging schemes",
        "rnner converts each file; other tools may assume that all have the scheme of the first",
    ),
    "similar-labels": (
        "labels that look like one label in two spellings",
        "use one spelling; --fix merges labels that differ only in case and punctuation",
    ),
    "missing-label": (
        "labels that one file has and another does not",
        "a label missing in the first file cannot be learned; one missing in the others is not evaluated",
    ),
    "characters": (
        "white space, control or invisible characters in tokens",
        "such tokens differ from lookalikes; --fix removes these characters except white space inside tokens",
    ),
    "damaged-text": (
        "text that was decoded with the wrong encoding",
        "export the file again from its source; --fix restores UTF-8 that was read as Windows-1252",
    ),
    "segmented": (
        "multi-character words in a script without spaces",
        "raw text is split into single characters; set text.tokenizer to the segmenter that made these words",
    ),
    "long-sentence": (
        "sentences of more than 200 tokens",
        "check whether blank lines between sentences are missing",
    ),
    "duplicate": (
        "sentences that occur more than once in a file",
        "remove duplicates unless they are genuine repeats",
    ),
    "overlap": (
        "sentences that are also in an earlier file, word for word",
        "remove them from one of the files: they inflate scores",
    ),
    "near-overlap": (
        "sentences that are nearly the same as one in an earlier file",
        "look at them: only case, numbers and up to one word in five differ",
    ),
    "retagged": (
        "sentences that are tagged differently elsewhere",
        "decide which tags are right, and use them in both places",
    ),
    "inconsistent": (
        "words that are usually labelled differently, the most likely mistakes first",
        "look at them; not all are mistakes",
    ),
}
KINDS = {name: FindingKind(name, "error", *texts) for name, texts in _ERRORS.items()}
KINDS |= {name: FindingKind(name, "warning", *texts) for name, texts in _WARNINGS.items()}


def abridge(text: str) -> str:
    """Return a text in quotes, cut off after 60 characters."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


class Finding(NamedTuple):
    """A problem in a file. Line and column start at 1; a finding without a line concerns the whole file."""

    kind: str
    path: str
    line: int | None
    column: int | None
    message: str

    @property
    def place(self) -> str:
        """`path:line:column`, or as much of it as is known."""
        return ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)


class FileSummary(NamedTuple):
    """The size of a file, and the scheme that its tags violate least often (None if it has no tags).

    `unknown_tokens` counts the words whose tags or labels are not known.
    """

    path: str
    sentences: int
    tokens: int
    entities: int
    scheme: str | None
    unknown_tokens: int = 0


@dataclass(frozen=True)
class CheckReport:
    """The findings in files that were checked together.

    Attributes:
        files: a summary of each file, in the order given.
        findings: in the order of KINDS; within a kind by file and line, or most likely mistakes first.
    """

    files: Sequence[FileSummary]
    findings: Sequence[Finding]

    def groups(self) -> list[tuple[FindingKind, list[Finding]]]:
        """Return the findings of each kind."""
        grouped = groupby(self.findings, key=lambda finding: finding.kind)
        return [(KINDS[name], list(findings)) for name, findings in grouped]

    def count(self, severity: Severity) -> int:
        """Return the number of findings of this severity."""
        return sum(KINDS[finding.kind].severity == severity for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return the report for JSON."""
        return {
            "errors": self.count("error"),
            "warnings": self.count("warning"),
            "files": [summary._asdict() for summary in self.files],
            "kinds": [_group_dict(kind, findings) for kind, findings in self.groups()],
        }


def _group_dict(kind: FindingKind, findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "kind": kind.name,
        "severity": kind.severity,
        "title": kind.title,
        "advice": kind.advice,
        "count": len(findings),
        "files": dict(Counter(finding.path for finding in findings)),
        "findings": [
            {name: value for name, value in finding._asdict().items() if name != "kind"}
            for finding in findings
        ],
    }

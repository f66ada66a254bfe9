"""What may be wrong with a corpus: the kinds of findings, what to do about each, and all that was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of findings.

    Attributes:
        name: what programs call it.
        severity: `error` if training would stop or the scores be wrong, `warning` if a person should look.
        title: what it is, for people.
        advice: what to do.
    """

    name: str
    severity: Severity
    title: str
    advice: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "layout",
            "error",
            "the columns cannot be made out, so nothing else was looked at",
            "give --columns TOKEN,TAG, or bring the file into the form of a word and its tag on each line",
        ),
        Kind(
            "encoding",
            "error",
            "bytes that are not UTF-8 text",
            "convert the file; --fix reads the bytes as Windows-1252 and leaves out NUL characters",
        ),
        Kind(
            "columns",
            "error",
            "rows with another number of columns than most",
            "correct these lines; --fix mends wrong separators, empty columns at the end of a row, and rows "
            "with nothing that can be seen",
        ),
        Kind(
            "empty-token",
            "error",
            "tokens that are empty or only white space",
            "give the line a token, or take it out and mend the tags around it",
        ),
        Kind(
            "tag",
            "error",
            "cells in the tag column that are no tag",
            "use O, B-LABEL, I-LABEL, E-LABEL, S-LABEL, or 0 and 1; --fix rewrites other spellings of these",
        ),
        Kind(
            "transition",
            "error",
            "tags that may not stand where they do",
            "correct the tags; --fix rewrites them as conlleval reads them, and data.illegal_tags: conlleval "
            "reads them so in training",
        ),
        Kind(
            "mixed-schemes",
            "error",
            "files whose sentences are tagged in different schemes",
            "see whether two sources were put together; --fix writes all in the scheme of most",
        ),
        Kind(
            "no-entities",
            "error",
            "files without a sentence, or without an entity",
            "see whether this is the right file and --columns the right columns",
        ),
        Kind(
            "leak",
            "error",
            "a tenth or more of a file is in the files before it",
            "take the sentences out of one of them, or divide the corpus anew: scores on these say little",
        ),
        Kind(
            "different-schemes",
            "warning",
            "files in different tagging schemes",
            "rnner converts each; other tools may take all for the scheme of the first",
        ),
        Kind(
            "similar-labels",
            "warning",
            "labels that look like one label in two spellings",
            "use one of them; --fix joins those that differ in case, hyphens and the like only",
        ),
        Kind(
            "missing-label",
            "warning",
            "labels that one file has and another lacks",
            "a label that the first file lacks cannot be learnt, one that the others lack is not measured",
        ),
        Kind(
            "characters",
            "warning",
            "white space, control or invisible characters in tokens",
            "such tokens do not equal those that look the same; --fix takes out all but white space within",
        ),
        Kind(
            "damaged-text",
            "warning",
            "text that was decoded wrongly",
            "make the file anew from its source; --fix undoes UTF-8 read as Windows-1252 where it can",
        ),
        Kind(
            "long-sentence",
            "warning",
            "sentences of more than 200 tokens",
            "see whether blank lines are missing",
        ),
        Kind(
            "duplicate",
            "warning",
            "sentences that stand in one file more than once",
            "take the copies out if they are none of the text's own",
        ),
        Kind(
            "overlap",
            "warning",
            "sentences that are in a file before, word for word",
            "take them out of one of the files: a model knows them by heart",
        ),
        Kind(
            "near-overlap",
            "warning",
            "sentences that are nearly those of a file before",
            "look at them: case, numbers and up to one word in five differ",
        ),
        Kind(
            "retagged",
            "warning",
            "sentences that are tagged otherwise elsewhere",
            "decide for one of the two",
        ),
        Kind(
            "inconsistent",
            "warning",
            "words that are mostly tagged otherwise, the likeliest mistakes first",
            "look at them; not all are mistakes",
        ),
    )
}


class Finding(NamedTuple):
    """One thing found: its kind, where (line and column counted from 1, None: the whole file), what."""

    kind: str
    path: str
    line: int | None
    column: int | None
    message: str

    @property
    def place(self) -> str:
        """`path:line:column`, as far as they are known."""
        return ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)


class Summary(NamedTuple):
    """What a file holds. `scheme` is the one that its tags obey in most places, None without a tag."""

    path: str
    sentences: int
    tokens: int
    entities: int
    scheme: str | None


@dataclass(frozen=True)
class CheckReport:
    """All that was found in some files, checked together.

    Attributes:
        files: what each holds, in the order given.
        findings: in the order of KINDS; within a kind by file and line, or the most telling first.
    """

    files: Sequence[Summary]
    findings: Sequence[Finding]

    def groups(self) -> list[tuple[Kind, list[Finding]]]:
        """The findings kind by kind."""
        grouped: dict[str, list[Finding]] = {name: [] for name in KINDS}
        for finding in self.findings:
            grouped[finding.kind].append(finding)
        return [(KINDS[name], findings) for name, findings in grouped.items() if findings]

    def count(self, severity: Severity) -> int:
        """How many findings are errors, or warnings."""
        return sum(KINDS[finding.kind].severity == severity for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """The report in plain values, for JSON."""
        return {
            "errors": self.count("error"),
            "warnings": self.count("warning"),
            "files": [summary._asdict() for summary in self.files],
            "kinds": [_group_dict(kind, findings) for kind, findings in self.groups()],
        }


def by_kind(findings: Iterable[Finding]) -> list[Finding]:
    """The findings in the order of KINDS, else as they come."""
    order = {name: place for place, name in enumerate(KINDS)}
    return sorted(findings, key=lambda finding: order[finding.kind])


def _group_dict(kind: Kind, findings: Sequence[Finding]) -> dict[str, Any]:
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

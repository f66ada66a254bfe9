"""`rnner data check`: report every problem in a corpus, and fix those that have only one solution."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from rnner.cli import completion, options
from rnner.cli.console import notice, out, print_json
from rnner.cli.options import TableOrJson
from rnner.cli.progress_display import Activity
from rnner.errors import UsageError, counted
from rnner.system.terminal import printable
from rnner.tags import UNKNOWN

if TYPE_CHECKING:
    from rnner.workbench.check.findings import CheckReport, FileSummary, Finding, FindingKind
    from rnner.workbench.check.lenient_reader import ColumnFile

_ERRORS_FOUND = 3  # exit code


def check(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            autocompletion=completion.corpora,
            help="Annotated column files of one corpus, the training file first; or sample:train.",
        ),
    ],
    form: options.OutputFormat = TableOrJson.table,
    examples: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            help="Number of examples to show per problem (JSON lists all).",
            rich_help_panel=options.OUTPUT,
        ),
    ] = 5,
    columns: options.Columns = None,
    fix: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT",
            help="Write a repaired copy to this file, or folder for several FILEs.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    overwrite: options.Overwrite = False,
    unknown: options.UnknownMark = UNKNOWN,
) -> None:
    """Find problems in column files that would break training or distort scores.

    Checks columns, tags and their order, characters, encoding, repeated sentences within and between files,
    and words that are labelled inconsistently. Every problem comes with path:line:column, and every kind of
    problem with advice. Exits with 3 if there are errors (with --fix: if errors remain in the copy), with 0
    if there are none or only warnings.

    Examples:
        rnner data check sample:train sample:dev sample:test
        rnner data check sample:train --fix repaired.conll
    """
    from rnner.data.corpus import resolve
    from rnner.workbench.check.check import check as check_files
    from rnner.workbench.check.lenient_reader import read_file
    from rnner.workbench.check.repair import target_paths

    if overwrite and fix is None:
        raise UsageError("--overwrite needs --fix OUT")
    chosen = options.parse_columns(columns)
    sources = [resolve(path) for path in paths]
    for source in sources:
        options.require_column_file(source, columns)
    copies = [] if fix is None else target_paths(sources, fix, overwrite=overwrite)
    with Activity("checking"):
        files = [read_file(source, chosen, unknown) for source in sources]
        report = check_files(files)
        fixed = _write_repaired(files, copies, chosen) if copies else None
    if form is TableOrJson.json:
        print_json(report.to_dict() | ({} if fixed is None else {"fix": fixed}))
    else:
        _print_report(report, examples)
        if fixed is not None:
            _print_fixed(fixed)
    if report.count("error") if fixed is None else fixed["errors_left"]:
        raise typer.Exit(_ERRORS_FOUND)


def _write_repaired(
    files: list[ColumnFile], copies: list[Path], columns: dict[str, int] | None
) -> dict[str, Any]:
    """Write repaired copies; return the changes and the number of remaining problems, for JSON."""
    from rnner.workbench.check.check import check as check_files
    from rnner.workbench.check.repair import repair, write

    repaired = repair(files, columns)
    written = []
    for copy, (file, changed) in zip(copies, repaired, strict=True):
        write(file, copy)
        written.append({"path": file.path, "copy": str(copy), "changed": dict(changed)})
    left = check_files([file for file, _ in repaired])
    return {"files": written, "errors_left": left.count("error"), "warnings_left": left.count("warning")}


def _print_report(report: CheckReport, examples: int) -> None:
    for summary in report.files:
        out.print(Text(printable(_summary_line(summary))))
    for kind, findings in report.groups():
        out.print()
        _print_findings(kind, findings, examples)
    out.print()
    out.print(f"{counted(report.count('error'), 'error')}, {counted(report.count('warning'), 'warning')}")


def _summary_line(summary: FileSummary) -> str:
    sizes = (
        counted(summary.sentences, "sentence"),
        counted(summary.tokens, "token"),
        counted(summary.entities, "entity", "entities"),
        *([f"{counted(summary.unknown_tokens, 'word')} with unknown tags"] if summary.unknown_tokens else []),
    )
    return f"{summary.path}: {', '.join(sizes)}" + (f", {summary.scheme}" if summary.scheme else "")


def _print_findings(kind: FindingKind, findings: list[Finding], examples: int) -> None:
    """Print one kind of problem: its count, the first examples, and the advice."""
    style = "bold red" if kind.severity == "error" else "yellow"
    out.print(Text.assemble((kind.severity, style), f" {kind.name} ({len(findings):,}): {kind.title}"))
    for finding in findings[:examples]:
        out.print(Text(printable(f"  {finding.place}: {finding.message}")))
    if len(findings) > examples:
        out.print(Text(f"  and {len(findings) - examples:,} more", style="dim"))
    out.print(Text(f"  → {kind.advice}", style="dim"))


def _print_fixed(fixed: dict[str, Any]) -> None:
    for file in fixed["files"]:
        changes = ", ".join(f"{kind} {count:,}" for kind, count in file["changed"].items())
        notice(f"wrote {file['copy']}; lines changed: {changes or 'none'}")
    errors, warnings = counted(fixed["errors_left"], "error"), counted(fixed["warnings_left"], "warning")
    copies = "copy" if len(fixed["files"]) == 1 else "copies"
    notice(f"remaining in the {copies}: {errors}, {warnings}")

"""`rnner data check`: all that is wrong with a corpus, at once."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from rnner.cli.console import notice, out
from rnner.cli.options import Columns, chosen_columns, require_column_file

if TYPE_CHECKING:
    from rnner.workbench.check.findings import CheckReport, Finding, Kind, Summary
    from rnner.workbench.check.lenient_reader import ColumnFile

_FOUND_ERRORS = 3  # exit code


class Format(str, Enum):
    """How findings are written."""

    table = "table"
    json = "json"


def check(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH",
            help="Column files with tags that belong together, the training file first, or sample:train.",
        ),
    ],
    form: Annotated[
        Format, typer.Option("--format", metavar="FORM", help="table or json; json tells every finding.")
    ] = Format.table,
    examples: Annotated[
        int, typer.Option("--examples", metavar="N", min=1, help="Findings of each kind in the table.")
    ] = 5,
    columns: Columns = None,
    fix: Annotated[
        Path | None,
        typer.Option(
            "--fix",
            metavar="OUT",
            help="Write a repaired copy: of one file to this file, of several into this folder.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that --fix wrote.")] = False,
) -> None:
    """Find everything in column files that would make training or scores wrong.

    Columns, tags and their order, characters, encoding, repeats within a file and between files, words that
    are labelled one way nearly everywhere and otherwise in a few places. Each finding comes with
    path:line:column and each kind with what to do. Exits with 3 if there are errors (with --fix: if any are
    left in the copy), with 0 if there is nothing or there are warnings only.
    """
    from rnner.data.corpus import resolve
    from rnner.errors import UsageError
    from rnner.workbench.check.check import check as check_files
    from rnner.workbench.check.lenient_reader import read_file
    from rnner.workbench.check.repair import targets

    if overwrite and fix is None:
        raise UsageError("--overwrite is about the copy that --fix writes; give --fix OUT")
    chosen = chosen_columns(columns)
    places = [resolve(path) for path in paths]
    for place in places:
        require_column_file(place, columns)
    copies = [] if fix is None else targets(places, fix, overwrite=overwrite)
    files = [read_file(place, chosen) for place in places]
    report, told = check_files(files), None
    left = report.count("error")
    if copies:
        told = _fixed(files, copies, chosen)
        left = told["errors_left"]
    if form is Format.json:
        from rnner.render.json_output import to_json

        typer.echo(to_json(report.to_dict() | ({} if told is None else {"fix": told}), indent=2))
    else:
        _tell(report, examples)
        if told is not None:
            _tell_fixed(told)
    if left:
        raise typer.Exit(_FOUND_ERRORS)


def _fixed(files: list[ColumnFile], copies: list[Path], columns: dict[str, int] | None) -> dict[str, Any]:
    """Write repaired copies; what was changed, and how much is left."""
    from rnner.workbench.check.check import check as check_files
    from rnner.workbench.check.repair import repair, write

    repaired = repair(files, columns)
    written = []
    for copy, (file, changed) in zip(copies, repaired, strict=True):
        write(file, copy)
        written.append({"path": file.path, "copy": str(copy), "changed": dict(changed)})
    left = check_files([file for file, _ in repaired])
    return {"files": written, "errors_left": left.count("error"), "warnings_left": left.count("warning")}


def _tell(report: CheckReport, examples: int) -> None:
    for summary in report.files:
        out.print(Text(_summary_line(summary)))
    for kind, findings in report.groups():
        out.print()
        _tell_group(kind, findings, examples)
    out.print()
    out.print(f"{_number(report.count('error'), 'error')}, {_number(report.count('warning'), 'warning')}")


def _summary_line(summary: Summary) -> str:
    sizes = (
        _number(summary.sentences, "sentence"),
        _number(summary.tokens, "token"),
        f"{summary.entities:,} {'entity' if summary.entities == 1 else 'entities'}",
    )
    return f"{summary.path}: {', '.join(sizes)}" + (f", {summary.scheme}" if summary.scheme else "")


def _tell_group(kind: Kind, findings: list[Finding], examples: int) -> None:
    """How many there are of a kind, the first of them, and what to do."""
    from rnner.system.terminal import plain

    style = "bold red" if kind.severity == "error" else "yellow"
    out.print(Text.assemble((kind.severity, style), f" {kind.name} ({len(findings):,}): {kind.title}"))
    for finding in findings[:examples]:
        out.print(Text(plain(f"  {finding.place}: {finding.message}")))
    if len(findings) > examples:
        out.print(Text(f"  and {len(findings) - examples:,} more", style="dim"))
    out.print(Text(f"  → {kind.advice}", style="dim"))


def _tell_fixed(told: dict[str, Any]) -> None:
    for file in told["files"]:
        lines = ", ".join(f"{kind} {count:,}" for kind, count in file["changed"].items())
        notice(f"wrote {file['copy']}; lines changed: {lines or 'none'}")
    left = (_number(told["errors_left"], "error"), _number(told["warnings_left"], "warning"))
    notice(f"left in the {'copy' if len(told['files']) == 1 else 'copies'}: {', '.join(left)}")


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")

"""The output of `rnner evaluate`: its formats, on stdout or in a file."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from rnner.cli.console import Terminal, print_table
from rnner.cli.output_files import check_output_file, write_output
from rnner.errors import UsageError
from rnner.render.json_output import to_json
from rnner.system.terminal import for_data, printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from rnner.scoring.evaluation import Comparison, EvaluationReport
    from rnner.scoring.raw_text import RawTextReport

    Report = EvaluationReport | Comparison | RawTextReport

_FILE_WIDTH = 100  # columns of a table in a file


class ScoreFormat(StrEnum):
    """Output format of scores."""

    table = "table"
    html = "html"
    markdown = "markdown"
    json = "json"
    conlleval = "conlleval"


_BY_SUFFIX = {
    ".html": ScoreFormat.html,
    ".md": ScoreFormat.markdown,
    ".json": ScoreFormat.json,
    ".txt": ScoreFormat.table,
}


def choose_format(form: ScoreFormat | None, output: Path | None) -> ScoreFormat:
    """Return `form`, or the format of the output's suffix; without an output, the default is a table.

    Raises:
        UsageError: the suffix is not that of a format.
    """
    if form is None and output is not None:
        form = _BY_SUFFIX.get(output.suffix.lower())
        if form is None:
            *names, last = _BY_SUFFIX
            raise UsageError(
                f"--output {output}: use a name in {', '.join(names)} or {last}, or give --format"
            )
    return form or ScoreFormat.table


def check_output(output: Path | None, inputs: Iterable[str]) -> None:
    """Check, before any work is done, that the output replaces neither a folder nor an input.

    Raises:
        UsageError: it does.
    """
    check_output_file(output)
    if output is not None and output.exists():
        for name in inputs:
            if Path(name).exists() and output.samefile(name):
                raise UsageError(f"{output}: is an input file; choose another --output")


def write_report(
    report: Report, form: ScoreFormat, output: Path | None, *, name: str, data: str, matches: bool
) -> None:
    """Write a report to a file, or to stdout if `output` is None.

    Args:
        report: the scores.
        form: the format.
        output: the file.
        name: the name of the system, if there is only one.
        data: the name of the annotated data.
        matches: whether to show strict, exact, partial and type matches.

    Raises:
        UsageError: the report does not have this format, or the file cannot be written.
    """
    if form is ScoreFormat.table:
        table = _table(report, matches=matches)
        if output is None:
            print_table(table)
            return
        text = _drawn(table)
    else:
        text = _text(report, form, name=name, data=data, matches=matches)
    if output is None:
        for_data(sys.stdout).write(text)
    else:
        write_output(output, text)


def _table(report: Report, *, matches: bool) -> RenderableType:
    from rnner.render.scores import comparison_table, evaluation_table, raw_text_table
    from rnner.scoring.evaluation import Comparison, EvaluationReport

    if isinstance(report, Comparison):
        return comparison_table(report)
    if isinstance(report, EvaluationReport):
        return evaluation_table(report, matches=matches)
    return raw_text_table(report)


def _drawn(table: RenderableType) -> str:
    """Return a table as plain text."""
    file = io.StringIO()
    Terminal(file=file, width=_FILE_WIDTH, color_system=None, force_terminal=False).print(table)
    return file.getvalue()


def _text(report: Report, form: ScoreFormat, *, name: str, data: str, matches: bool) -> str:
    from rnner.render.report_markdown import report_markdown
    from rnner.render.report_page import report_page
    from rnner.render.scores import conlleval_report
    from rnner.scoring.evaluation import Comparison, EvaluationReport

    if form is ScoreFormat.json:
        return to_json(report.to_dict(), indent=2) + "\n"
    assert isinstance(report, EvaluationReport | Comparison)  # --raw takes table and json only
    if form is ScoreFormat.html:
        return "".join(report_page(name, report, data=data, matches=matches))
    if form is ScoreFormat.markdown:
        return report_markdown(name, report, data=data, matches=matches)
    assert isinstance(report, EvaluationReport)  # of one system only
    if not report.scores.tokens:
        raise UsageError("--format conlleval counts tokens: FILE and predictions must have the same words")
    return printable(conlleval_report(report.scores), keep="\n\t")

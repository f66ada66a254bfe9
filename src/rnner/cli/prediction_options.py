"""Checks of the options of `rnner predict`, before anything slow is imported."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from rnner.cli.options import parse_table_columns
from rnner.errors import UsageError, did_you_mean


class ErrorRule(StrEnum):
    """Rule for records that cannot be read."""

    stop = "stop"
    skip = "skip"
    mark = "mark"


class Backend(StrEnum):
    """Library that runs the model."""

    auto = "auto"
    torch = "torch"
    onnx = "onnx"


class PredictionFormat(StrEnum):
    """Output format."""

    text = "text"
    table = "table"
    html = "html"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    tsv = "tsv"
    conll = "conll"
    binary = "binary"


KINDS = ("text", "lines", "jsonl", "json", "csv", "conll")
"""Kinds of input, in addition to the formats of annotated text."""
TABLES = {PredictionFormat.csv: ",", PredictionFormat.tsv: "\t"}
"""Formats of tables, and the character between their cells."""
_FORMATS_BY_SUFFIX = {".txt": PredictionFormat.text} | {
    f".{name}": PredictionFormat(name) for name in ("html", "json", "jsonl", "csv", "tsv", "conll")
}
_WITH_READINGS = ("text", "table", "json", "jsonl")
_OF_FILES = (PredictionFormat.html, *TABLES)  # they have a head, so they make no sense line by line


def check_texts(texts: Sequence[str], file: Path | None) -> None:
    """Check that there is at most one input, and that the texts are text.

    Raises:
        UsageError: they are not.
    """
    if texts and file is not None:
        raise UsageError("give either TEXT or --file, not both")
    for text in texts:
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise UsageError(f"TEXT {text!r}: not UTF-8; save it in a file and convert the file to UTF-8")


def sample_file(file: Path | None) -> Path | None:
    """Return a file of the sample corpus for `sample:NAME`, and any other path unchanged."""
    if file is None or not str(file).startswith("sample:"):
        return file
    from rnner.data.corpus import resolve  # slow to import

    return resolve(str(file))


def is_prompt(texts: Sequence[str], file: Path | None, output: Path | None) -> bool:
    """Return whether the user types texts at a prompt: there is no other input, and a terminal.

    Raises:
        UsageError: texts would have to be typed, but results would not appear in the terminal.
    """
    if texts or file is not None or not sys.stdin.isatty():
        return False
    if output is None and sys.stdout.isatty():
        return True
    raise UsageError('give a TEXT in quotes, --file FILE, or text on stdin: rnner predict "..."')


def check_kind(texts: Sequence[str], file: Path | None, kind: str | None) -> None:
    """Check that --input names a kind of input, and that it fits the input.

    Raises:
        UsageError: it does not.
    """
    if kind is None:
        return
    if kind not in KINDS and kind not in (known := kinds()):
        expected = f"{did_you_mean(kind, known)}; expected one of: {', '.join(known)}"
        raise UsageError(f"--input {kind}: unknown kind{expected}")
    if texts and kind not in ("text", "lines"):
        raise UsageError(f"--input {kind} reads a file: give it with --file, or on stdin")
    if kind not in KINDS and (file is None or str(file) == "-"):
        raise UsageError(f"--input {kind} reads a file: give it with --file")


def kinds() -> list[str]:
    """Return what --input accepts: kinds of input, then formats of annotated text."""
    from rnner.data.formats.registry import FORMATS  # slow to import

    return [*KINDS, *(name for name in FORMATS if name not in KINDS)]


def complete_kind(incomplete: str) -> list[str]:
    """Return the kinds that begin with what the user has typed."""
    return [name for name in kinds() if name.startswith(incomplete)]


def parse_word_column(
    text: str | None, texts: Sequence[str], kind: str | None
) -> dict[str, int | str] | None:
    """Parse --columns: the column of the words, alone or before that of the tags, which is not read.

    Raises:
        UsageError: it is not valid, or the input has no columns.
    """
    if text is None:
        return None
    if texts or kind in ("text", "lines", "jsonl", "json"):
        raise UsageError("--columns is for files with one word per line, such as --input conll")
    chosen = {"token": int(text)} if re.fullmatch(r"-?\d{1,9}", text) else parse_table_columns(text)
    if chosen is None or "token" not in chosen:
        raise UsageError(f"--columns {text}: expected the column of the words, such as 0 or token=Word")
    return {"token": chosen["token"]}


def check_prompt(form: PredictionFormat, file_options: Sequence[str]) -> None:
    """Check the options of a prompt; `file_options` are the options for files that are given.

    Raises:
        UsageError: an option makes no sense at a prompt.
    """
    if form in _OF_FILES:
        raise UsageError(f"--format {form.value} needs TEXT in quotes, --file FILE, or text on stdin")
    if file_options:
        raise UsageError(f"{file_options[0]} needs --file FILE, or text on stdin")


def format_by_suffix(output: Path | None) -> PredictionFormat | None:
    """Return the format for a file name such as names.jsonl or names.jsonl.gz; None for a device or a pipe.

    Raises:
        UsageError: the suffix is not that of a format.
    """
    if output is None or (output.exists() and not output.is_file()):
        return None
    suffix = Path(output.name.removesuffix(".gz")).suffix.lower()
    if suffix not in _FORMATS_BY_SUFFIX:
        known = ", ".join(_FORMATS_BY_SUFFIX)
        found = f"unknown suffix {suffix}" if suffix else "the name has no suffix"
        raise UsageError(
            f"--output {output}: {found}; use {known} (or one of them with .gz), or give --format"
        )
    return _FORMATS_BY_SUFFIX[suffix]


def choose_format(
    form: PredictionFormat | None, *, nbest: int, scores: bool, terminal: bool
) -> PredictionFormat:
    """Return the format, or the default for None.

    Raises:
        UsageError: the format cannot show what the options ask for.
    """
    if form is None:
        return PredictionFormat.text if terminal or scores else PredictionFormat.table
    if nbest and form.value not in _WITH_READINGS:
        raise UsageError(f"--nbest does not work with --format {form.value}; use text, table, json or jsonl")
    if scores and form.value not in ("text", "html"):
        always = "" if form.value in ("conll", "binary") else f"; {form.value} always has them"
        raise UsageError(f"--scores is for --format text and html{always}")
    return form


def check_on_error(rule: ErrorRule, form: PredictionFormat) -> None:
    """Check that the output can hold what --on-error asks for.

    Raises:
        UsageError: it cannot.
    """
    if rule is ErrorRule.mark and form not in (PredictionFormat.json, PredictionFormat.jsonl):
        raise UsageError(f"--on-error mark needs --format json or jsonl; with {form.value}, use skip")

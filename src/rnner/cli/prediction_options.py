"""Checks of the options of `rnner predict`, before anything slow is imported."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from rnner.errors import UsageError


class InputKind(StrEnum):
    """Kind of input."""

    text = "text"
    lines = "lines"
    jsonl = "jsonl"
    json = "json"
    csv = "csv"
    conll = "conll"
    annotated = "annotated"


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
    conll = "conll"
    binary = "binary"


_FORMATS_BY_SUFFIX = {f".{name}": PredictionFormat(name) for name in ("html", "json", "jsonl", "conll")}
_FORMATS_BY_SUFFIX[".tsv"] = PredictionFormat.conll
_PAGES = (PredictionFormat.html,)  # formats of whole files, which make no sense line by line


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


def check_file_options(
    texts: Sequence[str], file: Path | None, kind: InputKind | None, column: int | None
) -> None:
    """Check that --input and --column fit the input.

    Raises:
        UsageError: they do not.
    """
    if texts and kind not in (None, InputKind.text, InputKind.lines):
        raise UsageError(f"--input {kind.value} reads a file: give it with --file, or on stdin")
    if kind is InputKind.annotated and (file is None or str(file) == "-"):
        raise UsageError("--input annotated reads a file: give it with --file")
    if column is not None and (texts or kind not in (None, InputKind.conll)):
        raise UsageError("--column can be used only with --input conll")


def check_prompt(form: PredictionFormat, file_options: Sequence[str]) -> None:
    """Check the options of a prompt; `file_options` are the options for files that are given.

    Raises:
        UsageError: an option makes no sense at a prompt.
    """
    if form in _PAGES:
        raise UsageError(f"--format {form.value} needs TEXT in quotes, --file FILE, or text on stdin")
    if file_options:
        raise UsageError(f"{file_options[0]} needs --file FILE, or text on stdin")


def format_by_suffix(output: Path | None) -> PredictionFormat | None:
    """Return the format for a file name such as names.jsonl or names.jsonl.gz.

    Raises:
        UsageError: the suffix is that of a format that is not supported.
    """
    suffix = "" if output is None else Path(output.name.removesuffix(".gz")).suffix.lower()
    if suffix == ".csv":
        names = ", ".join(_FORMATS_BY_SUFFIX)
        raise UsageError(f"--output {output}: CSV is not supported; use a name in {names}, or give --format")
    return _FORMATS_BY_SUFFIX.get(suffix)


def choose_format(
    form: PredictionFormat | None, *, nbest: int, scores: bool, terminal: bool
) -> PredictionFormat:
    """Return the format, or the default for None.

    Raises:
        UsageError: the format cannot show what the options ask for.
    """
    if form is None:
        return PredictionFormat.text if terminal or scores else PredictionFormat.table
    if nbest and form.value in ("html", "conll", "binary"):
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

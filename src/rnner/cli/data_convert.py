"""`rnner data convert`: convert annotated text from one format to another."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnner.cli import completion, options
from rnner.cli.console import notice, warn
from rnner.cli.output_files import check_output_file, write_errors
from rnner.cli.progress_display import Activity
from rnner.errors import UsageError, counted, did_you_mean, first_of
from rnner.tags import UNKNOWN

if TYPE_CHECKING:
    from rnner.workbench.convert import ConversionSummary


class TagScheme(StrEnum):
    """Scheme of the tags that are written."""

    iob1 = "iob1"
    iob2 = "iob2"
    bioes = "bioes"
    binary = "binary"


class AlignRule(StrEnum):
    """Rule for spans that cut a token."""

    strict = "strict"
    expand = "expand"
    contract = "contract"


class OverlapRule(StrEnum):
    """Rule for spans that share a token."""

    error = "error"
    longest = "longest"
    first = "first"


class IllegalTagRule(StrEnum):
    """Rule for tags that fit no scheme."""

    error = "error"
    conlleval = "conlleval"


_TO_HELP = "Format to write. [default: by the suffix of OUT: .conll, .conllu, .csv, .parquet or .spacy]"
_ILLEGAL_TAGS_HELP = (
    "Tags of FILE that fit no scheme: error rejects them, conlleval reads them as that script does."
)
_SCHEME_HELP = "Tagging scheme to write: iob1, iob2, bioes or binary. [default: iob2]"
_ALIGN_HELP = """\
Spans that cut a token: strict rejects them, expand extends them to the whole token, contract excludes the
token. [default: strict]"""
_OVERLAPS_HELP = """\
Spans that share a token: error rejects them, longest and first keep one. [default: error]"""


def convert(
    file: options.AnnotatedFile,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="File to write; for a data set, *.parquet or a new folder; for brat, a new folder.",
            rich_help_panel=options.OUTPUT,
        ),
    ],
    form: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="FORMAT",
            help="Format of FILE. [default: detected]",
            autocompletion=completion.input_formats,
            rich_help_panel=options.INPUT,
        ),
    ] = None,
    columns: options.TableColumns = None,
    unknown: options.UnknownMark = UNKNOWN,
    names: Annotated[
        str | None,
        typer.Option(
            metavar="N=NAME,...",
            help="Names of numeric labels in FILE: 1=PER,2=ORG.",
            rich_help_panel=options.INPUT,
        ),
    ] = None,
    illegal: Annotated[
        IllegalTagRule,
        typer.Option(
            "--illegal-tags", metavar="RULE", help=_ILLEGAL_TAGS_HELP, rich_help_panel=options.INPUT
        ),
    ] = IllegalTagRule.error,
    to: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help=_TO_HELP,
            autocompletion=completion.output_formats,
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    scheme: Annotated[
        TagScheme | None,
        typer.Option(metavar="NAME", help=_SCHEME_HELP, rich_help_panel=options.OUTPUT),
    ] = None,
    align: Annotated[
        AlignRule | None,
        typer.Option(metavar="RULE", help=_ALIGN_HELP, rich_help_panel=options.OUTPUT),
    ] = None,
    overlaps: Annotated[
        OverlapRule | None,
        typer.Option(metavar="RULE", help=_OVERLAPS_HELP, rich_help_panel=options.OUTPUT),
    ] = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Convert annotated text from one format to another.

    Token formats: conll (one word and its tag per line), csv (with a header), conllu (NER= in MISC),
    conll2012 (entities in brackets), hipe (HIPE-2022), inline (word/TAG), tokens (JSONL with tokens and
    tags), dataset (a data set of the library `datasets`: a folder, a Parquet file, or a repository on the
    Hugging Face Hub, of which only data files are read).

    Text formats, with character spans: jsonl and csv-entities (as `rnner predict` writes them), prodigy and
    doccano (JSONL), labelstudio (JSON, CSV), webanno (WebAnno TSV 3), brat (a folder), spacy (.spacy),
    spacy-json. Text without tokens is tokenized as in `rnner predict`. Everything that cannot be converted
    is reported.

    Examples:
        rnner data convert sample:dev --output dev.csv
        rnner data convert dev.csv --output dev.jsonl --format prodigy
        rnner data convert dev.jsonl --output dev.conll --scheme bioes
    """
    from rnner.data.corpus import resolve
    from rnner.data.formats.annotated import SourceFile
    from rnner.data.formats.detect import detect_format
    from rnner.data.formats.registry import FORMATS, TEXT_FORMATS, WRITABLE
    from rnner.workbench.convert import convert as write

    if to is None:
        to = _format_of_suffix(output)
    _check_format("--format", to, WRITABLE)
    if form is not None:
        _check_format("--input", form, FORMATS)
    path = resolve(file)
    detected = detect_format(path) if form is None else form
    if columns is not None and not FORMATS[detected].has_columns:
        tables = ", ".join(name for name, known in FORMATS.items() if known.has_columns and name != "conll")
        raise UsageError(f"--columns is for column files and {tables}, but {path} is {detected}")
    given = {"scheme": scheme, "align": align, "overlaps": overlaps}
    rules: dict[str, Any] = {name: rule.value for name, rule in given.items() if rule is not None}
    if rules and to in TEXT_FORMATS:
        raise UsageError(f"--{next(iter(rules))} is for token formats, not --format {to}")
    if output.exists() and path.exists() and output.samefile(path):
        raise UsageError(f"{output}: is the input file; choose another --output")
    if to in ("brat", "dataset") and output.is_dir():
        kinds = "a new folder" if to == "brat" else "a .parquet file or a new folder"
        raise UsageError(f"{output} already exists; --output must be {kinds}")
    check_output_file(output, overwrite)
    source = SourceFile(
        path,
        options.parse_table_columns(columns),
        {} if names is None else _parse_names(names),
        unknown=unknown,
    )
    with write_errors(output), Activity(f"converting {file}"):
        converted = write(source, output, form=detected, to=to, illegal=illegal.value, **rules)
    _report(converted, detected, output)


def _format_of_suffix(output: Path) -> str:
    """Return the only format whose files have the suffix of `output`.

    Raises:
        UsageError: several formats have this suffix, or none.
    """
    from rnner.data.formats.registry import WRITABLE, formats_with_suffix

    match formats_with_suffix(output.suffix):
        case [only]:
            return only
        case []:
            raise UsageError(f"{output}: no format has this suffix; add --format: {', '.join(WRITABLE)}")
        case several:
            raise UsageError(
                f"{output}: several formats have the suffix {output.suffix}; add --format: "
                f"{', '.join(several)}"
            )


def _check_format(option: str, name: str, formats: Collection[str]) -> None:
    if name not in formats:
        known = ", ".join(formats)
        raise UsageError(
            f"{option} {name}: unknown format{did_you_mean(name, formats)}; expected one of: {known}"
        )


def _parse_names(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(number.strip().isdecimal() and name for number, _, name in pairs):
        raise UsageError(f"--names {text}: expected numbers and names, such as 1=PER,2=ORG")
    return {number.strip(): name for number, _, name in pairs}


def _report(converted: ConversionSummary, form: str, out: Path) -> None:
    for line in first_of(converted.changed):
        notice(line)
    for note in converted.notes:
        warn(note)
    sizes = [counted(count, unit) for unit, count in converted.sizes.items() if count]
    types = ", ".join(f"{label} {count:,}" for label, count in converted.entities.most_common())
    entities = counted(converted.entities.total(), "entity", "entities")
    sizes.append(entities + (f" ({types})" if types else ""))
    notice(f"wrote {out} (read as {form}): {', '.join(sizes)}")

"""`rnner data convert`: annotated text from one format to another, every span where it was."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnner.cli.console import notice, warn
from rnner.cli.options import Columns, chosen_columns
from rnner.errors import UsageError

if TYPE_CHECKING:
    from rnner.workbench.convert import Converted


class Format(str, Enum):
    """Formats of annotated text; those after `dataset` are text with spans of characters."""

    columns = "columns"
    conllu = "conllu"
    tokens = "tokens"
    dataset = "dataset"
    prodigy = "prodigy"
    doccano = "doccano"
    labelstudio = "labelstudio"


class Scheme(str, Enum):
    """Schemes that tags can be written in."""

    iob1 = "iob1"
    iob2 = "iob2"
    bioes = "bioes"
    binary = "binary"


class Align(str, Enum):
    """What is done about spans that cut a token."""

    strict = "strict"
    expand = "expand"
    contract = "contract"


class Overlaps(str, Enum):
    """What is done about spans that share a token."""

    error = "error"
    longest = "longest"
    first = "first"


class Illegal(str, Enum):
    """What is done about tags that obey no scheme."""

    error = "error"
    conlleval = "conlleval"


def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="IN", help="File, folder of a saved data set, hf:owner/name:split, or sample:train."
        ),
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="File; for a data set *.parquet or a new folder.")
    ],
    to: Annotated[Format, typer.Option("--to", metavar="FORMAT", help="Format of OUT.")],
    form: Annotated[
        Format | None, typer.Option("--from", metavar="FORMAT", help="Format of IN. [default: found]")
    ] = None,
    columns: Columns = None,
    names: Annotated[
        str | None,
        typer.Option(
            "--names", metavar="N=NAME,...", help="Labels or tags that IN has as numbers: 1=PER,2=ORG."
        ),
    ] = None,
    illegal: Annotated[
        Illegal,
        typer.Option(
            "--illegal-tags", metavar="RULE", help="Tags of IN that obey no scheme: error, conlleval."
        ),
    ] = Illegal.error,
    scheme: Annotated[
        Scheme | None,
        typer.Option(
            "--scheme", metavar="NAME", help="Tags of OUT: iob1, iob2, bioes, binary. [default: iob2]"
        ),
    ] = None,
    align: Annotated[
        Align | None,
        typer.Option(
            "--align",
            metavar="RULE",
            help="Spans that cut a token: strict refuses them, expand takes all of it, contract none of it. "
            "[default: strict]",
        ),
    ] = None,
    overlaps: Annotated[
        Overlaps | None,
        typer.Option(
            "--overlaps",
            metavar="RULE",
            help="Spans that share a token: error refuses them, longest and first keep one. [default: error]",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file OUT.")] = False,
) -> None:
    """Convert annotated text from one format to another.

    Formats of tokens: columns (word and tag on each line), conllu (NER= in MISC), tokens (JSONL with tokens
    and tags), dataset (of the library `datasets`: a folder, Parquet, or on the Hugging Face Hub, where only
    data files are read). Formats of text with spans of characters: prodigy and doccano (JSONL), labelstudio
    (JSON). Text becomes tokens as `rnner predict` finds them, unless IN has its own. All that does not fit is
    listed.
    """
    from rnner.data.corpus import resolve
    from rnner.data.formats.annotated import SourceFile
    from rnner.data.formats.detect import detect_format
    from rnner.data.formats.registry import TEXT
    from rnner.workbench.convert import convert as write

    path = resolve(source)
    found = form.value if form is not None else detect_format(path)
    _refuse(
        columns is not None and found != "columns", f"--columns is for column files, and {path} is {found}"
    )
    for name, value in (("scheme", scheme), ("align", align), ("overlaps", overlaps)):
        _refuse(
            value is not None and to.value in TEXT, f"--{name} is for formats of tokens, not --to {to.value}"
        )
    _check_free(out, path, overwrite)
    numbered = {} if names is None else _names(names)
    read = SourceFile(path, chosen_columns(columns), numbered)
    try:
        done = write(
            read,
            out,
            form=found,
            to=to.value,
            scheme=scheme.value if scheme else "iob2",
            align=align.value if align else "strict",
            overlaps=overlaps.value if overlaps else "error",
            illegal=illegal.value,
        )
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror or error}") from None
    _tell(done, found, out)


def _tell(done: Converted, form: str, out: Path) -> None:
    for line in done.changed:
        notice(line)
    for note in done.notes:
        warn(note)
    told = [f"{count:,} {what}{'s' if count != 1 else ''}" for what, count in done.sizes.items() if count]
    entities = done.entities.total()
    types = ", ".join(f"{label} {count:,}" for label, count in done.entities.most_common())
    told.append(f"{entities:,} entit{'ies' if entities != 1 else 'y'}" + (f" ({types})" if types else ""))
    notice(f"wrote {out} (read as {form}): {', '.join(told)}")


def _check_free(out: Path, source: Path, overwrite: bool) -> None:
    if out.is_dir():
        raise UsageError(f"{out}: is a folder; OUT is a file, or a folder that is not there yet")
    if out.exists() and source.exists() and out.samefile(source):
        raise UsageError(f"{out}: is the file that is read; choose another OUT")
    if out.exists() and not overwrite:
        raise UsageError(f"{out}: is there already; --overwrite replaces it, or choose another OUT")


def _names(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(number.strip().isdecimal() and name for number, _, name in pairs):
        raise UsageError(f"--names {text}: numbers and names are wanted, such as 1=PER,2=ORG")
    return {number.strip(): name for number, _, name in pairs}


def _refuse(when: bool, message: str) -> None:
    if when:
        raise UsageError(message)

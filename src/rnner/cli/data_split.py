"""`rnner data split`: one annotated file into train, dev and test."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnner.cli.console import notice, warn
from rnner.cli.data_stats import Form, Format, tell, warn_of_file
from rnner.cli.options import Columns, chosen_columns, require_column_file
from rnner.errors import UsageError

if TYPE_CHECKING:
    from rnner.data.lines import Ends
    from rnner.data.splits import Split
    from rnner.workbench.statistics import Statistics

PARTS = ("train", "dev", "test")
_NAMES = {"\n": "LF", "\r\n": "CR LF"}


class Unit(str, Enum):
    """What is never cut."""

    document = "document"
    sentence = "sentence"


def split(
    corpus: Annotated[str, typer.Argument(metavar="CORPUS", help="Column file with tags, or sample:train.")],
    output: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where train, dev and test are written.")],
    shares: Annotated[
        str,
        typer.Option(
            "--shares",
            metavar="TRAIN,DEV,TEST",
            help="Per cent of each; 0 leaves one out: 90,10,0.",
        ),
    ] = "80,10,10",
    by: Annotated[
        Unit | None,
        typer.Option(
            "--by",
            metavar="UNIT",
            help="What stays whole: document or sentence. [default: documents, if the file marks enough]",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Decides what goes where.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of these names.")] = False,
    form: Form = Format.table,
    columns: Columns = None,
) -> None:
    """Cut an annotated file into train, dev and test.

    Whole documents where the file marks them (-DOCSTART- or # newdoc), else sentences, those of the same
    words together, so that no part holds a sentence of another. Each part gets its share of the sentences and
    of the entities of every type. Lines stay as they are, in their order. What each part holds is told as
    `rnner data stats` tells it.
    """
    from rnner.data.corpus import read_split, resolve
    from rnner.data.lines import line_ends
    from rnner.workbench.partition import cut, partition
    from rnner.workbench.statistics import describe

    wanted = _shares(shares)
    source = resolve(corpus)
    require_column_file(source, columns)
    files = _files(source, output, wanted, overwrite)
    chosen = chosen_columns(columns)
    whole = read_split(source, columns=chosen, illegal="conlleval")
    warn_of_file(whole)
    found = partition(
        whole, list(wanted.values()), seed=seed, by_document=None if by is None else by is Unit.document
    )
    ends = line_ends(source)
    if ends.mixed:
        warn(f"{source}: some lines end in CR LF, others in LF; all end in {_NAMES[ends.newline]} now")
    _write(files, cut(source, found.parts, columns=chosen), ends)
    parts = [
        replace(whole.select(sentences), name=name, path=files[name])
        for name, sentences in zip(wanted, found.parts, strict=True)
    ]
    figures = describe(parts)
    tell(figures, form)
    units = "documents" if found.by_document else "different sentences"
    notice(f"{found.units:,} {units}, seed {seed}; wrote " + ", ".join(_told(parts, len(whole))))
    _warn_of_missing(dict(zip(wanted, figures, strict=True)))


def _shares(text: str) -> dict[str, float]:
    """The share of each part that is wanted, of 1."""
    try:
        shares = [float(part) for part in text.split(",")]
    except ValueError:
        shares = []
    valid = len(shares) == len(PARTS) and all(0 <= share <= 100 for share in shares)
    if not valid or not math.isclose(sum(shares), 100) or not shares[0] or max(shares) == 100:
        raise UsageError(
            f"--shares {text}: the per cent of train, dev and test are wanted, 100 together, such as "
            "80,10,10; dev or test may be 0"
        )
    return {name: share / 100 for name, share in zip(PARTS, shares, strict=True) if share}


def _files(source: Path, folder: Path, wanted: Mapping[str, float], overwrite: bool) -> dict[str, Path]:
    """The file of each part; raises UsageError if something would be lost, or stay and be taken for new."""
    files = {name: folder / f"{name}{source.suffix}" for name in PARTS}
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file; give a folder for the parts")
    there = [(name, path) for name, path in files.items() if path.exists()]
    for name, path in there:
        if path.samefile(source):
            raise UsageError(f"{path}: is the corpus itself and would be lost; choose another folder")
        if name not in wanted:
            raise UsageError(f"{path}: is there already, and is no part of this split: remove it")
    if there and not overwrite:
        raise UsageError(
            f"{there[0][1]}: is there already; --overwrite replaces it, or choose another folder"
        )
    return {name: files[name] for name in wanted}


def _write(files: Mapping[str, Path], lines: Sequence[Sequence[str]], ends: Ends) -> None:
    """Write all parts, or none: only when the last is complete do they get their names."""
    partial = {path: path.with_name(path.name + ".partial") for path in files.values()}
    try:
        for path, own in zip(partial.values(), lines, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            text = ends.mark + "".join(f"{line}{ends.newline}" for line in own)
            path.write_text(text, encoding="utf-8", newline="")
        for path, written in partial.items():
            written.replace(path)
    except OSError as error:
        for written in partial.values():
            written.unlink(missing_ok=True)
        raise UsageError(f"{error.filename}: cannot be written: {error.strerror}") from None


def _told(parts: Sequence[Split], sentences: int) -> list[str]:
    return [f"{part.path} ({len(part) / sentences:.1%} of the sentences)" for part in parts]


def _warn_of_missing(parts: Mapping[str, Statistics]) -> None:
    """Say which labels a part has no entity of."""
    labels = sorted({label for part in parts.values() for label in part.per_type})
    for name, part in parts.items():
        if missing := [label for label in labels if label not in part.per_type]:
            warn(f"{name} has no entity of {', '.join(missing)}: there are too few of them")

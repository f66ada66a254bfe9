"""`rnner data split`: split an annotated file into train, dev and test."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnner.cli import options
from rnner.cli.console import notice, warn
from rnner.cli.data_stats import print_statistics, warn_about_split
from rnner.cli.options import TableOrJson
from rnner.cli.output_files import check_output_file
from rnner.errors import UsageError
from rnner.system.files import atomic_replace

if TYPE_CHECKING:
    from rnner.data.lines import LineEnds
    from rnner.workbench.statistics import Statistics

_PARTS = ("train", "dev", "test")
_LINE_ENDS = {"\n": "LF", "\r\n": "CRLF"}


def split(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Annotated column file, or sample:train.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder for the parts: train, dev and test.",
            rich_help_panel=options.OUTPUT,
        ),
    ],
    shares: Annotated[
        str, typer.Option(metavar="TRAIN,DEV,TEST", help="Percentages; 0 leaves out a part, as in 90,10,0.")
    ] = "80,10,10",
    by: options.ByUnit = None,
    seed: options.Seed = 0,
    overwrite: options.Overwrite = False,
    form: options.OutputFormat = TableOrJson.table,
    columns: options.Columns = None,
) -> None:
    """Split an annotated file into train, dev and test.

    Documents stay whole if the file marks them (-DOCSTART- or # newdoc). Otherwise sentences are distributed,
    and sentences with the same words stay together, so that no part repeats a sentence of another. Each part
    gets its share of the sentences and of the entities of every type. Lines keep their content and order.
    The statistics of the parts are printed as in `rnner data stats`.
    """
    from rnner.data.corpus import read_split, resolve
    from rnner.data.lines import line_ends
    from rnner.workbench.partition import partition, split_lines
    from rnner.workbench.statistics import describe

    fractions = _parse_shares(shares)
    source = resolve(file)
    options.require_column_file(source, columns)
    files = _output_files(source, output, fractions, overwrite)
    chosen = options.parse_columns(columns)
    whole = read_split(source, columns=chosen, illegal="conlleval")
    warn_about_split(whole)
    by_document = None if by is None else by is options.SplitUnit.document
    parts = partition(whole, list(fractions.values()), seed=seed, by_document=by_document)
    ends = line_ends(source)
    if ends.mixed:
        newline = _LINE_ENDS[ends.newline]
        warn(f"{source}: mixes CRLF and LF line endings; the parts use {newline} only")
    _write(files, split_lines(source, parts.parts, columns=chosen), ends)
    splits = [
        replace(whole.select(sentences), name=name, path=files[name])
        for name, sentences in zip(fractions, parts.parts, strict=True)
    ]
    statistics = describe(splits)
    print_statistics(statistics, form)
    units = "documents" if parts.by_document else "different sentences"
    written = [f"{part.path} ({len(part) / len(whole):.1%} of the sentences)" for part in splits]
    notice(f"{parts.units:,} {units}, seed {seed}; wrote {', '.join(written)}")
    _warn_about_missing_labels(dict(zip(fractions, statistics, strict=True)))


def _parse_shares(text: str) -> dict[str, float]:
    """Return the share of each part that is not empty, as a fraction."""
    try:
        shares = [float(part) for part in text.split(",")]
    except ValueError:
        shares = []
    valid = len(shares) == len(_PARTS) and all(0 <= share <= 100 for share in shares)
    if not valid or not math.isclose(sum(shares), 100) or not shares[0] or max(shares) == 100:
        raise UsageError(
            f"--shares {text}: expected the percentages of train, dev and test, which add up to 100, such as "
            "80,10,10; dev or test may be 0"
        )
    return {name: share / 100 for name, share in zip(_PARTS, shares, strict=True) if share}


def _output_files(
    source: Path, folder: Path, fractions: Mapping[str, float], overwrite: bool
) -> dict[str, Path]:
    """Return the file of each part.

    Raises:
        UsageError: a file would be lost, or an old part would be left beside the new ones.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file; --output takes a folder")
    files = {name: folder / f"{name}{source.suffix}" for name in _PARTS}
    for name, path in files.items():
        if path.exists() and path.samefile(source):
            raise UsageError(
                f"{path}: is the corpus itself and would be overwritten; choose another --output"
            )
        if path.exists() and name not in fractions:
            raise UsageError(f"{path} already exists, and is not part of this split; remove it")
    for path in files.values():
        check_output_file(path, overwrite)
    return {name: files[name] for name in fractions}


def _write(files: Mapping[str, Path], lines: Sequence[Sequence[str]], ends: LineEnds) -> None:
    """Write all parts or none."""
    try:
        with ExitStack() as stack:
            for path, own in zip(files.values(), lines, strict=True):
                path.parent.mkdir(parents=True, exist_ok=True)
                text = ends.mark + "".join(f"{line}{ends.newline}" for line in own)
                stack.enter_context(atomic_replace(path)).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot be written: {error.strerror}") from None


def _warn_about_missing_labels(parts: Mapping[str, Statistics]) -> None:
    labels = sorted({label for part in parts.values() for label in part.per_type})
    for name, part in parts.items():
        if missing := [label for label in labels if label not in part.per_type]:
            warn(f"{name} has no entity labelled {', '.join(missing)}: the corpus has too few of them")

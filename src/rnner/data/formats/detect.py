"""Detection of a file's format from its first kilobytes."""

from __future__ import annotations

import os
import re
from pathlib import Path

from rnner.data.formats import dataset
from rnner.data.formats import dataset_hub as hub
from rnner.data.formats.annotated import SourceFile
from rnner.data.formats.head import read_head
from rnner.data.formats.json_records import Record, read_records, shorten
from rnner.data.formats.registry import FORMATS
from rnner.data.lines import no_such_file
from rnner.errors import DataError

_JSON = re.compile(r'\s*(?:\[\s*)?\{\s*(?:"[^"\t\n]*"\s*:|\})')


def detect_format(path: Path) -> str:
    """Return the format of a file: one of `registry.FORMATS`.

    A path that is not a regular file (a pipe) cannot be read twice, and is assumed to be a column file.

    Raises DataError if the path does not exist, is a folder without a data set, or holds JSON
    of an unknown format.
    """
    if hub.is_name(path):
        return "dataset"
    if not os.path.exists(path):
        raise DataError(no_such_file(path), path)
    if path.is_dir():
        if dataset.is_saved_dataset(path):
            return "dataset"
        raise DataError("this is a folder; give a file, or a folder saved by the library `datasets`", path)
    head = read_head(path)
    if _JSON.match(head.text):
        first = next(read_records(SourceFile(path)), None)
        return "columns" if first is None else _json_format(first)
    found = (name for name, form in FORMATS.items() if form.detect is not None and form.detect(head))
    return next(found, "columns")


def format_of(source: SourceFile) -> str:
    """Return the format of a source. If its columns are chosen, it is a table, and by default a column file.

    Raises DataError as `detect_format` does.
    """
    form = detect_format(source.path)
    return form if source.columns is None or FORMATS[form].has_columns else "columns"


def _json_format(record: Record) -> str:
    """Return the format of a JSON record."""
    for name, form in FORMATS.items():
        if form.matches is not None and form.matches(record):
            return name
    *most, last = [form.json_keys for form in FORMATS.values() if form.json_keys]
    known = f"{', '.join(most)}, or {last}"
    raise record.error(f"expected records with {known}; this one has {shorten(sorted(record.value))}")

"""Detection of a file's format from its first kilobytes."""

from __future__ import annotations

import os
import re
from itertools import islice
from pathlib import Path

from rnner.data.formats import dataset_hub as hub
from rnner.data.formats.annotated import SourceFile
from rnner.data.formats.head import read_head
from rnner.data.formats.json_records import quoted, read_records
from rnner.data.formats.registry import FORMATS
from rnner.data.lines import no_such_file
from rnner.errors import DataError

_MOST_RECORDS = 100
_FOLDERS = "give a file, a brat folder (*.txt and *.ann), or a folder saved by the library `datasets`"
_JSON = re.compile(r'\s*(?:\[\s*){0,2}\{\s*(?:"[^"\t\n]*"\s*:|\})')


def detect_format(path: Path) -> str:
    """Return the format of a file or folder: one of `registry.FORMATS`.

    A path that is not a regular file (a pipe) cannot be read twice, and is assumed to be a column file.

    Raises DataError if the path does not exist, is a folder of other files, or holds unknown JSON.
    """
    if hub.is_name(path):
        return "dataset"
    if not os.path.exists(path):
        raise DataError(no_such_file(path), path)
    head = read_head(path)
    if _JSON.match(head.text):
        return _json_format(SourceFile(path))
    found = next((name for name, form in FORMATS.items() if form.detect and form.detect(head)), None)
    if found is None and path.is_dir():
        raise DataError("this is a folder; " + _FOLDERS, path)
    return found or "conll"


def format_of(source: SourceFile) -> str:
    """Return the detected format of a source, or `conll` if columns are given and it does not use them.

    Raises DataError as `detect_format` does.
    """
    form = detect_format(source.path)
    return form if source.columns is None or FORMATS[form].has_columns else "conll"


def _json_format(source: SourceFile) -> str:
    """Return the format of the first JSON record that fits one; records before it may have no labels."""
    first = None
    for record in islice(read_records(source), _MOST_RECORDS):
        for name, form in FORMATS.items():
            if form.matches is not None and form.matches(record):
                return name
        first = first or record
    if first is None:
        return "conll"
    *most, last = [form.json_keys for form in FORMATS.values() if form.json_keys]
    known = f"{', '.join(most)}, or {last}"
    raise first.error(f"expected records with {known}; the keys of this one are {quoted(first.value)}")

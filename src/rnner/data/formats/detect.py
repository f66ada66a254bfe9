"""Detection of a file's format from its first kilobytes."""

from __future__ import annotations

import os
import re
from itertools import islice
from pathlib import Path

from rnner.data.formats import dataset
from rnner.data.formats import dataset_hub as hub
from rnner.data.formats.annotated import SourceFile
from rnner.data.formats.column_layout import DOCUMENT_MARK, is_blank
from rnner.data.formats.conllu import looks_like_conllu
from rnner.data.formats.json_records import Record, read_records, shorten
from rnner.data.formats.registry import FORMATS
from rnner.data.lines import no_such_file
from rnner.errors import DataError

_HEAD_BYTES = 1 << 16
_MOST_ROWS = 200
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
    head = _read_head(path)
    if head.startswith(b"PAR1"):
        return "dataset"
    text = head.decode(errors="replace").removeprefix("\ufeff")
    if _JSON.match(text):
        first = next(read_records(SourceFile(path)), None)
        return "columns" if first is None else _json_format(first)
    return "conllu" if looks_like_conllu(_rows(text)) else "columns"


def _read_head(path: Path) -> bytes:
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError:
        return b""  # the reader of the file will report the reason


def _rows(text: str) -> list[str]:
    """Return the first rows. The last line may be cut off, so it is left out unless it is the only one."""
    lines = text.replace("\r\n", "\n").split("\n")
    lines = lines[:-1] or lines
    rows = (
        line for line in lines if not (is_blank(line) or line[0] == "#" or line.startswith(DOCUMENT_MARK))
    )
    return list(islice(rows, _MOST_ROWS))


def _json_format(record: Record) -> str:
    """Return the format of a JSON record."""
    for name, form in FORMATS.items():
        if form.matches is not None and form.matches(record):
            return name
    *most, last = [form.json_keys for form in FORMATS.values() if form.json_keys]
    known = f"{', '.join(most)}, or {last}"
    raise record.error(f"expected records with {known}; this one has {shorten(sorted(record.value))}")

"""Which format a file has, from its first kilobytes."""

from __future__ import annotations

import os
import re
from itertools import islice
from pathlib import Path

from rnner.data.formats import conllu, dataset, doccano, tokens
from rnner.data.formats import dataset_hub as hub
from rnner.data.formats.annotated import SourceFile
from rnner.data.formats.column_layout import DOCUMENT_MARK, is_blank
from rnner.data.formats.json_records import Record, read_records, shown
from rnner.data.lines import no_such_file
from rnner.errors import DataError

_HEAD = 1 << 16  # bytes looked at
_ROWS = 200
_JSON = re.compile(r'\s*(?:\[\s*)?\{\s*(?:"[^"\t\n]*"\s*:|\})')


def detect_format(path: Path) -> str:
    """`columns`, `conllu`, `tokens`, `prodigy`, `doccano`, `labelstudio` or `dataset`.

    What is no regular file (a pipe) could not be read twice, and is taken for a column file.

    Raises DataError for a path that is not there, a folder without a data set, and JSON of no known shape.
    """
    if hub.is_name(path):
        return "dataset"
    if not os.path.exists(path):
        raise DataError(no_such_file(path), path)
    if path.is_dir():
        if dataset.is_folder(path):
            return "dataset"
        raise DataError("this is a folder; give a file, or a folder that `datasets` has saved", path)
    head = _head(path)
    if head.startswith(b"PAR1"):
        return "dataset"
    text = head.decode(errors="replace").removeprefix("\ufeff")
    if _JSON.match(text):
        first = next(read_records(SourceFile(path)), None)
        return "columns" if first is None else _shape(first)
    return "conllu" if conllu.looks_like(_rows(text)) else "columns"


def _head(path: Path) -> bytes:
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError:
        return b""  # who reads it will say why it cannot be read


def _rows(text: str) -> list[str]:
    """The first rows; the last line may have been cut off, unless there are few."""
    lines = text.replace("\r\n", "\n").split("\n")
    lines = lines[:-1] or lines
    rows = (
        line for line in lines if not (is_blank(line) or line[0] == "#" or line.startswith(DOCUMENT_MARK))
    )
    return list(islice(rows, _ROWS))


def _shape(record: Record) -> str:
    """The format that a record is of, by its keys."""
    keys = set(record.value)
    if isinstance(record.value.get("data"), dict):
        return "labelstudio"
    words = next((record.value[key] for key in tokens.WORDS if key in keys), None)
    of_words = isinstance(words, list) and not any(isinstance(word, dict) for word in words)
    if of_words and keys & set(tokens.TAGS):
        return "tokens"
    if "text" in keys and keys & {"spans", "answer"}:
        return "prodigy"
    if keys & {"text", "data"} and keys & {*doccano.TRIPLES, *doccano.OBJECTS}:
        return "doccano"
    known = "tokens and tags, text and spans (Prodigy), text and label or entities (doccano), or data and "
    raise record.error(f"records have {known}annotations (Label Studio); this one has {shown(sorted(keys))}")

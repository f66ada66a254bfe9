"""Data sets of the library `datasets`: a saved folder, a Parquet file, or a name on the Hub (dataset_hub.py).

A row is a sentence: `tokens`, and `ner_tags` as strings or as numbers with names (ClassLabel); tokens.py
lists other column names. Data sets are read with Arrow; their code is never run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnner.data.formats import dataset_hub as hub
from rnner.data.formats.annotated import SourceFile, TaggedSentence
from rnner.data.formats.head import Head
from rnner.data.formats.json_records import Record
from rnner.data.formats.tokens import DOCUMENT, TAGS, WORDS, sentences_of
from rnner.data.token_table import NO_DOCUMENT
from rnner.tags import label_of, tag_inventory

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

    _Batches = Iterator[pa.Table | pa.RecordBatch]

_BATCH_SIZE = 1024  # rows read at a time


def read(source: SourceFile) -> Iterator[TaggedSentence]:
    """Yield the sentences; rows without words are skipped, with a note.

    Raises DataError with the row (from 1) if words and tags differ in number, and if the data set cannot be
    read or has no columns for words and tags.
    """
    import pyarrow as pa

    try:
        schema, batches = _open(source)
        yield from sentences_of(source, _records(source, batches, _class_names(schema)))
    except (pa.ArrowException, OSError, LookupError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise source.error(f"the data set cannot be read: {reason}") from None


def write(sentences: Sequence[TaggedSentence], path: Path, scheme: str, *, parquet: bool) -> None:
    """Write a Parquet file, or the folder of a saved data set, with the tags (of `scheme`) as ClassLabel."""
    import datasets

    datasets.disable_progress_bars()
    labels = {label_of(tag) for tag in {tag for sentence in sentences for tag in sentence.tags}}
    names = tag_inventory([label for label in labels if label is not None], scheme)
    ids = {name: number for number, name in enumerate(names)}
    features = {
        "tokens": datasets.Sequence(datasets.Value("string")),
        "ner_tags": datasets.Sequence(datasets.ClassLabel(names=names)),
    }
    columns: dict[str, list[Any]] = {
        "tokens": [sentence.words for sentence in sentences],
        "ner_tags": [[ids[tag] for tag in sentence.tags] for sentence in sentences],
    }
    if any(sentence.document != NO_DOCUMENT for sentence in sentences):
        features[DOCUMENT] = datasets.Value("int32")
        columns[DOCUMENT] = [None if s.document == NO_DOCUMENT else s.document for s in sentences]
    table = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    if parquet:
        table.to_parquet(path)
    else:
        table.save_to_disk(path)


def detect(head: Head) -> bool:
    """Return whether a path is a Parquet file, or a folder written by `save_to_disk`."""
    if head.path.is_dir():
        return any((head.path / name).is_file() for name in ("state.json", "dataset_dict.json"))
    return head.data.startswith(b"PAR1")


def _open(source: SourceFile) -> tuple[pa.Schema, _Batches]:
    """Return the schema of a data set and its rows in batches."""
    if not hub.is_name(source.path) and not source.path.is_dir():
        from pyarrow.parquet import ParquetFile

        file = ParquetFile(source.path)
        columns = _needed_columns(source, file.schema_arrow.names)
        return file.schema_arrow, file.iter_batches(_BATCH_SIZE, columns=columns)
    found = hub.load(source) if hub.is_name(source.path) else _load_folder(source)
    chosen = found.select_columns(_needed_columns(source, found.column_names))
    return found.features.arrow_schema, chosen.with_format("arrow").iter(_BATCH_SIZE)


def _load_folder(source: SourceFile) -> Dataset:
    import datasets

    found = datasets.load_from_disk(str(source.path))
    if not isinstance(found, datasets.Dataset):
        splits = ", ".join(str(source.path / name) for name in found)
        raise source.error(f"the data set has several splits; give one of them: {splits}")
    return found


def _needed_columns(source: SourceFile, names: Sequence[str]) -> list[str]:
    """Return the columns to read. The rest are not read, because they may be large."""
    for alternatives in (WORDS, TAGS):
        if not set(alternatives) & set(names):
            raise source.error(f"no column {' or '.join(alternatives)}; the columns are {', '.join(names)}")
    return [name for name in names if name in (*WORDS, *TAGS, DOCUMENT)]


def _class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """Return the class names of each tag column that has them (ClassLabel)."""
    import datasets

    features = datasets.Features.from_arrow_schema(schema)
    kinds = {key: getattr(features[key], "feature", None) for key in TAGS if key in features}
    return {key: kind.names for key, kind in kinds.items() if isinstance(kind, datasets.ClassLabel)}


def _records(
    source: SourceFile, batches: _Batches, class_names: Mapping[str, Sequence[str]]
) -> Iterator[Record]:
    """Yield the rows with named tags; a number without a name stays a number."""
    rows = (row for batch in batches for row in batch.to_pylist())
    for number, row in enumerate(rows, 1):
        for key, names in class_names.items():
            known = range(len(names))
            row[key] = [names[tag] if type(tag) is int and tag in known else tag for tag in row[key] or []]
        yield Record(source, row, number)

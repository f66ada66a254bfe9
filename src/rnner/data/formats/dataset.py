"""Data sets of the library `datasets`: a folder that it saved, a Parquet file, one on the Hub (see hub.py).

A row is a sentence: `tokens`, and `ner_tags` as strings or as numbers with names (ClassLabel); see tokens.py
for what else the columns may be called. Read with Arrow; nothing of a data set is ever run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnner.data.formats import dataset_hub as hub
from rnner.data.formats.annotated import SourceFile, TaggedSentence
from rnner.data.formats.json_records import Record
from rnner.data.formats.tokens import DOCUMENT, TAGS, WORDS, tagged
from rnner.data.token_table import UNMARKED
from rnner.tags import label_of, tag_inventory

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

_ROWS = 1024  # read at a time


def read(source: SourceFile) -> Iterator[TaggedSentence]:
    """The sentences; rows without a word are left out, with a note.

    Raises DataError with the row (from 1) for tags that are not one a word, and for what is no data set or
    has no columns for words and tags.
    """
    import pyarrow as pa

    try:
        schema, batches = _open(source)
        yield from tagged(source, _records(source, batches, _class_names(schema)))
    except (pa.ArrowException, OSError, LookupError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise source.error(f"this is no data set that can be read: {reason}") from None


def write(sentences: Sequence[TaggedSentence], path: Path, scheme: str, *, parquet: bool) -> None:
    """Writes a Parquet file or the folder of a saved data set; the tags, of `scheme`, as ClassLabel."""
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
    if any(sentence.document != UNMARKED for sentence in sentences):
        features[DOCUMENT] = datasets.Value("int32")
        columns[DOCUMENT] = [None if s.document == UNMARKED else s.document for s in sentences]
    whole = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    if parquet:
        whole.to_parquet(path)
    else:
        whole.save_to_disk(path)


def is_folder(path: Path) -> bool:
    """Whether a folder is one that `save_to_disk` wrote."""
    return any((path / name).is_file() for name in ("state.json", "dataset_dict.json"))


def _open(source: SourceFile) -> tuple[pa.Schema, Iterator[pa.Table | pa.RecordBatch]]:
    """The columns of a data set, and its rows."""
    if hub.is_name(source.path):
        return _loaded(source, hub.load(source))
    return _loaded(source, _folder(source)) if source.path.is_dir() else _parquet(source)


def _folder(source: SourceFile) -> Dataset:
    import datasets

    found = datasets.load_from_disk(str(source.path))
    if not isinstance(found, datasets.Dataset):
        splits = ", ".join(str(source.path / name) for name in found)
        raise source.error(f"the data set has several splits; give one of them: {splits}")
    return found


def _loaded(source: SourceFile, found: Dataset) -> tuple[pa.Schema, Iterator[pa.Table]]:
    chosen = found.select_columns(_wanted(source, found.column_names))
    return found.features.arrow_schema, chosen.with_format("arrow").iter(_ROWS)


def _parquet(source: SourceFile) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    from pyarrow.parquet import ParquetFile

    file = ParquetFile(source.path)
    columns = _wanted(source, file.schema_arrow.names)
    return file.schema_arrow, file.iter_batches(_ROWS, columns=columns)


def _wanted(source: SourceFile, names: Sequence[str]) -> list[str]:
    """The columns that are read; others may be large."""
    for kind in (WORDS, TAGS):
        if not set(kind) & set(names):
            raise source.error(f"no column {' or '.join(kind)}; there are {', '.join(names)}")
    return [name for name in names if name in (*WORDS, *TAGS, DOCUMENT)]


def _class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """The names of the numbers in the columns of tags that have some (ClassLabel)."""
    import datasets

    features = datasets.Features.from_arrow_schema(schema)
    kinds = {key: getattr(features[key], "feature", None) for key in TAGS if key in features}
    return {key: kind.names for key, kind in kinds.items() if isinstance(kind, datasets.ClassLabel)}


def _records(
    source: SourceFile, batches: Iterable[pa.Table | pa.RecordBatch], names: Mapping[str, Sequence[str]]
) -> Iterator[Record]:
    row = 0
    for batch in batches:
        for value in batch.to_pylist():
            row += 1
            for key, known in names.items():
                value[key] = [_named(tag, known) for tag in value[key] or []]
            yield Record(source, value, row)


def _named(tag: Any, names: Sequence[str]) -> Any:
    return names[tag] if type(tag) is int and 0 <= tag < len(names) else tag

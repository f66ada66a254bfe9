"""Cache of large corpora as Arrow files: parsed once, then mapped from disk until the source changes.

A file is named after a digest of the source's bytes, the settings, and the reading code. It is written
next to its final path and renamed atomically, so concurrent or killed runs never leave a partial file under
that path. It ends with a digest of its content; a file whose digest differs is written again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from rnner.data.splits import IllegalTags, Split
from rnner.data.tag_sets import members
from rnner.data.token_table import Column, TokenTable
from rnner.system.files import atomic_replace, cache_folder, is_partial
from rnner.tags import LENIENT, SCHEMES, label_of

MIN_BYTES = 8 << 20  # smaller sources are not cached: half a million words are parsed in a second or two
_BLOCK = 1 << 20
_DAY = 24 * 60 * 60
_MAX_AGE = 30 * _DAY  # seconds that an unused file is kept
_METADATA = b"rnner"  # key of everything that is not a column: scheme, illegal tags, notes
_DIGEST_BYTES = 32


def cached(source: Path, settings: dict[str, Any], read: Callable[[], Split]) -> Split:
    """Return `read()`, from the cache if possible.

    Small sources, and those that are not files or folders, are never cached. If the cache cannot be written,
    a note of the split says so.

    Args:
        source: a file or a folder of files.
        settings: everything else that the result depends on, as JSON values.
        read: a function that reads the source; its errors are passed on to the caller.
    """
    try:
        state = _state(source)
        if not state or sum(size for _, size, *_ in state) < MIN_BYTES:
            return read()
        file = cache_folder() / "corpora" / f"{_key(source, settings)}.arrow"
    except OSError:
        return read()  # reports the error
    split = _load(file, source)
    if split is None:
        split = read()
        if _state(source) == state:  # otherwise the source changed while it was read
            split = _stored(split, file)
    return split


def _files(source: Path) -> Iterator[Path]:
    yield from sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]


def _state(source: Path) -> list[tuple[str, int, int, int]]:
    """Return name, size, time and inode of each file; empty for a pipe, which can be read only once."""
    found = [(str(path), path.stat()) for path in _files(source) if path.is_file()]
    return [(name, stat.st_size, stat.st_mtime_ns, stat.st_ino) for name, stat in found]


def _key(source: Path, settings: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps([settings, _code_digest()], sort_keys=True).encode())
    for path in _files(source):
        digest.update(f"\0{path.relative_to(source)}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


@cache
def _code_digest() -> str:
    """Return a digest of the code that reads corpora, because other code may read a file differently."""
    package = Path(__file__).parent.parent
    files = [*(package / "data").rglob("*.py"), *(package / "text").rglob("*.py"), package / "tags.py"]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _stored(split: Split, file: Path) -> Split:
    """Write a split to the cache and return it mapped from disk. If that fails, return the split itself."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_old(file.parent)
        with atomic_replace(file) as partial:
            _write(split, partial)
    except OSError as error:
        problem = f"the cache {file.parent} cannot be written ({error.strerror or error})"
        note = f"{problem}, so the file is parsed every time; set RNNER_CACHE to a writable folder"
        return replace(split, notes=(*split.notes, note))
    return _load(file, split.path) or split


def _remove_old(folder: Path) -> None:
    """Remove files not used for a month, and partial files of killed processes after a day."""
    now = time.time()
    for path in folder.iterdir():
        with suppress(OSError):  # another process may have removed it
            age = now - path.stat().st_mtime
            if path.suffix == ".arrow" and age > _MAX_AGE:
                path.unlink()
            elif is_partial(path) and age > _DAY:
                shutil.rmtree(path)


def _write(split: Split, file: Path) -> None:
    """Write a split as an Arrow file of one batch, straight from its arrays, and append the digest."""
    import pyarrow as pa

    def lists(column: Column) -> pa.Array:
        strings = pa.array(column.strings, pa.large_string())
        words = pa.DictionaryArray.from_arrays(pa.array(column.numbers), strings)
        return pa.LargeListArray.from_arrays(pa.array(table.starts), words)

    table = split.table
    columns = {
        "tokens": lists(table.tokens),
        "tags": lists(table.tags),
        "document": pa.array(table.documents),
        "line": pa.array(table.lines),
    }
    metadata = {"scheme": split.scheme, "illegal_tags": split.illegal_tags, "notes": split.notes}
    batch = pa.record_batch(columns, metadata={_METADATA: json.dumps(metadata)})
    with pa.ipc.new_file(str(file), batch.schema) as writer:
        writer.write_batch(batch)
    with pa.memory_map(str(file)) as written:
        digest = hashlib.sha256(written.read_buffer()).digest()
    with file.open("ab") as out:
        out.write(digest)


def _load(file: Path, source: Path) -> Split | None:
    """Read a split from the cache; None if the file does not exist, is damaged, or is not a split."""
    import pyarrow as pa

    try:
        with pa.memory_map(str(file)) as mapped:
            whole = mapped.read_buffer()
        content = whole.slice(0, max(0, whole.size - _DIGEST_BYTES))
        if hashlib.sha256(content).digest() != whole.slice(content.size).to_pybytes():
            return None
        split = _read(pa.ipc.open_file(pa.BufferReader(content)), source)
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError, RecursionError):
        return None
    with suppress(OSError):  # a shared cache may be read-only
        os.utime(file)  # marks it as used
    return split


def _read(file: Any, source: Path) -> Split:
    """Return the split in an opened Arrow file, sharing its memory. Raise ValueError if it is not valid."""
    if file.num_record_batches != 1 or not file.schema.equals(_schema()):
        raise ValueError("has other columns")
    batch = file.get_batch(0)
    batch.validate(full=True)
    metadata = json.loads(batch.schema.metadata[_METADATA])
    scheme, notes = metadata["scheme"], tuple(metadata["notes"])
    illegal_tags = None if metadata["illegal_tags"] is None else IllegalTags(*metadata["illegal_tags"])
    split = Split(_table(batch), source, source.name, scheme, illegal_tags, notes=notes)
    if scheme not in (*SCHEMES, LENIENT) or not all(isinstance(note, str) for note in notes):
        raise ValueError("has other metadata")
    for tag in split.table.tags.strings:
        list(map(label_of, members(tag, scheme)))  # raises ValueError for a string that is not a tag
    return split


def _schema() -> Any:
    import pyarrow as pa

    words = pa.large_list(pa.dictionary(pa.int32(), pa.large_string()))
    return pa.schema({"tokens": words, "tags": words, "document": pa.int32(), "line": pa.int64()})


def _table(batch: Any) -> TokenTable:
    """Return a table that shares the memory of an Arrow batch."""

    def column(name: str) -> Column:
        words = batch[name].values
        return Column(words.dictionary.to_pylist(), words.indices.to_numpy())

    starts, of_tags = (batch[name].offsets.to_numpy() for name in ("tokens", "tags"))
    tokens, tags, documents = column("tokens"), column("tags"), batch["document"].to_numpy()
    missing = any(batch[name].null_count for name in batch.schema.names)
    if missing or starts[0] or not starts[-1] == len(tokens.numbers) == len(tags.numbers):
        raise ValueError("has missing values")
    if not np.array_equal(starts, of_tags) or (np.diff(documents) < 0).any():
        raise ValueError("has sentences with other numbers of tags, or documents out of order")
    return TokenTable(tokens, tags, starts, documents, batch["line"].to_numpy())

"""Large corpora as Arrow files: read once, then mapped from disk, as long as their sources stay as they are.

A file is named by a digest of its source's bytes, of how it was read, and of the code that reads. It is
written beside its place and moved there in one step, so that two runs may make it at once and each may be
killed. It ends with the digest of its own bytes; what does not agree is made anew.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from rnner.data.disk_arrays import cache_folder
from rnner.data.splits import IllegalTags, Split
from rnner.data.token_table import Column, Table

# Bytes of a source from which on it is kept. Half a million words are read in a second or two; no copies of
# small files lie about.
LEAST = 8 << 20
_BLOCK = 1 << 20
_DAY = 24 * 60 * 60
_UNUSED = 30 * _DAY  # then a file is removed
_FACTS = b"rnner"  # the key of what is no column: scheme, repaired, notes
_DIGEST = 32  # bytes


def cached(source: Path, settings: dict[str, Any], read: Callable[[], Split]) -> Split:
    """What `read` makes of a source, from the cache if it is there.

    Small files and what is no file are always read. If the cache cannot be written, the split's notes say so.

    Args:
        source: a file or a folder of files.
        settings: what else decides on the result, as JSON values.
        read: reads the source; whatever it raises is raised.
    """
    try:
        state = _state(source)
        if not state or sum(size for _, size, *_ in state) < LEAST:
            return read()
        file = cache_folder() / "corpora" / f"{_key(source, settings)}.arrow"
    except OSError:
        return read()  # which says what is wrong
    split = _load(file, source)
    if split is None:
        split = read()
        if _state(source) == state:  # else it may not be what was named
            split = _kept(split, file)
    return split


def _files(source: Path) -> Iterator[Path]:
    yield from sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]


def _state(source: Path) -> list[tuple[str, int, int, int]]:
    """By what one sees that files were changed; nothing for what can only be read once."""
    found = [(str(path), path.stat()) for path in _files(source) if path.is_file()]
    return [(name, stat.st_size, stat.st_mtime_ns, stat.st_ino) for name, stat in found]


def _key(source: Path, settings: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps([settings, _code()], sort_keys=True).encode())
    for path in _files(source):
        digest.update(f"\0{path.relative_to(source)}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


@cache
def _code() -> str:
    """A digest of the code that reads: other code may read something else."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*here.rglob("*.py"), *(here.parent / "text").glob("*.py"), here.parent / "tags.py"]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _kept(split: Split, file: Path) -> Split:
    """Write a split into the cache; the same split, from there if that could be done."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_old(file.parent)
        _store(split, file)
    except OSError as error:
        told = f"the cache {file.parent} cannot be written ({error.strerror or error})"
        note = f"{told}, so it is read anew each time; RNNER_CACHE sets another folder"
        return replace(split, notes=(*split.notes, note))
    return _load(file, split.path) or split


def _store(split: Split, file: Path) -> None:
    handle, name = tempfile.mkstemp(prefix=f"{file.stem[:16]}-", suffix=".partial", dir=file.parent)
    partial = Path(name)
    try:
        with open(handle, "w+b") as out:
            _write(split, out)
            out.flush()
            with mmap.mmap(out.fileno(), 0, access=mmap.ACCESS_READ) as written:
                digest = hashlib.sha256(written).digest()
            out.write(digest)
            out.flush()
            os.fsync(out.fileno())
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def _remove_old(folder: Path) -> None:
    """Remove what nobody has used for a month, and what those left that were killed."""
    now = time.time()
    for suffix, most in ((".arrow", _UNUSED), (".partial", _DAY)):
        for path in folder.glob(f"*{suffix}"):
            with suppress(OSError):  # another process may have been quicker
                if now - path.stat().st_mtime > most:
                    path.unlink()


def _write(split: Split, out: Any) -> None:
    """Write a split as an Arrow file of one batch, straight from its arrays."""
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
    facts = {"scheme": split.scheme, "repaired": split.repaired, "notes": split.notes}
    batch = pa.record_batch(columns, metadata={_FACTS: json.dumps(facts)})
    with pa.ipc.new_file(out, batch.schema) as writer:
        writer.write_batch(batch)


def _load(file: Path, source: Path) -> Split | None:
    """The split that a file of the cache holds; None if there is no such file, or it is broken."""
    import pyarrow as pa

    try:
        with pa.memory_map(str(file)) as mapped:
            whole = mapped.read_buffer()
        content = whole.slice(0, max(0, whole.size - _DIGEST))
        if hashlib.sha256(content).digest() != whole.slice(content.size).to_pybytes():
            return None
        batch = pa.ipc.open_file(pa.BufferReader(content)).get_batch(0)
    except (OSError, pa.ArrowException):
        return None
    with suppress(OSError):  # in a folder that others fill, one may only read
        os.utime(file)  # it is used
    facts = json.loads(batch.schema.metadata[_FACTS])
    repaired = None if facts["repaired"] is None else IllegalTags(*facts["repaired"])
    return Split(_table(batch), source, source.name, facts["scheme"], repaired, notes=tuple(facts["notes"]))


def _table(batch: Any) -> Table:
    """The table over the memory of an Arrow batch."""

    def column(name: str) -> Column:
        words = batch[name].values
        return Column(words.dictionary.to_pylist(), words.indices.to_numpy())

    starts = batch["tokens"].offsets.to_numpy()
    return Table(
        column("tokens"), column("tags"), starts, batch["document"].to_numpy(), batch["line"].to_numpy()
    )

"""A split: annotated sentences in an Arrow table, with fast access to any of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from rnner.tags import Span, from_spans, label_of, to_spans

if TYPE_CHECKING:  # slow to import, and only Split.dataset needs it
    from datasets import Dataset

SCHEMA = pa.schema(
    {
        "tokens": pa.list_(pa.string()),
        "tags": pa.list_(pa.string()),
        "document": pa.int32(),
        "line": pa.int32(),
    }
)
# Sentences that are turned into Python objects at a time.
_CHUNK = 4096


class Row(NamedTuple):
    """A sentence on its way into a table: its words and tags, its document, the line of its first word."""

    words: list[str]
    tags: list[str]
    document: int
    line: int


class Repair(NamedTuple):
    """Tags that break their scheme and are read as conlleval does: how many, and the first of them."""

    times: int
    line: int
    reason: str


@dataclass(frozen=True, eq=False)
class Split:
    """Annotated sentences of one file.

    Attributes:
        table: columns `tokens` and `tags` (lists of strings), `document` (int32, from 0; -1 before any mark),
            `line` (int32, of the first word or of its record, from 1).
        path: where it was read.
        name: what messages call it (`train`, or the file's name).
        scheme: the scheme of the tags, or `conlleval` if they obey none and are read as conlleval does.
        repaired: what is wrong with the tags in that case.
        rows: `[s]` the rows of the table that belong to the split, in order; None: all.
        notes: what was not taken over from the file, one sentence each.
    """

    table: pa.Table
    path: Path
    name: str
    scheme: str
    repaired: Repair | None = None
    rows: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.table.num_rows) if self.rows is None else len(self.rows)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """`[s]` words in each sentence."""
        lengths: NDArray[np.int64] = pc.list_value_length(self.table["tokens"]).to_numpy().astype(np.int64)
        return lengths if self.rows is None else lengths[self.rows]

    @cached_property
    def documents(self) -> NDArray[np.int64]:
        """`[s]` the document of each sentence, from 0, ascending; -1 where the file has marked none yet."""
        return self._integers("document")

    @cached_property
    def lines(self) -> NDArray[np.int64]:
        """`[s]` the line of each sentence's first word, from 1."""
        return self._integers("line")

    @cached_property
    def labels(self) -> list[str]:
        """The labels of the entities, sorted."""
        tags = self._taken(None)["tags"] if self.rows is not None else self.table["tags"]
        labels = {label_of(tag) for tag in pc.unique(pc.list_flatten(tags)).to_pylist()}
        return sorted(label for label in labels if label is not None)

    @cached_property
    def dataset(self) -> Dataset:
        """The split as a `datasets.Dataset` over the same memory."""
        from datasets import Dataset

        whole = Dataset(self.table, fingerprint=_fingerprint(self.table))
        return whole if self.rows is None else whole.select(self.rows)

    def sentences(self, indices: ArrayLike | None = None) -> tuple[list[list[str]], list[list[str]]]:
        """Words and tags of some sentences, in the order of `indices` (`[n]`, from 0), or of all."""
        taken = self._taken(indices)
        return taken["tokens"].to_pylist(), taken["tags"].to_pylist()

    def spans(self, index: int) -> list[Span]:
        """The entities of one sentence."""
        _, (tags,) = self.sentences([index])
        return to_spans(tags, self.scheme)

    def all_spans(self) -> Iterator[list[Span]]:
        """The entities of each sentence, in order."""
        for start in range(0, len(self), _CHUNK):
            _, tags = self.sentences(np.arange(start, min(start + _CHUNK, len(self))))
            yield from (to_spans(sentence, self.scheme) for sentence in tags)

    def select(self, indices: ArrayLike) -> Split:
        """The split of these sentences only, in this order; the table is shared."""
        return replace(self, rows=self._rows(indices))

    def convert(self, scheme: str) -> Split:
        """The same entities in tags of `scheme`, by way of spans; `binary` gives up labels and borders.

        Raises ValueError for a scheme that cannot be written.
        """
        if scheme == self.scheme:
            return self
        chunks = [
            _strings(
                [from_spans(to_spans(tags, self.scheme), len(tags), scheme) for tags in batch[0].to_pylist()]
            )
            for batch in self.table.select(["tags"]).to_batches(max_chunksize=_CHUNK)
        ]
        column = pa.chunked_array(chunks, SCHEMA.field("tags").type).combine_chunks()
        table = self.table.set_column(SCHEMA.get_field_index("tags"), SCHEMA.field("tags"), column)
        return replace(self, table=table, scheme=scheme)

    def _rows(self, indices: ArrayLike) -> NDArray[np.int64]:
        chosen = np.asarray(indices, dtype=np.int64)
        return chosen if self.rows is None else self.rows[chosen]

    def columns(self) -> pa.Table:
        """Words and tags of all sentences, as lists of strings in Arrow columns `tokens` and `tags`."""
        return self._taken(None)

    def numbered(self, column: str) -> tuple[list[str], NDArray[np.int32]]:
        """The distinct strings of a column (`tokens` or `tags`), and which of them each word `[w]` has."""
        flat = self.columns()[column].combine_chunks().flatten().dictionary_encode()
        return flat.dictionary.to_pylist(), flat.indices.to_numpy()

    def _taken(self, indices: ArrayLike | None) -> Any:
        if indices is None and self.rows is None:
            return self.table
        rows = self.rows if indices is None else self._rows(indices)
        return self.table.select(["tokens", "tags"]).take(pa.array(rows))

    def _integers(self, column: str) -> NDArray[np.int64]:
        values: NDArray[np.int64] = self.table[column].to_numpy().astype(np.int64)
        return values if self.rows is None else values[self.rows]


def build_table(rows: Iterable[Row]) -> pa.Table:
    """The table of a Split, in one chunk: taking rows from many is slow."""
    batches, pending = [], []
    for row in rows:
        pending.append(row)
        if len(pending) == _CHUNK:
            batches.append(_batch(pending))
            pending = []
    batches.append(_batch(pending))
    return pa.Table.from_batches(batches, SCHEMA).combine_chunks()


def _batch(rows: Sequence[Row]) -> pa.RecordBatch:
    columns = [
        _strings([row.words for row in rows]),
        _strings([row.tags for row in rows]),
        pa.array([row.document for row in rows], pa.int32()),
        pa.array([row.line for row in rows], pa.int32()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _strings(lists: Sequence[Sequence[str]]) -> pa.ListArray:
    """Lists of strings as an Arrow array; much faster than Arrow's own way with nested lists."""
    offsets = np.zeros(len(lists) + 1, dtype=np.int32)
    np.cumsum([len(strings) for strings in lists], out=offsets[1:])
    flat = [string for strings in lists for string in strings]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat, pa.string()))


def _fingerprint(table: pa.Table) -> str:
    """What `datasets` tells tables apart by. Its own way would pickle the whole table."""
    digest = hashlib.blake2b(digest_size=16)
    for column in table.itercolumns():
        for chunk in column.iterchunks():
            for buffer in chunk.buffers():
                digest.update(buffer or b"")
    return digest.hexdigest()

"""Chunks: items of the input that `rnner predict` tags together, grouped as they arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rnner.data.token_table import NO_DOCUMENT
from rnner.errors import DataError

CHUNK = 75_000  # characters tagged at a time, approximately: over ten thousand words
LONGEST_TEXT = 500_000
"""Maximum number of characters of a document; a longer text is split between paragraphs or sentences."""

_NO_KEYS: Mapping[str, Any] = {}


class Item(NamedTuple):
    """One document of the input.

    Attributes:
        content: its text, or one sentence as a list of words.
        keys: additional keys for its JSON object.
        failed: whether it could not be read; if so, its JSON object contains only `keys`.
        document: for a sentence of a column file, the document that it belongs to; None for a document.
        offset: for a part of a long text, where it begins; None for a whole text.
    """

    content: str | list[str]
    keys: Mapping[str, Any] = _NO_KEYS
    failed: bool = False
    document: int | None = None
    offset: int | None = None


@dataclass(frozen=True)
class Chunk:
    """Documents that are tagged together.

    Attributes:
        items: the documents.
        flush: whether to write all results before reading on, because a reader may be waiting for them.
    """

    items: Sequence[Item]
    flush: bool = True

    @property
    def contents(self) -> list[str | list[str]]:
        """The text or the words of each document."""
        return [item.content for item in self.items]

    @property
    def document_ids(self) -> list[int] | None:
        """The document of each sentence of a column file; None if each item is a document."""
        numbers = [item.document for item in self.items]
        if all(number is None for number in numbers):
            return None
        return [NO_DOCUMENT if number is None else number for number in numbers]


def chunks_of(
    blocks: Iterable[Iterable[Item]], is_ready: Callable[[], bool] = lambda: True
) -> Iterator[Chunk]:
    """Yield chunks of about `CHUNK` characters.

    An item is never split. A document is split, between sentences, only if it exceeds about `LONGEST_TEXT`
    characters.

    An error in the input is raised after the items before it have been yielded.

    Args:
        blocks: groups of items that arrived together.
        is_ready: returns whether the next block can be read without waiting; if not, the chunk ends.
    """
    group: list[Item] = []
    room = CHUNK
    try:
        for block in blocks:
            for item in block:
                too_long = room <= CHUNK - LONGEST_TEXT
                if group and room <= 0 and (too_long or not _same_document(group[-1], item)):
                    yield Chunk(group, flush=False)
                    group, room = [], CHUNK
                group.append(item)
                room -= _size(item.content) + 1
            if group and not is_ready():
                yield Chunk(group)
                group, room = [], CHUNK
    except DataError:
        if group:
            yield Chunk(group)
        raise
    if group:
        yield Chunk(group)


def _same_document(before: Item, after: Item) -> bool:
    return before.document == after.document not in (None, NO_DOCUMENT)


def _size(content: str | list[str]) -> int:
    return len(content) if isinstance(content, str) else sum(map(len, content)) + len(content)

"""JSONL with a sentence a record: `{"tokens": ["Ada", "wrote"], "tags": ["B-PER", "O"]}`.

Records of one document stand together and have the same `document`; without it each stands for itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from rnner.data.formats.annotated import SourceFile, TaggedSentence
from rnner.data.formats.json_records import Record, read_records
from rnner.data.token_table import UNMARKED

WORDS = ("tokens", "words")
TAGS = ("ner_tags", "tags", "ner", "labels")
DOCUMENT = "document"


def read(source: SourceFile) -> Iterator[TaggedSentence]:
    """The sentences; records without a word are left out, with a note.

    Raises DataError with the line for what is no JSON or no such record, and tags that are not one a word.
    """
    return tagged(source, read_records(source))


def tagged(source: SourceFile, records: Iterable[Record]) -> Iterator[TaggedSentence]:
    """The sentences of records, wherever they are from."""
    numbers = Documents()
    for record in records:
        tokens, tags = record.first(*WORDS), record.first(*TAGS)
        words = [record.string(word, tokens) for word in record.items(tokens)]
        found = [_tag(record, tag, tags) for tag in record.items(tags)]
        if len(words) != len(found):
            raise record.error(f'{len(words)} "{tokens}" but {len(found)} "{tags}"')
        if words:
            document = numbers.of(record.value.get(DOCUMENT))
            yield TaggedSentence(words, found, [record.line] * len(words), document)
        else:
            source.notes["records without a word are left out"] += 1


def write(sentences: Iterable[TaggedSentence], out: TextIO, source: SourceFile) -> None:
    """Writes a record a line."""
    for sentence in sentences:
        record: dict[str, Any] = {"tokens": sentence.words, "tags": sentence.tags}
        if sentence.document != UNMARKED:
            record[DOCUMENT] = sentence.document
        out.write(json.dumps(record, ensure_ascii=False) + "\n")


class Documents:
    """Numbers for documents from what records call them: neighbours of one name are one document."""

    def __init__(self) -> None:
        self.number, self.name = UNMARKED, None

    def of(self, name: Any) -> int:
        """The number of the document that the next record belongs to; `UNMARKED` before any has a name."""
        if name != self.name or (name is None and self.number != UNMARKED):
            self.number, self.name = self.number + 1, name
        return self.number


def _tag(record: Record, value: Any, key: str) -> str:
    if type(value) is int:
        return record.source.name(value, record.line)
    return record.string(value, key)

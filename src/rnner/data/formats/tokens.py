"""JSONL with one sentence per record: `{"tokens": ["Ada", "wrote"], "tags": ["B-PER", "O"]}`.

Tokens may be objects with their tags, as Stanza and CoreNLP write them: `{"text": "Ada", "ner": "S-PER"}`.
Consecutive records with the same `document` belong together; records without it are separate documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from rnner.data.formats.annotated import SourceFile, TaggedSentence
from rnner.data.formats.json_records import Record, read_records, write_record
from rnner.data.token_table import NO_DOCUMENT

WORDS = ("tokens", "words")
TAGS = ("ner_tags", "tags", "ner", "labels")
DOCUMENT = "document"
_FORMS = ("text", "word", "form")  # of a token that is an object


def matches(record: Record) -> bool:
    """Return whether a record has words and tags, and is not Prodigy's, Label Studio's or a prediction."""
    words = next((record.value[key] for key in WORDS if key in record.value), None)
    other = isinstance(record.value.get("data"), dict) or record.value.keys() >= {"text", "entities"}
    if not isinstance(words, list) or other:
        return False
    if any(isinstance(word, dict) for word in words):
        return any(isinstance(word, dict) and "ner" in word for word in words)
    return not record.value.keys().isdisjoint(TAGS)


def read(source: SourceFile) -> Iterator[TaggedSentence]:
    """Yield the sentences; records without words are skipped, with a note.

    Raises DataError with the line for invalid JSON or records, and if words and tags differ in number.
    """
    return sentences_of(source, read_records(source))


def sentences_of(source: SourceFile, records: Iterable[Record]) -> Iterator[TaggedSentence]:
    """Yield the sentences of records, which may also be the rows of a data set."""
    document, name = NO_DOCUMENT, None
    for record in records:
        record = _with_tags(record)
        word_key, tag_key = record.first_key(*WORDS), record.first_key(*TAGS)
        words = [record.check_text(word, word_key) for word in record.items(word_key)]
        tags = [record.check_name(tag, tag_key) for tag in record.items(tag_key)]
        if len(words) != len(tags):
            raise record.error(f'{len(words)} "{word_key}" but {len(tags)} "{tag_key}"')
        if not words:
            source.notes["records without a word skipped"] += 1
            continue
        own = record.value.get(DOCUMENT)
        if own != name or (own is None and document != NO_DOCUMENT):
            document, name = document + 1, own
        yield TaggedSentence(words, tags, [record.line] * len(words), document)


def _with_tags(record: Record) -> Record:
    """Convert a record whose tokens are objects to one with words and tags; return others unchanged."""
    key = record.first_key(*WORDS)
    if not any(isinstance(item, dict) for item in record.items(key)):
        return record
    tokens = [token for token in record.records(key) if "ner" in token.value]
    if skipped := len(record.items(key)) - len(tokens):
        record.source.notes["tokens without ner skipped (parts of other tokens)"] += skipped
    words = [token.text(token.first_key(*_FORMS)) for token in tokens]
    return record.record({**record.value, key: words, TAGS[0]: [token.text("ner") for token in tokens]})


def write(sentences: Iterable[TaggedSentence], out: TextIO, source: SourceFile) -> None:
    """Write one record per sentence."""
    for sentence in sentences:
        record: dict[str, Any] = {"tokens": sentence.words, "tags": sentence.tags}
        if sentence.document != NO_DOCUMENT:
            record[DOCUMENT] = sentence.document
        write_record(record, out)

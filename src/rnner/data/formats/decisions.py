"""The decisions of an annotator, in the order in which they were made.

    {"text": "Ada wrote.", "entities": [], "answer": "accept", "decision": {"number": 1}}
    {"text": "It rained.", "answer": "skip", "decision": {"number": 2}}
    {"text": "Ada wrote.", "entities": [{"start": 0, "end": 3, ...}], "answer": "accept", "decision": ...}

Lines are only ever appended. The last decision about a text counts. The texts whose last decision is `accept`
are annotated; those with `skip` or `undo` are left out. An unfinished last line, left by a process that was
killed, is not a decision.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rnner.data.formats.annotated import AnnotatedText, SourceFile
from rnner.data.formats.json_records import Record
from rnner.data.formats.span_records import read_record
from rnner.data.json_text import decode_line
from rnner.data.lines import read_lines
from rnner.errors import DataError

ACCEPT, SKIP, UNDO = ANSWERS = ("accept", "skip", "undo")
_OTHERS = {SKIP: "skipped texts left out", UNDO: "texts left out whose decision was undone"}


def matches(record: Record) -> bool:
    """Return whether a record is a decision."""
    return isinstance(record.value.get("decision"), dict) and record.value.get("answer") in ANSWERS


def read(source: SourceFile) -> Iterator[AnnotatedText]:
    """Yield the texts whose last decision is `accept`, in the order of these decisions.

    Raises DataError with the line for invalid JSON or records.
    """
    last: dict[str, Record] = {}
    replaced = 0
    for record in _records(source):
        text = check(record).text("text")
        replaced += last.pop(text, None) is not None
        last[text] = record
    if replaced:
        source.notes["decisions replaced by later ones"] += replaced
    for record in last.values():
        if (answer := record.value["answer"]) == ACCEPT:
            yield read_record(record)
        else:
            source.notes[_OTHERS[answer]] += 1


def check(record: Record) -> Record:
    """Return the record; raise DataError unless it is a decision."""
    if not matches(record):
        raise record.error("expected the keys answer and decision, as in other lines of this file")
    return record


def _records(source: SourceFile) -> Iterator[Record]:
    lines = enumerate(read_lines(source.path, lenient=True), 1)
    for number, line in lines:
        if not line.strip():
            continue
        try:
            value = decode_line(line, source.path, number)
        except DataError:
            if next(lines, None) is None and not _ends_with_a_line(source.path):
                source.notes["an unfinished last line left out: its decision was never confirmed"] = 0
                return
            raise
        yield Record(source, value, number)


def _ends_with_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read() == b"\n"

"""Label Studio's exports (labelstud.io/guide/export): JSON, JSON-MIN, CSV and TSV.

    [{"data": {"text": "Ada wrote."}, "annotations": [{"result": [{"type": "labels",
      "value": {"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}}]}]}]
    [{"id": 1, "text": "Ada wrote.", "label": [{"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}]}]
    text,id,label
    Ada wrote.,1,"[{""start"": 0, ""end"": 3, ""text"": ""Ada"", ""labels"": [""PER""]}]"

Old versions write `completions`, not `annotations`; texts with markup have `hypertextlabels`. Offsets count
UTF-16 code units, because Label Studio runs in a browser. Other programs may write offsets in characters; the
text that each span quotes shows which. Of several annotations, the ground truth is read, or else the first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

from rnner.data.formats.annotated import AnnotatedText, CharSpan, SourceFile
from rnner.data.formats.csv_records import read_table
from rnner.data.formats.head import Head, read_head
from rnner.data.formats.html_text import HtmlText
from rnner.data.formats.json_records import Record, read_records, write_list
from rnner.data.formats.offsets import UTF16, positions
from rnner.data.formats.span_records import read_spans
from rnner.data.json_text import shorten

_LABELS, _HYPERTEXT = "labels", "hypertextlabels"
_ANNOTATIONS = ("annotations", "completions")
_METADATA = ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time")
_CSV_LABELS = re.compile(rf'""(?:{_LABELS}|{_HYPERTEXT})"":')


def matches(record: Record) -> bool:
    """Return whether a record is a task of Label Studio, in full or in JSON-MIN."""
    return isinstance(record.value.get("data"), dict) or _minimal_key(record) is not None


def detect(head: Head) -> bool:
    """Return whether a file is a table in which a cell holds labels as JSON."""
    return head.text[:1] not in ("[", "{") and _CSV_LABELS.search(head.text) is not None


def read(source: SourceFile) -> Iterator[AnnotatedText]:
    """Yield the texts; tasks without annotations and results of other types are skipped, with a note.

    Raises DataError with the line for invalid JSON or tasks.
    """
    is_table = re.match(r"\s*[^\s\[{]", read_head(source.path).text)
    seen: set[str] = set()
    for task in _rows(source) if is_table else read_records(source):
        if isinstance(task.value.get("data"), dict):
            data, annotations = task.record(task.value["data"]), _annotations(task)
        else:
            data, annotations = task, [_minimal_results(task)]
            name = shorten(task.value.get("id"))
            if "id" in task.value and name in seen:
                source.notes["further annotations of a task skipped (only its first is read)"] += 1
                continue
            seen.add(name)
        if not annotations:
            source.notes["tasks without an annotation skipped"] += 1
            continue
        yield _document(task, _text(data), annotations)


def write(documents: Iterable[AnnotatedText], out: TextIO, source: SourceFile) -> None:
    """Write a list of tasks with one annotation each, which Label Studio imports."""
    write_list((_task(number, document) for number, document in enumerate(documents, 1)), out)


def _document(task: Record, text: str, annotations: Sequence[Sequence[Record]]) -> AnnotatedText:
    """Return the text of a task with the spans of its first annotation."""
    page = HtmlText(text) if any(_HYPERTEXT in value.value for value in annotations[0]) else None
    content = text if page is None else page.content
    found = [read_spans(content, task, [_flat(it) for it in values], UTF16) for values in annotations]
    if any(set(spans) != set(found[0]) for spans in found):
        task.source.notes[
            "tasks whose annotations differ (the first is read; to choose, mark one as ground truth)"
        ] += 1
    if page is None:
        return AnnotatedText(text, found[0], task.line)
    return AnnotatedText(page.text, [CharSpan(*page.place(*it[:2]), it.label) for it in found[0]], task.line)


def _text(data: Record) -> str:
    """Return the text of a task: `text`, or the only string in its data."""
    strings = [it for it, value in data.value.items() if isinstance(value, str) and it not in _METADATA]
    return data.text(strings[0] if "text" not in strings and len(strings) == 1 else "text")


def _annotations(task: Record) -> list[list[Record]]:
    """Return the values of the annotations that were not cancelled, or only those of the ground truth."""
    key = next((key for key in _ANNOTATIONS if task.value.get(key)), _ANNOTATIONS[0])
    valid = [it for it in task.records(key) if not it.value.get("was_cancelled")]
    chosen = [it for it in valid if it.value.get("ground_truth") or it.value.get("honeypot")] or valid
    return [list(_values(annotation)) for annotation in chosen]


def _values(annotation: Record) -> Iterator[Record]:
    """Yield the labelled spans among the results of an annotation; count the other results."""
    for result in annotation.records("result"):
        kind = result.value.get("type")
        if kind in (_LABELS, _HYPERTEXT):
            yield result.record(result.value.get("value"))
        elif isinstance(kind, str) and kind.endswith("labels"):
            result.source.unread[f"labels of type {kind!r} not read"] += 1
        else:
            result.source.notes[f"results of type {kind!r} skipped (not labels of a text)"] += 1


def _flat(value: Record) -> dict[str, Any]:
    """Return a labelled span with its offsets and labels under `start`, `end` and `labels`."""
    if _HYPERTEXT not in value.value:
        return {_LABELS: [], **value.value}
    flat = {"text": value.value.get("text"), _LABELS: value.value[_HYPERTEXT]}
    if isinstance(offsets := value.value.get("globalOffsets"), dict):
        return {**flat, "start": offsets.get("start"), "end": offsets.get("end")}
    return {**flat, "start": value.value.get("startOffset"), "end": value.value.get("endOffset")}


def _task(number: int, document: AnnotatedText) -> dict[str, Any]:
    units = positions(document.text, UTF16)
    result = [_result(document.text, units, i, span) for i, span in enumerate(document.spans, 1)]
    return {"id": number, "data": {"text": document.text}, "annotations": [{"result": result}]}


def _result(text: str, units: Sequence[int], number: int, span: CharSpan) -> dict[str, Any]:
    value = {"start": units[span.start], "end": units[span.end], "text": text[span.start : span.end]}
    return {
        "id": f"s{number}",
        "from_name": "label",
        "to_name": "text",
        "type": _LABELS,
        "value": {**value, _LABELS: [span.label]},
    }


# --- JSON-MIN and tables -----------------------------------------------------------------------------------


def _minimal_key(record: Record) -> str | None:
    """Return the key of the labelled spans in JSON-MIN; `entities` takes precedence."""
    predicted = isinstance(record.value.get("entities"), list)  # by rnner, which renames others to input_KEY
    for key in ("entities",) if predicted else record.value:
        value = record.value[key]
        first = value[0] if isinstance(value, list) and value else None
        if isinstance(first, dict) and (_LABELS in first or _HYPERTEXT in first):
            return key
    return None


def _minimal_results(record: Record) -> list[Record]:
    """Return the labelled spans in JSON-MIN; a task without any has no such key."""
    if (key := _minimal_key(record)) is not None:
        return record.records(key)
    record.note_unread(record.value)
    return []


def _rows(source: SourceFile) -> Iterator[Record]:
    """Yield the rows of a table as records, with JSON cells decoded."""
    for row in read_table(source):
        yield Record(source, {key: _cell(key, value) for key, value in row.value.items()}, row.line)


def _cell(column: str, value: Any) -> Any:
    """Return the value of a cell. Labels are JSON; an empty cell means no labels."""
    if isinstance(value, str) and value.startswith("["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            pass
    return None if value == "" and column != "text" else value

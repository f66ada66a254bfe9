"""Label Studio's JSON (labelstud.io/guide/export): tasks with a text, and annotations with results.

Label Studio runs in a browser, so its offsets count UTF-16 code units, of which 😀 has two. Other programs
may write offsets in characters. The text that each span quotes shows which of the two a task uses.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

from rnner.data.formats.annotated import AnnotatedText, CharSpan, SourceFile
from rnner.data.formats.json_records import Record, read_records

_LABELS = "labels"


def matches(record: Record) -> bool:
    """Return whether a record is a task of Label Studio."""
    return isinstance(record.value.get("data"), dict)


def read(source: SourceFile) -> Iterator[AnnotatedText]:
    """Yield the texts; tasks without annotations and results of other types are skipped, with a note.

    Raises DataError with the line for invalid JSON or tasks, and if the annotations of a task differ and none
    is marked as ground truth.
    """
    for task in read_records(source):
        text = _text(task)
        annotations = _annotations(task)
        if not annotations:
            source.notes["tasks without an annotation skipped"] += 1
            continue
        found = [_read_spans(text, task, annotation) for annotation in annotations]
        if any(set(spans) != set(found[0]) for spans in found):
            raise task.error(
                f"the {len(found)} annotations of the task differ: mark one as ground truth in Label Studio"
            )
        yield AnnotatedText(text, found[0], task.line)


def write(documents: Iterable[AnnotatedText], out: TextIO, source: SourceFile) -> None:
    """Write a list of tasks with one annotation each, which Label Studio imports."""
    separator = "["
    for number, document in enumerate(documents, 1):
        units = _utf16_offsets(document.text)
        result = [_result(document.text, units, i, span) for i, span in enumerate(document.spans, 1)]
        task = {"id": number, "data": {"text": document.text}, "annotations": [{"result": result}]}
        out.write(f"{separator}\n{json.dumps(task, ensure_ascii=False)}")
        separator = ","
    out.write("[]\n" if separator == "[" else "\n]\n")


def _text(task: Record) -> str:
    """Return the text of a task: `text`, or the only string in its data."""
    data = task.record(task.value.get("data"))
    strings = [key for key, value in data.value.items() if isinstance(value, str)]
    return data.text(strings[0] if "text" not in strings and len(strings) == 1 else "text")


def _annotations(task: Record) -> list[Record]:
    """Return the annotations that were not cancelled; only the ground truth, if there is one."""
    valid = [it for it in task.records("annotations") if not it.value.get("was_cancelled")]
    return [it for it in valid if it.value.get("ground_truth")] or valid


def _read_spans(text: str, task: Record, annotation: Record) -> list[CharSpan]:
    results = annotation.records("result")
    values = [
        result.record(result.value.get("value")) for result in results if result.value.get("type") == _LABELS
    ]
    if len(values) < len(results):
        task.source.notes["skipped results that are not labels of a text"] += len(results) - len(values)
    return [
        value.span(text, start, end, label)
        for value, (start, end) in zip(values, _character_offsets(text, task, values), strict=True)
        for label in value.items(_LABELS) or [""]  # `span` rejects the empty label
    ]


def _character_offsets(text: str, task: Record, values: Sequence[Record]) -> list[tuple[int, int]]:
    """Return the start and end of each span in characters."""
    offsets = [value.offsets() for value in values]
    quotes = [value.value.get("text") for value in values]
    character_at = {unit: character for character, unit in enumerate(_utf16_offsets(text))}
    from_units = [(character_at.get(start, -1), character_at.get(end, -1)) for start, end in offsets]

    def all_fit(spans: Sequence[tuple[int, int]]) -> bool:
        return all(_fits(text, span, quote) for span, quote in zip(spans, quotes, strict=True))

    if all_fit(from_units):
        return from_units
    if any(quote is not None for quote in quotes) and all_fit(offsets):
        task.source.notes["tasks read with offsets in characters, not UTF-16 code units"] += 1
        return offsets
    for (start, end), span, quote in zip(offsets, from_units, quotes, strict=True):
        if not _fits(text, span, quote):
            raise task.error(f"the span {start}-{end} does not match its text {quote!r}")
    raise task.error("the offsets of the spans are neither UTF-16 code units nor characters")


def _fits(text: str, span: tuple[int, int], quote: Any) -> bool:
    r"""Return whether a span is within the text and matches its quote, in which `\n` may be a line break."""
    start, end = span
    inside = 0 <= start < end <= len(text)
    return inside and (quote is None or _without_spaces(text[start:end]) == _without_spaces(str(quote)))


def _without_spaces(text: str) -> str:
    return "".join(text.replace("\\n", "").split())


def _utf16_offsets(text: str) -> list[int]:
    """Return the numbers of UTF-16 code units before each character and in the whole text, `[n + 1]`."""
    units = [0]
    for character in text:
        units.append(units[-1] + (2 if character > "\uffff" else 1))
    return units


def _result(text: str, units: Sequence[int], number: int, span: CharSpan) -> dict[str, Any]:
    value = {"start": units[span.start], "end": units[span.end], "text": text[span.start : span.end]}
    return {
        "id": f"s{number}",
        "from_name": "label",
        "to_name": "text",
        "type": _LABELS,
        "value": {**value, _LABELS: [span.label]},
    }

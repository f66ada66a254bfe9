"""Label Studio's JSON (labelstud.io/guide/export): tasks with a text, and annotations with results.

It runs in a browser, so its offsets count UTF-16 code units: 😀 is two. Texts that other programs annotated
may come with offsets in characters; then what the spans say of their own text decides.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

from rnner.data.formats.annotated import AnnotatedText, CharSpan, SourceFile
from rnner.data.formats.json_records import Record, read_records

_LABELS = "labels"


def read(source: SourceFile) -> Iterator[AnnotatedText]:
    """The documents; tasks that nobody annotated are left out, with a note, as are results of other types.

    Raises DataError with the line for what is no JSON or no such task, and for a task with several
    annotations that differ, none of which is the ground truth.
    """
    for task in read_records(source):
        text = _text(task)
        annotations = _annotations(task)
        if not annotations:
            source.notes["tasks without an annotation are left out"] += 1
            continue
        found = [_spans(text, task, annotation) for annotation in annotations]
        if any(set(spans) != set(found[0]) for spans in found):
            raise task.error(
                f"{len(found)} annotations of the task differ: set one as ground truth in Label Studio"
            )
        yield AnnotatedText(text, found[0], task.line)


def write(documents: Iterable[AnnotatedText], out: TextIO, source: SourceFile) -> None:
    """Writes a list of tasks with one annotation each, which Label Studio imports."""
    separator = "["
    for number, document in enumerate(documents, 1):
        units = _units(document.text)
        result = [_result(document.text, units, i, span) for i, span in enumerate(document.spans, 1)]
        task = {"id": number, "data": {"text": document.text}, "annotations": [{"result": result}]}
        out.write(f"{separator}\n{json.dumps(task, ensure_ascii=False)}")
        separator = ","
    out.write("[]\n" if separator == "[" else "\n]\n")


def _text(task: Record) -> str:
    data = task.of(task.value.get("data"))
    strings = [key for key, value in data.value.items() if isinstance(value, str)]
    return data.text(strings[0] if "text" not in strings and len(strings) == 1 else "text")


def _annotations(task: Record) -> list[Record]:
    """Those that were not cancelled; the ground truth alone if there is one."""
    found = [task.of(item) for item in task.items("annotations")]
    found = [it for it in found if not it.value.get("was_cancelled")]
    return [it for it in found if it.value.get("ground_truth")] or found


def _spans(text: str, task: Record, annotation: Record) -> list[CharSpan]:
    results = [task.of(item) for item in annotation.items("result")]
    values = [task.of(result.value.get("value")) for result in results if result.value.get("type") == _LABELS]
    if len(values) < len(results):
        task.source.notes["results that are no labels of a text are left out"] += len(results) - len(values)
    offsets = _offsets(text, task, values)
    return [
        value.span(text, start, end, value.label(label))
        for value, (start, end) in zip(values, offsets, strict=True)
        for label in value.items(_LABELS) or [""]  # which is refused
    ]


def _offsets(text: str, task: Record, values: Sequence[Record]) -> list[tuple[int, int]]:
    """Start and end of each span in characters."""
    pairs = [tuple(value.offset(value.value.get(key), key) for key in ("start", "end")) for value in values]
    told = [value.value.get("text") for value in values]
    units = {unit: character for character, unit in enumerate(_units(text))}
    as_units = [(units.get(start, -1), units.get(end, -1)) for start, end in pairs]
    as_characters = [(start, end) for start, end in pairs]
    if _fit(text, as_units, told):
        return as_units
    if any(own is not None for own in told) and _fit(text, as_characters, told):
        task.source.notes["tasks have offsets in characters, not UTF-16 code units: read so"] += 1
        return as_characters
    for (start, end), own in zip(pairs, told, strict=True):
        if not _fit(text, [(units.get(start, -1), units.get(end, -1))], [own]):
            raise task.error(f"the span {start}-{end} is not where its text stands: {own!r}")
    raise task.error("the offsets of the spans are neither UTF-16 code units nor characters")


def _fit(text: str, offsets: Sequence[tuple[int, int]], told: Sequence[Any]) -> bool:
    r"""Whether spans are within the text and hold what they say; a line break may be told as `\n`."""
    return all(
        0 <= start < end <= len(text) and (own is None or _bare(text[start:end]) == _bare(str(own)))
        for (start, end), own in zip(offsets, told, strict=True)
    )


def _bare(text: str) -> str:
    return "".join(text.replace("\\n", "").split())


def _units(text: str) -> list[int]:
    """`[n + 1]` the UTF-16 code units before each character, and in all."""
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

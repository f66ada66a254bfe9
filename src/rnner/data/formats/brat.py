"""brat's standoff format (brat.nlplab.org/standoff.html): a text file and a file of annotations beside it.

    letter.txt    Ada Lovelace wrote.
    letter.ann    T1⇥PER 0 12⇥Ada Lovelace

The path is one of the two files, or a folder of such pairs. Offsets count characters. Fragments of an entity
with only white space between them (brat splits entities at line breaks) are joined; other discontinuous
entities are left out. Relations, events, attributes, normalizations and notes are skipped. All are counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

from rnner.data.formats.annotated import AnnotatedText, CharSpan, SourceFile
from rnner.data.formats.head import Head
from rnner.data.formats.offsets import CHARACTERS, Mark, OffsetError, to_characters
from rnner.data.lines import read_lines, read_text
from rnner.system.files import files_below

_TEXT, _ANNOTATIONS = ".txt", ".ann"
_ENTITY = re.compile(
    r"T\S*\t(?P<label>\S+) (?P<places>\d{1,9} \d{1,9}(?:;\d{1,9} \d{1,9})*)(?:\t(?P<quote>.*))?"
)
_OTHER_LINES = {
    "R": "relations",
    "*": "relations",
    "E": "events",
    "A": "attributes",
    "M": "attributes",
    "N": "normalizations",
    "#": "notes",
}


def detect(head: Head) -> bool:
    """Return whether a path is a file with its annotations or text beside it, or a folder of such pairs."""
    path = head.path
    if path.is_dir():
        return any(True for pattern in ("*", "*/*") for _ in path.glob(pattern + _ANNOTATIONS))
    return path.suffix in (_TEXT, _ANNOTATIONS) and all(file.is_file() for file in _pair(path))


def read(source: SourceFile) -> Iterator[AnnotatedText]:
    """Yield the texts; for a folder, in the order of their paths.

    Raises DataError with the file and line for invalid annotations, and for annotations without a text.
    """
    path = source.path
    files = files_below(path, f"*{_ANNOTATIONS}") if path.is_dir() else [path.with_suffix(_ANNOTATIONS)]
    if not files:
        raise source.error(f"the folder has no annotations (*{_ANNOTATIONS})")
    if path.is_dir() and (others := _without_annotations(path)):
        source.notes[f"texts without an {_ANNOTATIONS} file skipped"] += others
    gaps: list[str] = []
    for file in files:
        yield _read_document(replace(source, path=file), gaps)
    if gaps:
        source.unread[f"discontinuous entities left out, such as {gaps[0]}"] += len(gaps)


def save(documents: Sequence[AnnotatedText], folder: Path, source: SourceFile) -> None:
    """Write a folder with two files per document, and with brat's list of labels, annotation.conf.

    Raises DataError for what brat cannot hold: a label with white space, and a text with a NUL character or
    with U+FEFF at its beginning.
    """
    folder.mkdir()
    digits = len(str(len(documents)))
    for number, document in enumerate(documents, 1):
        if "\0" in document.text:
            raise source.error("brat cannot hold a text with a NUL character", document.line)
        if document.text.startswith("\ufeff"):  # it would be read as the byte order mark of the file
            raise source.error("brat cannot hold a text that begins with U+FEFF", document.line)
        lines = [_line(document, source, i, span) for i, span in enumerate(document.spans, 1)]
        name = f"{number:0{digits}}"
        _write(folder / f"{name}{_TEXT}", document.text)
        _write(folder / f"{name}{_ANNOTATIONS}", "".join(lines))
    labels = sorted({span.label for document in documents for span in document.spans})
    sections = ["[entities]", *labels, "[relations]", "[events]", "[attributes]"]
    _write(folder / "annotation.conf", "".join(f"{line}\n" for line in sections))


def _pair(path: Path) -> tuple[Path, Path]:
    return path.with_suffix(_TEXT), path.with_suffix(_ANNOTATIONS)


def _without_annotations(folder: Path) -> int:
    return sum(not file.with_suffix(_ANNOTATIONS).exists() for file in files_below(folder, f"*{_TEXT}"))


def _read_document(source: SourceFile, gaps: list[str]) -> AnnotatedText:
    """Return the text of a file of annotations with its entities; add the discontinuous ones to `gaps`."""
    text_file, _ = _pair(source.path)
    if not text_file.is_file():
        raise source.error(f"these annotations have no text: {text_file} does not exist")
    text = read_text(text_file)
    found = list(_read_entities(source))
    marks = [mark for _, marks in found for mark in marks]
    try:
        unit, places = to_characters(text, marks, CHARACTERS)
    except OffsetError as error:
        lines = [line for line, marks in found for _ in marks]
        raise source.error(str(error), lines[error.index]) from None
    if unit != CHARACTERS:
        source.notes[f"texts read with offsets in {unit} instead of {CHARACTERS}"] += 1
    spans, rest = [], iter(places)
    for line, fragments in found:
        own = sorted(islice(rest, len(fragments)))
        if any(text[before[1] : after[0]].strip() for before, after in pairwise(own)):
            words = " ".join(text[start:end] for start, end in own)
            gaps.append(f"{source.path}:{line} ({words[:60]!r})")
        else:
            spans.append(CharSpan(own[0][0], own[-1][1], str(fragments[0].label)))
    return AnnotatedText(text, spans, 1, path=text_file)


def _read_entities(source: SourceFile) -> Iterator[tuple[int, list[Mark]]]:
    """Yield the line number and the fragments of each entity; count the other lines."""
    for number, line in enumerate(read_lines(source.path), 1):
        if match := _ENTITY.fullmatch(line):
            places = [place.split(" ") for place in match["places"].split(";")]
            quote = match["quote"] if len(places) == 1 else None
            yield number, [Mark(int(start), int(end), match["label"], quote or None) for start, end in places]
        elif line[:1] in _OTHER_LINES:
            source.notes[f"{_OTHER_LINES[line[0]]} skipped"] += 1
        elif line.strip():
            example = "T1⇥PER 0 12⇥Ada Lovelace (⇥ is a tab)"
            raise source.error(f"expected an entity such as {example}, found {line[:120]!r}", number)


def _line(document: AnnotatedText, source: SourceFile, number: int, span: CharSpan) -> str:
    """Return the line for an entity, with one pair of offsets per line of text that the entity covers."""
    start, end, label = span
    if len(label.split()) != 1 or label != label.strip():
        raise source.error(f"brat cannot hold the label {label!r}: it has white space", document.line)
    quote = document.text[start:end]
    pieces = [(start + match.start(), start + match.end()) for match in re.finditer(r"[^\n]+", quote)]
    if quote.startswith("\n") or quote.endswith("\n"):
        pieces = [(start, end)]
    places = ";".join(f"{first} {last}" for first, last in pieces)
    return f"T{number}\t{label} {places}\t{' '.join(quote.split())}\n"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="")

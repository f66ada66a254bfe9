"""Writing what was predicted, document by document, as it comes."""

from __future__ import annotations

import gzip
import io
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TextIO, cast

from rnner.cli.console import Terminal
from rnner.data.formats.columns import write_conll
from rnner.errors import UsageError
from rnner.pipeline import Document
from rnner.render.colours import colours_of
from rnner.render.entities import binary_view, entities_table, entities_text, readings_table, tally
from rnner.render.html import html_page
from rnner.render.json_output import entities_json, to_json
from rnner.render.tables import colour_system
from rnner.tags import Span, from_spans
from rnner.text.entity import Entity

_OWN_KEYS = ("text", "entities", "nbest")  # of JSON: what a record had there gives way
_WIDEST = 100  # columns; longer lines are hard to read


class Shown(NamedTuple):
    """What people are shown of a document: its entities, and for each sentence other readings if wanted."""

    text: str
    entities: list[Entity]
    nbest: list[list[tuple[float, list[Entity]]]]


def piece_of(
    document: Document, form: str, *, scheme: str, width: int | None, kept: Mapping[str, Any]
) -> str | Shown:
    """What `write_pieces` needs of a document; it may be made in another process.

    Args:
        document: with its entities.
        form: text, table, html, json, jsonl, conll or binary.
        scheme: of the model; one of names alone writes 1 and 0 as conll tags, others IOB2.
        width: columns of the terminal that binary is for, if it is for one.
        kept: what else goes into JSON.
    """
    if form in ("json", "jsonl"):
        return to_json(_item(document) | {k: v for k, v in kept.items() if k not in _OWN_KEYS})
    if form == "conll":
        lines = io.StringIO()
        words = [[token.text for token in tokens] for tokens in document.sentences]
        write_conll(words, document_tags(document, scheme), lines)
        return lines.getvalue()
    if form == "binary":
        return "".join(binary_view(*sentence, width=width) + "\n\n" for sentence in _flagged(document))
    return Shown(document.text, document.entities(), document.nbest())


def write_pieces(
    pieces: Iterable[str | Shown],
    form: str,
    sink: TextIO,
    *,
    labels: Sequence[str] = (),
    title: str = "Names",
    scores: bool = False,
) -> None:
    """Write documents to a stream, each as it comes.

    Args:
        pieces: of the documents, in order, from `piece_of` for the same form.
        form: text, table, html, json, jsonl, conll or binary.
        sink: an open text stream.
        labels: of the model, for text and html.
        title: of the page of html.
        scores: whether text and html tell probabilities.
    """
    if form == "json":
        _write_json(cast("Iterable[str]", pieces), sink)
    elif form in ("jsonl", "conll", "binary"):
        end = "\n" if form == "jsonl" else ""
        for piece in cast("Iterable[str]", pieces):
            sink.write(piece + end)
    else:
        _write_shown(cast("Iterable[Shown]", pieces), form, sink, labels, title, scores)


def _write_shown(
    pieces: Iterable[Shown], form: str, sink: TextIO, labels: Sequence[str], title: str, scores: bool
) -> None:
    if form == "text":
        _write_text(pieces, sink, labels, scores=scores)
    elif form == "table":
        _write_tables(pieces, sink)
    else:
        items = ((piece.text, piece.entities) for piece in pieces)
        sink.writelines(html_page(items, labels, title=title, scores=scores))


def document_tags(document: Document, scheme: str) -> list[list[str]]:
    """The tags of each sentence, in IOB2, or 1 and 0 for a model of names alone."""
    written = "binary" if scheme == "binary" else "iob2"
    return [
        from_spans((Span(span.start, span.end, span.label) for span in spans), len(tokens), written)
        for tokens, spans in zip(document.sentences, document.spans, strict=True)
    ]


def _write_text(pieces: Iterable[Shown], sink: TextIO, labels: Sequence[str], *, scores: bool) -> None:
    """Texts with their entities marked; on a terminal, lines fit and the last one tells what was found.

    Texts of one line stand under one another, as they came; an empty line is around longer ones.
    """
    console = Terminal(file=sink, soft_wrap=True)
    system = colour_system(console)
    colours = colours_of(labels).items()
    grounds = {label: colour.ground(system) for label, colour in colours} if system else None
    width = min(console.width, _WIDEST) if sink.isatty() else None
    counts = Counter(dict.fromkeys(labels, 0))
    long_before: bool | None = None  # of no document
    for piece in pieces:
        counts.update(entity.label for entity in piece.entities)
        lines = list(entities_text(piece.text, piece.entities, grounds, width=width, scores=scores))
        long = len(lines) > 1 or bool(piece.nbest)
        if long_before is not None and (long or long_before):
            console.print()
        for line in lines:
            console.print(line)
        _print_readings(piece, console)
        long_before = long
    if sink.isatty():
        console.print()
        console.print(tally(+counts, grounds))


def _write_tables(pieces: Iterable[Shown], sink: TextIO) -> None:
    console = Terminal(file=sink)
    for i, piece in enumerate(pieces):
        if i:
            console.print()
        console.print(entities_table(piece.text, piece.entities))
        _print_readings(piece, console)


def _print_readings(piece: Shown, console: Terminal) -> None:
    for readings in piece.nbest:
        console.print()
        console.print(readings_table(readings), soft_wrap=False)


def _item(document: Document) -> dict[str, Any]:
    """A document as it stands in JSON."""
    (item,) = entities_json([(document.text, document.entities())])
    if document.readings:
        places = ({"start": tokens[0].start, "end": tokens[-1].end} for tokens in document.sentences)
        nbest = ([_reading(*reading) for reading in readings] for readings in document.nbest())
        item["nbest"] = [place | {"readings": found} for place, found in zip(places, nbest, strict=True)]
    return item


def _reading(probability: float, entities: list[Entity]) -> dict[str, Any]:
    plain = [{"label": e.label, "start": e.start, "end": e.end, "text": e.text} for e in entities]
    return {"probability": probability, "entities": plain}


def _write_json(items: Iterable[str], sink: TextIO) -> None:
    """A list, written as its items come: an item a line."""
    between = "[\n"
    for item in items:
        sink.write(between + item)
        between = ",\n"
    sink.write("[]\n" if between == "[\n" else "\n]\n")


def _flagged(document: Document) -> Iterator[tuple[list[str], list[int]]]:
    """The words of each sentence, and whether each belongs to a name."""
    for tokens, tags in zip(document.sentences, document_tags(document, "binary"), strict=True):
        yield [token.text for token in tokens], [int(tag) for tag in tags]


_LEVEL = 6  # gzip's own; Python's takes three times as long for a hundredth less


@contextmanager
def opened_sink(output: Path | None, source: Path | None) -> Iterator[TextIO]:
    """Where results go; a file is replaced only when all of it is there, and is gzip if it ends in .gz.

    Raises:
        UsageError: the output is a folder, or the source, or cannot be written.
    """
    if output is None:
        yield sys.stdout
        return
    output = output.resolve()  # a link stays one
    if output.is_dir():
        raise UsageError(f"{output}: is a folder; --output takes a file")
    if source is not None and source.exists() and output == source.resolve():
        raise UsageError(f"{output}: is the file that is read; choose another --output")
    partial = output
    if output.is_file() or not output.exists():  # else it is a pipe or a device
        partial = output.with_name(output.name + ".partial")
    try:
        with _file(partial, packed=output.suffix == ".gz") as file:
            yield file
        if partial != output:
            partial.replace(output)
    finally:
        if partial != output:
            partial.unlink(missing_ok=True)


@contextmanager
def _file(path: Path, *, packed: bool) -> Iterator[TextIO]:
    with ExitStack() as stack:
        try:
            raw = stack.enter_context(path.open("wb"))
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror}") from None
        if packed:  # the same bytes for the same content: no time, no name
            stream = stack.enter_context(gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0))
            yield stack.enter_context(io.TextIOWrapper(stream, encoding="utf-8", newline="\n"))
        else:
            yield stack.enter_context(io.TextIOWrapper(raw, encoding="utf-8", newline="\n"))

"""Writing what was predicted, document by document, as it comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

from rnner.cli.console import Terminal
from rnner.data.conll import write_conll
from rnner.pipeline import Document
from rnner.render import (
    binary_view,
    colour_system,
    colours_of,
    entities_json,
    entities_table,
    entities_text,
    html_page,
    readings_table,
    tally,
    to_json,
)
from rnner.tags import Span, from_spans
from rnner.text import Entity

_WIDEST = 100  # columns; longer lines are hard to read


def write_documents(
    documents: Iterable[Document],
    form: str,
    sink: TextIO,
    *,
    scheme: str,
    labels: Sequence[str] = (),
    title: str = "Names",
    scores: bool = False,
) -> None:
    """Write documents to a stream.

    Args:
        documents: in order.
        form: text, table, html, json, jsonl, conll or binary.
        sink: an open text stream.
        scheme: of the model; one of names alone writes 1 and 0 as conll tags, others IOB2.
        labels: of the model, for text and html.
        title: of the page of html.
        scores: whether text and html tell probabilities.
    """
    if form == "text":
        _write_text(documents, sink, labels, scores=scores)
    elif form == "table":
        _write_tables(documents, sink)
    elif form == "html":
        items = ((document.text, document.entities()) for document in documents)
        sink.writelines(html_page(items, labels, title=title, scores=scores))
    elif form == "json":
        _write_json(documents, sink)
    elif form == "jsonl":
        for document in documents:
            sink.write(to_json(_item(document)) + "\n")
            sink.flush()
    elif form == "conll":
        for document in documents:
            words = [[token.text for token in tokens] for tokens in document.sentences]
            write_conll(words, document_tags(document, scheme), sink)
    elif form == "binary":
        _write_binary(documents, sink)


def document_tags(document: Document, scheme: str) -> list[list[str]]:
    """The tags of each sentence, in IOB2, or 1 and 0 for a model of names alone."""
    written = "binary" if scheme == "binary" else "iob2"
    return [
        from_spans((Span(span.start, span.end, span.label) for span in spans), len(tokens), written)
        for tokens, spans in zip(document.sentences, document.spans, strict=True)
    ]


def _write_text(documents: Iterable[Document], sink: TextIO, labels: Sequence[str], *, scores: bool) -> None:
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
    for document in documents:
        found = document.entities()
        counts.update(entity.label for entity in found)
        lines = list(entities_text(document.text, found, grounds, width=width, scores=scores))
        long = len(lines) > 1 or bool(document.readings)
        if long_before is not None and (long or long_before):
            console.print()
        for line in lines:
            console.print(line)
        _print_readings(document, console)
        long_before = long
    if sink.isatty():
        console.print()
        console.print(tally(+counts, grounds))


def _write_tables(documents: Iterable[Document], sink: TextIO) -> None:
    console = Terminal(file=sink)
    for i, document in enumerate(documents):
        if i:
            console.print()
        console.print(entities_table(document.text, document.entities()))
        _print_readings(document, console)


def _print_readings(document: Document, console: Terminal) -> None:
    for readings in document.nbest():
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


def _write_json(documents: Iterable[Document], sink: TextIO) -> None:
    """A list, written as its items come: an item a line."""
    between = "[\n"
    for document in documents:
        sink.write(f"{between}{to_json(_item(document))}")
        between = ",\n"
    sink.write("[]\n" if between == "[\n" else "\n]\n")


def _write_binary(documents: Iterable[Document], sink: TextIO) -> None:
    width = Terminal(file=sink).width if sink.isatty() else None
    for sentence in _flagged(documents):
        sink.write(binary_view(*sentence, width=width) + "\n\n")


def _flagged(documents: Iterable[Document]) -> Iterator[tuple[list[str], list[int]]]:
    """The words of each sentence, and whether each belongs to a name."""
    for document in documents:
        for tokens, tags in zip(document.sentences, document_tags(document, "binary"), strict=True):
            yield [token.text for token in tokens], [int(tag) for tag in tags]

"""The output of `rnner predict`. Any process can format a document; documents are written as they arrive."""

from __future__ import annotations

import gzip
import io
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, TextIO, cast

from rnner.cli.console import Terminal
from rnner.cli.output_files import check_output_file, open_output
from rnner.cli.prediction_chunks import Item
from rnner.cli.prediction_rows import EntityRows, entity_rows, format_rows
from rnner.data.formats.columns import write_conll
from rnner.decoding.document import Document
from rnner.errors import DataError, UsageError
from rnner.render.colours import label_backgrounds, label_colours
from rnner.render.entities import binary_view, counts_line, entities_table, entities_text, readings_table
from rnner.render.html import html_page
from rnner.render.json_output import entities_json, to_json
from rnner.render.tables import color_system
from rnner.system.terminal import for_data
from rnner.tags import Span, from_spans
from rnner.text.entity import Entity

_OUTPUT_KEYS = ("text", "entities", "nbest")  # of the JSON output; they replace the same keys of the record
_MAX_WIDTH = 100  # columns; longer lines are hard to read
_GZIP_LEVEL = 6  # gzip's default; Python's default, 9, takes three times as long and saves only 1 %


# --- where results go --------------------------------------------------------------------------------------


@contextmanager
def open_sink(output: Path | None, source: Path | None) -> Iterator[TextIO]:
    """Open the output file, or stdout if there is none.

    A file is replaced only when complete; `.gz` files are compressed.

    Raises:
        UsageError: the output is a folder, is the source, or cannot be written.
    """
    if output is None:
        yield for_data(sys.stdout)
        return
    output = output.resolve()
    check_output_file(output)
    if source is not None and source.exists() and output == source.resolve():
        raise UsageError(f"{output}: is the input file; choose another --output")
    with ExitStack() as stack:
        stream = stack.enter_context(open_output(output))
        if output.suffix == ".gz":  # no name and no time, so equal content gives equal bytes
            packed = gzip.GzipFile("", "wb", _GZIP_LEVEL, stream, mtime=0)
            stream = cast(IO[bytes], stack.enter_context(packed))
        yield stack.enter_context(io.TextIOWrapper(stream, encoding="utf-8", newline="\n"))


# --- one document ------------------------------------------------------------------------------------------


class DocumentView(NamedTuple):
    """Content of a document for text, table and html: entities, and alternative readings of each sentence."""

    text: str
    entities: list[Entity]
    nbest: list[list[tuple[float, list[Entity]]]]


def format_document(
    document: Document, item: Item, form: str, *, scheme: str, width: int | None
) -> str | DocumentView | EntityRows:
    """Return a document in the picklable form that `write_documents` takes.

    Args:
        document: the document, with its entities.
        item: what it was predicted from.
        form: text, table, html, json, jsonl, csv, tsv, conll or binary.
        scheme: the model's tag scheme; conll has 1 and 0 for `binary`, IOB2 tags for all others.
        width: for binary, the width of the terminal in columns; None if there is no terminal.

    Raises:
        DataError: a word contains a character that conll cannot represent.
    """
    if form in ("json", "jsonl"):
        extra = item.keys if item.offset is None else {"offset": item.offset}
        return to_json(_json_object(document) | {k: v for k, v in extra.items() if k not in _OUTPUT_KEYS})
    if form in ("csv", "tsv"):
        return entity_rows(document, item.offset or 0)
    words = [[token.text for token in tokens] for tokens in document.sentences]
    if form == "conll":
        lines = io.StringIO()
        try:
            write_conll(words, document_tags(document, scheme), lines)
        except ValueError as error:
            raise DataError(f"{error}; use --format jsonl") from None
        return lines.getvalue()
    if form == "binary":
        flags = ([int(tag) for tag in tags] for tags in document_tags(document, "binary"))
        sentences = zip(words, flags, strict=True)
        return "".join(binary_view(*sentence, width=width) + "\n\n" for sentence in sentences)
    return DocumentView(document.text, document.entities(), document.nbest())


def document_tags(document: Document, scheme: str) -> list[list[str]]:
    """Return the tags of each sentence: 1 and 0 if the model's scheme is `binary`, IOB2 otherwise."""
    written = "binary" if scheme == "binary" else "iob2"
    return [
        from_spans((Span(span.start, span.end, span.label) for span in spans), len(tokens), written)
        for tokens, spans in zip(document.sentences, document.spans, strict=True)
    ]


def _json_object(document: Document) -> dict[str, Any]:
    item = entities_json(document.text, document.entities())
    if document.readings:
        places = ({"start": tokens[0].start, "end": tokens[-1].end} for tokens in document.sentences)
        nbest = ([_json_reading(*reading) for reading in readings] for readings in document.nbest())
        item["nbest"] = [place | {"readings": found} for place, found in zip(places, nbest, strict=True)]
    return item


def _json_reading(probability: float, entities: list[Entity]) -> dict[str, Any]:
    plain = [{"label": e.label, "start": e.start, "end": e.end, "text": e.text} for e in entities]
    return {"probability": probability, "entities": plain}


# --- all documents -----------------------------------------------------------------------------------------


def write_documents(
    documents: Iterable[str | DocumentView | EntityRows],
    form: str,
    sink: TextIO,
    *,
    labels: Sequence[str] = (),
    title: str = "Names",
    scores: bool = False,
) -> None:
    """Write documents to a stream, each as it arrives.

    Args:
        documents: results of `format_document` for the same form, in order.
        form: text, table, html, json, jsonl, csv, tsv, conll or binary.
        sink: an open text stream.
        labels: labels of the model, for text and html.
        title: title of the HTML page.
        scores: whether text and html show probabilities.
    """
    if form in ("text", "table", "html"):
        views = cast("Iterable[DocumentView]", documents)
        if form == "text":
            counts = write_texts(views, sink, labels, scores=scores)
            if sink.isatty():
                _write_counts(counts, sink, labels)
        elif form == "table":
            _write_tables(views, sink)
        else:
            items = ((view.text, view.entities) for view in views)
            sink.writelines(html_page(items, labels, title=title, scores=scores))
        return
    if form in ("csv", "tsv"):
        rows = cast("Iterable[EntityRows]", documents)
        sink.writelines(format_rows(rows, "," if form == "csv" else "\t"))
        return
    strings = cast("Iterable[str]", documents)
    if form == "json":
        _write_json_list(strings, sink)
    else:
        end = "\n" if form == "jsonl" else ""
        sink.writelines(string + end for string in strings)


def write_texts(
    views: Iterable[DocumentView], sink: TextIO, labels: Sequence[str], *, scores: bool
) -> Counter[str]:
    """Write texts with their entities marked, wrapped on a terminal; return the number of each label.

    Documents of one line follow each other directly; longer ones have empty lines around them.
    """
    console = Terminal(file=sink, soft_wrap=True)
    backgrounds = label_backgrounds(label_colours(labels), color_system(console))
    width = min(console.width, _MAX_WIDTH) if sink.isatty() else None
    counts = Counter(dict.fromkeys(labels, 0))
    previous_is_long: bool | None = None  # there is no previous document
    for view in views:
        counts.update(entity.label for entity in view.entities)
        lines = list(entities_text(view.text, view.entities, backgrounds, width=width, scores=scores))
        is_long = len(lines) > 1 or bool(view.nbest)
        if previous_is_long is not None and (is_long or previous_is_long):
            console.print()
        for line in lines:
            console.print(line)
        _print_readings(view, console)
        previous_is_long = is_long
    return +counts


def _write_counts(counts: Counter[str], sink: TextIO, labels: Sequence[str]) -> None:
    console = Terminal(file=sink, soft_wrap=True)
    console.print()
    console.print(counts_line(counts, label_backgrounds(label_colours(labels), color_system(console))))


def _write_tables(views: Iterable[DocumentView], sink: TextIO) -> None:
    console = Terminal(file=sink)
    for i, view in enumerate(views):
        if i:
            console.print()
        console.print(entities_table(view.text, view.entities))
        _print_readings(view, console)


def _print_readings(view: DocumentView, console: Terminal) -> None:
    for readings in view.nbest:
        console.print()
        console.print(readings_table(readings), soft_wrap=False)


def _write_json_list(objects: Iterable[str], sink: TextIO) -> None:
    """Write a JSON list, one object per line."""
    separator = "[\n"
    for item in objects:
        sink.write(separator + item)
        separator = ",\n"
    sink.write("[]\n" if separator == "[\n" else "\n]\n")

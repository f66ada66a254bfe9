"""`rnner predict`: the names in texts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from enum import Enum
from functools import partial
from itertools import chain, tee
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, TextIO

import typer

from rnner.cli.console import Terminal, err, notice
from rnner.cli.options import MODEL, Batch, Code, Device, Threads, Window, chosen_model
from rnner.cli.progress import Speed
from rnner.decoding.windows import LONGEST
from rnner.errors import UsageError

if TYPE_CHECKING:
    from rnner.cli.prediction_input import Chunk
    from rnner.cli.prediction_job import TaggedChunk
    from rnner.data.formats.columns import ColumnSentence, ConllReader


class Input(str, Enum):
    """What comes in."""

    text = "text"
    lines = "lines"
    jsonl = "jsonl"
    conll = "conll"


class Backend(str, Enum):
    """What computes."""

    auto = "auto"
    torch = "torch"
    onnx = "onnx"


class Format(str, Enum):
    """What goes out."""

    text = "text"
    table = "table"
    html = "html"
    json = "json"
    jsonl = "jsonl"
    conll = "conll"
    binary = "binary"


def predict(
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="Texts to find names in.")] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="MODEL", help=f"{MODEL} [default: the bundled one, en]"),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", "-f", metavar="FILE", help="Read this file, gzip or not, instead of TEXT; - is stdin."
        ),
    ] = None,
    kind: Annotated[
        Input,
        typer.Option(
            "--input",
            metavar="KIND",
            help="text: one document, or several if longer than 500,000 characters, cut at blank lines; "
            'lines: a text a line; jsonl: {"text": ...} or {"tokens": [...]} a line; conll: a column file.',
        ),
    ] = Input.text,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            metavar="FORM",
            help="text, table, html, json, jsonl, conll or binary. [default: what the name of --output ends "
            "in; text on a terminal, else table]",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write to this file, not to stdout; gzip if it ends in .gz.",
        ),
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(
            "--threshold", metavar="P", min=0.0, max=1.0, help="Leave out entities less probable than this."
        ),
    ] = 0.0,
    nbest: Annotated[
        int,
        typer.Option(
            "--nbest", metavar="N", min=0, help="Also the N most probable ways to tag each sentence."
        ),
    ] = 0,
    scores: Annotated[
        bool, typer.Option("--scores", help="Show in text and html how probable each entity is.")
    ] = False,
    batch: Batch = 256,
    window: Window = LONGEST,
    column: Annotated[
        int | None,
        typer.Option("--column", metavar="N", help="Words of a column file, from 0. [default: found]"),
    ] = None,
    backend: Annotated[
        Backend,
        typer.Option(
            "--backend",
            metavar="NAME",
            help="torch; onnx, which starts sooner; auto: onnx for TEXT if the model has it, else torch.",
        ),
    ] = Backend.auto,
    code: Code = None,
    device: Device = "cpu",
    threads: Threads = None,
    workers: Annotated[
        int,
        typer.Option("--workers", metavar="N", min=1, help="Processes side by side, of one thread each."),
    ] = 1,
) -> None:
    """Find the names in texts.

    Texts come as arguments, from a file, or from stdin. text marks the names in them, html does it on a page
    that stands alone; table lists the names too. binary shows the words of each sentence in a row, and 1 or 0
    under each; conll adds the tags to a column file as its last column.
    """
    _check_input(texts, file, kind)
    terminal = output is None and sys.stdout.isatty()
    form = _chosen(form or _named(output), nbest=nbest, scores=scores, terminal=terminal)
    from rnner.cli.prediction_input import chunks_of_sentences, chunks_of_texts, opened
    from rnner.cli.prediction_job import TAGS, PredictionJob, tagged
    from rnner.cli.prediction_output import opened_sink, write_pieces
    from rnner.data.formats.columns import ConllReader
    from rnner.export.runtime import choose_backend

    soon = bool(texts) and not code and device in ("auto", "cpu")
    settings: dict[str, Any] = {"sentences": batch, "window": window, "device": device, "code": code}
    with ExitStack() as stack:
        sink = stack.enter_context(opened_sink(output, file))
        job = PredictionJob(
            choose_backend(chosen_model(model), backend.value, soon=soon),
            settings | {"threads": threads or (1 if workers > 1 else None)},
            TAGS if kind is Input.conll and form is Format.conll else form.value,
            threshold,
            nbest,
            Terminal(file=sink).width if sink.isatty() else None,
        )
        speed = stack.enter_context(Speed(shown=err.is_terminal and not sink.isatty() and not texts))
        if texts:
            chunks, source = chunks_of_texts(texts), None
        else:
            source = sys.stdin.buffer if file is None or str(file) == "-" else file
            stream = stack.enter_context(opened(source))
            if kind is Input.conll:
                reader = ConllReader(stream, columns=_columns(column), tagged=False)
                read = chunks_of_sentences(reader)
                if form is Format.conll:
                    _add_column(reader, read, partial(tagged, job, workers=workers), speed, sink)
                    return
                chunks = (chunk for chunk, _ in read)
            else:
                chunks = _chunks(kind, stream)
        found = tagged(job, chunks, workers)
        first = next(found)
        write_pieces(
            _pieces(chain([first], found), speed, sink),
            form.value,
            sink,
            labels=first.labels,
            title=f"Names in {source.name}" if isinstance(source, Path) else "Names",
            scores=scores,
        )


def _check_input(texts: list[str] | None, file: Path | None, kind: Input) -> None:
    """Raise UsageError unless there is one input, of the kind that is said."""
    if texts and file is not None:
        raise UsageError("give either TEXT or --file, not both")
    if texts and kind is Input.conll:
        raise UsageError("--input conll reads a column file: give it with --file, or on stdin")
    if not texts and file is None and sys.stdin.isatty():
        raise UsageError('give a TEXT in quotes, --file FILE, or text on stdin: rnner predict "..."')
    for text in texts or []:
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise UsageError(f"TEXT {text!r}: not UTF-8; put it into a file and convert that")


def _named(output: Path | None) -> Format | None:
    """The format that a file's name ends in, such as .jsonl or .jsonl.gz."""
    ending = "" if output is None else Path(output.name.removesuffix(".gz")).suffix[1:]
    return Format(ending) if ending in ("html", "json", "jsonl", "conll") else None


def _chosen(form: Format | None, *, nbest: int, scores: bool, terminal: bool) -> Format:
    """The format that is meant; raise UsageError if it cannot hold what is asked for."""
    if form is None:
        return Format.text if terminal or scores else Format.table
    if nbest and form in (Format.html, Format.conll, Format.binary):
        raise UsageError(
            f"--nbest: --format {form.value} has room for one way only; use text, table, json or jsonl"
        )
    if scores and form not in (Format.text, Format.html):
        always = "" if form in (Format.conll, Format.binary) else f"; {form.value} always has them"
        raise UsageError(f"--scores is for --format text and html{always}")
    return form


def _chunks(kind: Input, stream: IO[bytes]) -> Iterator[Chunk]:
    """What a stream holds, but for column files."""
    from rnner.cli.prediction_input import LONGEST_TEXT, chunks_of_lines, chunks_of_records, chunks_of_text
    from rnner.data.lines import name_of

    if kind is Input.lines:
        return chunks_of_lines(stream)
    if kind is Input.jsonl:
        return chunks_of_records(stream)
    told = f"{name_of(stream)}: more than {LONGEST_TEXT:,} characters, read as several documents"
    return chunks_of_text(
        stream, lambda: notice(f"{told}, each with its offset; they are cut at blank lines")
    )


def _pieces(results: Iterable[TaggedChunk], speed: Speed, sink: TextIO) -> Iterator[Any]:
    """The pieces of all documents; who may be waiting for one gets it at once."""
    for found in results:
        yield from found.pieces
        speed.add(found.words)
        if found.waits:
            sink.flush()


def _add_column(
    reader: ConllReader,
    read: Iterator[tuple[Chunk, list[ColumnSentence]]],
    tagged: Callable[[Iterable[Chunk]], Iterator[TaggedChunk]],
    speed: Speed,
    sink: TextIO,
) -> None:
    """Copy a column file with the predicted tags as a last column."""
    from rnner.data.formats.columns import write_with_tags

    ahead, behind = tee(read)
    results = tagged(chunk for chunk, _ in ahead)
    for found, (_, sentences) in zip(results, behind, strict=False):
        write_with_tags(sentences, found.pieces, sink, layout=reader.layout)
        speed.add(found.words)
    write_with_tags([], [], sink, layout=reader.layout, trailing=reader.trailing)


def _columns(column: int | None) -> dict[str, int] | None:
    return None if column is None else {"token": column}

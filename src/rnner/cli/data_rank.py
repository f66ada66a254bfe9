"""`rnner data rank`: put texts into the order in which to annotate them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from rnner.cli import options
from rnner.cli.console import err, notice
from rnner.cli.prediction_options import check_kind, parse_word_column, sample_file
from rnner.cli.progress_display import Activity, PredictionProgress
from rnner.errors import UsageError, counted, did_you_mean

if TYPE_CHECKING:
    from rnner.cli.prediction_chunks import Chunk, Item
    from rnner.data.formats.annotated import AnnotatedText
    from rnner.decoding.document import Document
    from rnner.pipeline import Pipeline


class Order(StrEnum):
    """Order of the texts."""

    uncertain = "uncertain"
    random = "random"
    file = "file"


class ErrorRule(StrEnum):
    """Rule for records that cannot be read."""

    stop = "stop"
    skip = "skip"


class _Text(NamedTuple):
    """A text to rank.

    Attributes:
        text: the text.
        words: number of words.
        names: the uncertainty of its possible names; empty if the order does not depend on it.
        output: the line of the output (jsonl, conll), or the text with its suggestions (other formats).
    """

    text: str
    words: int
    names: dict[str, float]
    output: str | AnnotatedText


_MODEL_HELP = f"{options.MODEL} Repeatable: the disagreement of several models counts too. [default: en]"
_INPUT_HELP = """\
text, lines, jsonl, json, csv, conll, or a format of `rnner data convert`, of which only the text is read.
[default: detected; plain text has one text per line]"""
_ORDER_HELP = "uncertain: what the model knows least about first; random; or file, as they are."
_FORMAT_HELP = """\
jsonl, conll, labelstudio, doccano, prodigy, webanno, brat, spacy or spacy-json. [default: from the suffix of
--output, otherwise jsonl]"""


def rank(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Texts, plain or gzip, or sample:test; - is stdin.")
    ],
    models: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", metavar="MODEL", help=_MODEL_HELP, rich_help_panel=options.MODEL_PANEL),
    ] = None,
    order: Annotated[
        Order, typer.Option(metavar="ORDER", help=_ORDER_HELP, rich_help_panel=options.OUTPUT)
    ] = Order.uncertain,
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Write only the first N texts.", rich_help_panel=options.OUTPUT
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write to this file instead of stdout.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="FORMAT", help=_FORMAT_HELP, rich_help_panel=options.OUTPUT),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            max=2**63 - 1,
            help="Seed of --order random.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = 0,
    kind: Annotated[
        str | None,
        typer.Option("--input", metavar="KIND", help=_INPUT_HELP, rich_help_panel=options.INPUT),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN",
            help="Column of the words in a file with one word per line: a number from 0, or token=NAME.",
            rich_help_panel=options.INPUT,
        ),
    ] = None,
    on_error: Annotated[
        ErrorRule,
        typer.Option(
            "--on-error",
            metavar="RULE",
            help="What to do if a record cannot be read: stop there, or skip it.",
            rich_help_panel=options.INPUT,
        ),
    ] = ErrorRule.stop,
    device: options.Device = "cpu",
    threads: options.Threads = None,
    code: options.Code = None,
) -> None:
    """Put texts into the order in which to annotate them, with suggestions.

    Annotating first what a model is most uncertain about takes fewer texts for the same accuracy. A name that
    an earlier text asks about counts less, and texts that are almost equal are kept apart. After training on
    new annotations, rank again.

    The output has the entities that the (first) model finds, for people to correct. jsonl also has the
    uncertainty of each text in bits, and keeps the other keys of a record.

    Examples:
        rnner data rank sample:test --limit 20
        rnner data rank sample:test --format labelstudio --output tasks.json
    """
    file = sample_file(file) or file
    check_kind([], file, kind)
    chosen_columns = parse_word_column(columns, [], kind)
    form = _choose_format(form, output)
    from rnner.cli.prediction_failures import Failures
    from rnner.cli.prediction_source import open_source

    failures = Failures(on_error.value)
    pipelines = _load(models or [None], device, threads, code)
    with ExitStack() as stack:
        progress = stack.enter_context(PredictionProgress(shown=err.is_terminal))
        source = stack.enter_context(open_source([], file, kind, chosen_columns, failures, plain="lines"))
        texts = list(_read(source.chunks, pipelines, form, progress, uncertain=order is Order.uncertain))
    with Activity(f"ranking {counted(len(texts), 'text')}"):
        chosen = list(islice(_order(texts, order, seed), limit))
    _write([texts[number].output for number in chosen], form, output, file)
    if output is not None:
        notice(f"wrote {output}: {len(chosen):,} of {counted(len(texts), 'text')}")
    failures.finish()


def _choose_format(form: str | None, output: Path | None) -> str:
    """Return the format of the output.

    Raises:
        UsageError: it is unknown, cannot be written to stdout, or does not follow from the suffix.
    """
    from rnner.data.formats.registry import TEXT_FORMATS, formats_with_suffix

    known = [
        "jsonl",
        "conll",
        *(name for name, it in TEXT_FORMATS.items() if it.writable and name != "jsonl"),
    ]
    if form is None:
        suffix = "" if output is None else Path(output.name.removesuffix(".gz")).suffix.lower()
        if output is None or suffix == ".jsonl":
            return "jsonl"
        matching = [name for name in formats_with_suffix(suffix) if name in known]
        if len(matching) != 1:
            raise UsageError(f"--output {output}: add --format: {', '.join(matching or known)}")
        return matching[0]
    if form not in known:
        expected = f"{did_you_mean(form, known)}; expected one of: {', '.join(known)}"
        raise UsageError(f"--format {form}: unknown format{expected}")
    if output is None and form != "conll" and TEXT_FORMATS[form].save is not None:
        raise UsageError(f"--format {form} is not text: add --output")
    return form


def _load(
    models: Sequence[str | None], device: str, threads: int | None, code: list[Path] | None
) -> list[Pipeline]:
    """Load the models.

    Raises:
        UsageError: they have different labels, or as `load_decoders` does.
    """
    from rnner.pipeline import Pipeline

    paths = [options.resolve_model(model) for model in models]
    decoders = options.load_decoders(paths, device=device, threads=threads, code=code)
    if len(models) > 1:
        from rnner.decoding.ensemble import require_same_labels

        names = [str(model) for model in models]
        require_same_labels(
            {
                f"{name} (--model {i})": decoder.vocabulary
                for i, (name, decoder) in enumerate(zip(names, decoders, strict=True), 1)
            }
        )
    return list(map(Pipeline, decoders))


def _read(
    chunks: Iterable[Chunk],
    pipelines: Sequence[Pipeline],
    form: str,
    progress: PredictionProgress,
    *,
    uncertain: bool,
) -> Iterator[_Text]:
    """Predict the texts of all chunks."""
    from rnner.active_learning.uncertainty import uncertain_names

    first = pipelines[0]
    for chunk in chunks:
        numbers = chunk.document_ids
        documents = first.read(chunk.contents, numbers)
        names = uncertain_names(documents, pipelines, numbers) if uncertain else [{} for _ in documents]
        total = 0
        for item, document, own in zip(chunk.items, documents, names, strict=True):
            words = sum(map(len, document.sentences))
            bits = sum(own.values()) if uncertain else None
            scheme = first.vocabulary.scheme
            yield _Text(document.text, words, own, _suggestion(item, document, form, scheme, bits))
            total += words
        progress.add(total)


def _suggestion(
    item: Item, document: Document, form: str, scheme: str, bits: float | None
) -> str | AnnotatedText:
    """Return a text with the entities that the model finds, as `_write` takes it."""
    if form in ("jsonl", "conll"):
        from rnner.cli.prediction_output import format_document

        keys: dict[str, Any] = dict(item.keys)
        if isinstance(item.content, list) and keys.keys().isdisjoint(("tokens", "words")):
            keys["tokens"] = item.content
        if bits is not None:
            keys["uncertainty"] = round(bits, 3)
        formatted = format_document(document, item._replace(keys=keys), form, scheme=scheme, width=None)
        return f"{formatted}\n" if form == "jsonl" else str(formatted)
    from rnner.data.formats.annotated import AnnotatedText, CharSpan

    spans = [CharSpan(entity.start, entity.end, entity.label) for entity in document.entities()]
    sentences = document.sentences if isinstance(item.content, list) else None
    return AnnotatedText(document.text, spans, 1, sentences, marked=sentences is None)


def _order(texts: Sequence[_Text], order: Order, seed: int) -> Iterable[int]:
    """Return the numbers of the texts, in order."""
    from rnner.active_learning.ranking import random_order, uncertain_first

    if order is Order.file:
        return range(len(texts))
    if order is Order.random:
        return random_order(len(texts), seed)
    return uncertain_first(
        [own.text for own in texts], [own.names for own in texts], [own.words for own in texts]
    )


def _write(items: Sequence[Any], form: str, output: Path | None, file: Path) -> None:
    """Write the texts in order: lines of jsonl or conll, or `AnnotatedText`s."""
    from rnner.cli.output_files import check_output_file, write_errors
    from rnner.cli.prediction_output import open_sink
    from rnner.data.formats.annotated import SourceFile
    from rnner.data.formats.labelstudio import write_suggestions
    from rnner.data.formats.registry import TEXT_FORMATS
    from rnner.system.files import atomic_replace

    source, save = SourceFile(file), None if form == "conll" else TEXT_FORMATS[form].save
    if save is not None and output is not None:
        check_output_file(output)
        with write_errors(output), atomic_replace(output) as partial:
            save(items, partial, source)
        return
    with open_sink(output, file) as sink:
        if form in ("jsonl", "conll"):
            sink.writelines(items)
        elif form == "labelstudio":
            write_suggestions(items, sink, source)
        elif (write := TEXT_FORMATS[form].write) is not None:
            write(items, sink, source)

"""Tagging for `rnner predict`: chunk by chunk, in this process or in worker processes."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice, tee
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from rnner.cli.options import load_decoders
from rnner.cli.prediction_chunks import Chunk, Item
from rnner.cli.prediction_failures import Failures
from rnner.cli.prediction_input import ColumnInput
from rnner.cli.prediction_output import document_tags, format_document, write_documents
from rnner.cli.prediction_rows import ENTITIES, entities_cell
from rnner.cli.prediction_source import Source
from rnner.cli.progress_display import PredictionProgress
from rnner.data.formats.columns import write_with_tags
from rnner.data.formats.csv_rows import format_row
from rnner.decoding.document import Document
from rnner.pipeline import Pipeline
from rnner.render.json_output import to_json
from rnner.system.process_memory import release_freed_memory

if TYPE_CHECKING:
    from rnner.cli.prediction_table import TableInput

# Formats of results for the last column of a file that is copied: a list of tags, or entities as JSON.
_TAGS, _ENTITIES = "tags", "entities"
_CLEANUP_INTERVAL = 100_000  # number of words after which freed memory is returned to the system


class ChunkResult(NamedTuple):
    """The results for a chunk.

    Attributes:
        documents: as `rnner.cli.prediction_output.format_document` returns them, or those of a last column.
        words: number of words in the chunk.
        labels: labels of the model.
        flush: the same as in the chunk.
    """

    documents: list[Any]
    words: int
    labels: list[str]
    flush: bool


@dataclass(frozen=True)
class PredictionJob:
    """How to tag chunks and format the results.

    Attributes:
        model: a model folder or an exported file.
        settings: arguments of `load_decoders`.
        form: a format of `format_document`, or `_TAGS` or `_ENTITIES`.
        threshold: entities less probable than this are left out.
        nbest: number of alternative readings per sentence.
        width: see `format_document`.
    """

    model: Path
    settings: dict[str, Any]
    form: str
    threshold: float = 0.0
    nbest: int = 0
    width: int | None = None

    def load(self) -> Callable[[Chunk], ChunkResult]:
        """Load the model and return a function that tags chunks.

        Raises:
            RnnerError: as `load_decoders` does.
        """
        pipeline = Pipeline(load_decoders([self.model], **self.settings)[0])
        # Results contain no reference cycles, so searching for cycles often would only waste time.
        gc.set_threshold(100_000, 20, 20)
        words_since_cleanup = 0

        def tag(chunk: Chunk) -> ChunkResult:
            nonlocal words_since_cleanup
            numbers = chunk.document_ids
            documents = pipeline.read(chunk.contents, numbers)
            if self.nbest:
                documents = pipeline.with_readings(documents, self.nbest, numbers)
            if self.threshold > 0:
                documents = [document.above(self.threshold) for document in documents]
            words = sum(len(tokens) for document in documents for tokens in document.sentences)
            formatted = self._format(documents, chunk, pipeline.vocabulary.scheme)
            words_since_cleanup += words
            if words_since_cleanup >= _CLEANUP_INTERVAL:
                release_freed_memory()
                words_since_cleanup = 0
            return ChunkResult(formatted, words, pipeline.labels, chunk.flush)

        return tag

    def _format(self, documents: list[Document], chunk: Chunk, scheme: str) -> list[Any]:
        if self.form == _TAGS:
            return [document_tags(document, scheme)[0] for document in documents]
        if self.form == _ENTITIES:
            return [entities_cell(document) for document in documents]

        def formatted(document: Document, item: Item) -> Any:
            if item.failed:
                return to_json(item.keys)
            return format_document(document, item, self.form, scheme=scheme, width=self.width)

        return list(map(formatted, documents, chunk.items))


def predict_chunks(job: PredictionJob, chunks: Iterable[Chunk], workers: int) -> Iterator[ChunkResult]:
    """Yield the results of each chunk, in order; if there are no chunks, yield those of an empty one.

    Raises:
        RnnerError: the model cannot be loaded, a chunk cannot be read, or a worker died.
    """
    iterator = iter(chunks)
    chunks = chain([next(iterator, Chunk([]))], iterator)
    if workers == 1:
        yield from map(job.load(), chunks)
        return
    from rnner.system.workers import Workers  # slow to import

    with Workers(workers, job.load) as pool:
        yield from pool.map(chunks, lambda chunk: chunk.flush)


def write_predictions(
    source: Source,
    job: PredictionJob,
    workers: int,
    progress: PredictionProgress,
    sink: TextIO,
    *,
    scores: bool,
) -> None:
    """Tag all documents, and write each as soon as it is done; `scores` as for `write_documents`."""
    results = predict_chunks(job, source.chunks, workers)
    first = next(results)

    def documents() -> Iterator[Any]:
        for result in chain([first], results):
            yield from result.documents
            progress.add(result.words)
            if result.flush:
                sink.flush()

    title = f"Names in {source.name}" if source.name else "Names"
    write_documents(documents(), job.form, sink, labels=first.labels, title=title, scores=scores)


def write_tagged_columns(
    columns: ColumnInput,
    failures: Failures,
    job: PredictionJob,
    workers: int,
    progress: PredictionProgress,
    sink: TextIO,
) -> None:
    """Copy a column file with the predicted tags as an additional last column."""
    reader = columns.reader
    unwritten, sentences = tee(reader)
    chunks = failures.until_error(columns.chunks(sentences))
    for result in predict_chunks(replace(job, form=_TAGS), chunks, workers):
        written = islice(unwritten, len(result.documents))
        write_with_tags(written, result.documents, sink, layout=reader.layout)
        progress.add(result.words)
    write_with_tags([], [], sink, layout=reader.layout, trailing=reader.trailing)


def write_table(
    table: TableInput,
    failures: Failures,
    job: PredictionJob,
    workers: int,
    progress: PredictionProgress,
    sink: TextIO,
    delimiter: str,
) -> None:
    """Copy a table with the entities of each row, as JSON, in an additional last column."""
    unwritten, rows = tee(table)
    chunks = failures.until_error(table.chunks(rows))
    results = predict_chunks(replace(job, form=_ENTITIES), chunks, workers)
    first = next(results)  # before anything is written, in case the model cannot be loaded
    sink.write(format_row([*table.kept(table.header), ENTITIES], delimiter) + "\n")
    for result in chain([first], results):
        written = zip(islice(unwritten, len(result.documents)), result.documents, strict=True)
        for row, entities in written:
            sink.write(format_row([*table.kept(row.cells), entities], delimiter) + "\n")
        progress.add(result.words)
        if result.flush:
            sink.flush()

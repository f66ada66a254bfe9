"""Tagging for `rnner predict`: chunk by chunk, in this process or in worker processes."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from rnner.cli.options import load_decoders
from rnner.cli.prediction_input import Chunk, sentence_chunks
from rnner.cli.prediction_output import document_tags, format_document
from rnner.cli.progress_display import PredictionProgress
from rnner.data.formats.columns import ColumnSentence, ConllReader, write_with_tags
from rnner.decoding.document import Document
from rnner.pipeline import Pipeline
from rnner.system.process_memory import release_freed_memory

TAGS = "tags"
"""The format of results that are lists of tags, to be written as the last column of a column file."""

_CLEANUP_INTERVAL = 100_000  # number of words after which freed memory is returned to the system


class ChunkResult(NamedTuple):
    """The results for a chunk.

    Attributes:
        documents: as `rnner.cli.prediction_output.format_document` returns them, or lists of tags.
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
        form: a format of `format_document`, or `TAGS`.
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
            documents = pipeline.read(chunk.contents, chunk.document_ids)
            if self.nbest:
                documents = pipeline.with_readings(documents, self.nbest, chunk.document_ids)
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
        if self.form == TAGS:
            return [document_tags(document, scheme)[0] for document in documents]
        extra = chunk.extra if chunk.extra is not None else [{}] * len(documents)
        return [
            format_document(document, self.form, scheme=scheme, width=self.width, extra=keys)
            for document, keys in zip(documents, extra, strict=True)
        ]


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


def write_tagged_columns(
    reader: ConllReader, job: PredictionJob, workers: int, progress: PredictionProgress, sink: TextIO
) -> None:
    """Copy a column file with the predicted tags as an additional last column."""
    unwritten: deque[list[ColumnSentence]] = deque()

    def chunks() -> Iterator[Chunk]:
        for chunk, sentences in sentence_chunks(reader):
            unwritten.append(sentences)
            yield chunk

    for result in predict_chunks(job, chunks(), workers):
        if unwritten:  # the result of an empty file belongs to no sentences
            write_with_tags(unwritten.popleft(), result.documents, sink, layout=reader.layout)
            progress.add(result.words)
    write_with_tags([], [], sink, layout=reader.layout, trailing=reader.trailing)

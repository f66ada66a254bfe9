"""What `rnner predict` does to what it reads: the same in this process and in workers."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from rnner.cli.options import load_decoders
from rnner.cli.prediction_input import Chunk
from rnner.cli.prediction_output import document_tags, piece_of
from rnner.pipeline import Document, Pipeline
from rnner.system.process_memory import give_back_freed_memory

TAGS = "tags"
"""The form of pieces that are the tags of a sentence, to be written beside its words."""

_TIDY = 100_000  # words, after which memory that is no longer needed is given back


class TaggedChunk(NamedTuple):
    """What was found in a chunk.

    Attributes:
        pieces: of each document, see `rnner.cli.prediction_output.piece_of`; or its tags.
        words: how many the chunk has.
        labels: of the model.
        waits: as of the chunk.
    """

    pieces: list[Any]
    words: int
    labels: list[str]
    waits: bool


@dataclass(frozen=True)
class PredictionJob:
    """How chunks are tagged, and what is made of them.

    Attributes:
        model: a folder or exported file.
        settings: of `load_decoders`.
        form: a form of `piece_of`, or `TAGS`.
        threshold: what is less probable is left out.
        nbest: so many ways to tag each sentence, if not 0.
        width: see `piece_of`.
    """

    model: Path
    settings: dict[str, Any]
    form: str
    threshold: float = 0.0
    nbest: int = 0
    width: int | None = None

    def begin(self) -> Callable[[Chunk], TaggedChunk]:
        """Load the model; what comes back tags chunks.

        Raises:
            RnnerError: as `load_decoders` does.
        """
        tagging = _Tagging(self, Pipeline(load_decoders([self.model], **self.settings)[0]))
        # What is made of a chunk goes with it, none of it in a cycle; looking for some takes time.
        gc.set_threshold(100_000, 20, 20)
        return tagging


class _Tagging:
    """Does a job with a loaded model."""

    def __init__(self, job: PredictionJob, pipeline: Pipeline) -> None:
        self._job, self._pipeline, self._words = job, pipeline, 0

    def __call__(self, chunk: Chunk) -> TaggedChunk:
        job, pipeline = self._job, self._pipeline
        documents = pipeline.read(chunk.contents, chunk.numbers)
        if job.nbest:
            documents = pipeline.with_readings(documents, job.nbest, chunk.numbers)
        if job.threshold > 0:
            documents = [document.above(job.threshold) for document in documents]
        words = sum(len(tokens) for document in documents for tokens in document.sentences)
        found = TaggedChunk(self._pieces(documents, chunk), words, pipeline.labels, chunk.waits)
        self._words += words
        if self._words >= _TIDY:
            give_back_freed_memory()
            self._words = 0
        return found

    def _pieces(self, documents: list[Document], chunk: Chunk) -> list[Any]:
        job, scheme = self._job, self._pipeline.vocabulary.scheme
        if job.form == TAGS:
            return [document_tags(document, scheme)[0] for document in documents]
        kept = chunk.kept if chunk.kept is not None else [{}] * len(documents)
        return [
            piece_of(document, job.form, scheme=scheme, width=job.width, kept=own)
            for document, own in zip(documents, kept, strict=True)
        ]


def tagged(job: PredictionJob, chunks: Iterable[Chunk], workers: int) -> Iterator[TaggedChunk]:
    """What is found in each chunk, in order; in an empty one if there is none.

    Raises:
        RnnerError: the model cannot be loaded, a chunk cannot be read, or a worker died.
    """
    chunks = _at_least_one(chunks)
    if workers == 1:
        yield from map(job.begin(), chunks)
        return
    from rnner.system.workers import Workers  # slow to import, for who asks one question

    with Workers(workers, job.begin) as pool:
        yield from pool.map(chunks, lambda chunk: chunk.waits)


def _at_least_one(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    iterator = iter(chunks)
    return chain([next(iterator, Chunk([]))], iterator)

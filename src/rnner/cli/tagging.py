"""What `rnner predict` does to what it reads: the same in this process and in workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from rnner.cli.documents import document_tags, piece_of
from rnner.cli.inputs import Chunk
from rnner.cli.options import load_decoders
from rnner.cli.workers import Workers
from rnner.pipeline import Pipeline

TAGS = "tags"
"""The form of pieces that are the tags of a sentence, to be written beside its words."""


class Found(NamedTuple):
    """What was found in a chunk.

    Attributes:
        pieces: of each document, see `rnner.cli.documents.piece_of`; or its tags.
        words: how many the chunk has.
        labels: of the model.
        waits: as of the chunk.
    """

    pieces: list[Any]
    words: int
    labels: list[str]
    waits: bool


@dataclass(frozen=True)
class Job:
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

    def begin(self) -> Callable[[Chunk], Found]:
        """Load the model; what comes back tags chunks.

        Raises:
            RnnerError: as `load_decoders` does.
        """
        return partial(self._find, Pipeline(load_decoders([self.model], **self.settings)[0]))

    def _find(self, pipeline: Pipeline, chunk: Chunk) -> Found:
        documents = pipeline.read(chunk.contents, chunk.numbers)
        if self.nbest:
            documents = pipeline.with_readings(documents, self.nbest, chunk.numbers)
        if self.threshold > 0:
            documents = [document.above(self.threshold) for document in documents]
        words = sum(len(tokens) for document in documents for tokens in document.sentences)
        scheme = pipeline.vocabulary.scheme
        pieces: list[Any]
        if self.form == TAGS:
            pieces = [document_tags(document, scheme)[0] for document in documents]
        else:
            kept = chunk.kept if chunk.kept is not None else [{}] * len(documents)
            pieces = [
                piece_of(document, self.form, scheme=scheme, width=self.width, kept=own)
                for document, own in zip(documents, kept, strict=True)
            ]
        return Found(pieces, words, pipeline.labels, chunk.waits)


def tagged(job: Job, chunks: Iterable[Chunk], workers: int) -> Iterator[Found]:
    """What is found in each chunk, in order; in an empty one if there is none.

    Raises:
        RnnerError: the model cannot be loaded, a chunk cannot be read, or a worker died.
    """
    chunks = _at_least_one(chunks)
    if workers == 1:
        yield from map(job.begin(), chunks)
        return
    with Workers(workers, job.begin) as pool:
        yield from pool.map(chunks, lambda chunk: chunk.waits)


def _at_least_one(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    iterator = iter(chunks)
    return chain([next(iterator, Chunk([]))], iterator)

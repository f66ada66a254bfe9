"""`TaggerDecoder`: a decoder that runs a tagger in torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from rnner.data.batches import Batch, Integers
from rnner.data.vocabulary import Vocabulary
from rnner.decoding.batching import DocumentNumbers, SentencePart, Sentences
from rnner.decoding.cached_emitter import CachedEmitter
from rnner.decoding.crf_torch import TorchLattice
from rnner.decoding.decoder import Decoder
from rnner.decoding.emissions import Emitter, PlainEmitter
from rnner.decoding.lattice import Lattice
from rnner.decoding.spans import ScoredSpan
from rnner.decoding.windows import decided_rows, join_spans
from rnner.model.folder import load_model
from rnner.model.tagger import Tagger
from rnner.tags import Span, from_spans


def load_decoder(folder: Path | str, *, device: torch.device | str = "cpu", **limits: int) -> TaggerDecoder:
    """Load the model in a folder, ready to decode; raises what `rnner.model.folder.load_model` raises.

    Args:
        folder: written by `rnner train --output`.
        device: the device for the weights.
        limits: as for `Decoder`.
    """
    model = load_model(folder, device=device)
    return TaggerDecoder(model.tagger, model.vocabulary, final=True, **limits)


class TaggerDecoder(Decoder):
    """A decoder that runs a tagger; see `Decoder`.

    Args:
        tagger: put into evaluation mode while decoding; its mode is restored afterwards.
        vocabulary: the tagger's.
        final: whether the weights no longer change. Features of word forms are then cached between calls.
        limits: as for `Decoder`.
    """

    def __init__(self, tagger: Tagger, vocabulary: Vocabulary, *, final: bool = False, **limits: int) -> None:
        super().__init__(vocabulary, **limits)
        self.tagger = tagger
        self._cached = CachedEmitter(tagger.eval(), vocabulary) if final and self._on_cpu else None

    @property
    def device(self) -> torch.device:
        """The device of the tagger's weights."""
        return self.tagger.emission.weight.device

    @property
    def _on_cpu(self) -> bool:
        return self.device.type == "cpu"

    @property
    def uses_documents(self) -> bool:
        """Whether the tagger uses whole documents."""
        return self.tagger.document is not None

    @property
    def threshold(self) -> float | None:
        """The threshold of the tagger's head, if it has one."""
        return self.tagger.head.threshold

    @property
    def agreement(self) -> float | None:
        """The tagger's share of agreement, if it has one."""
        return self.tagger.agreement

    def emitter(self) -> Emitter:
        """Return an emitter: cached on the CPU, plain on a GPU, where products are faster than look-ups."""
        if self._on_cpu:
            return self._cached or CachedEmitter(self.tagger, self.vocabulary)
        return PlainEmitter(self._emissions, self.vocabulary, uses_documents=self.uses_documents)

    def _emissions(self, batch: Batch[NDArray[Any]]) -> Tensor:
        emissions: Tensor = self.tagger(batch.to(self.device))
        return emissions

    def lattice(self, emissions: Any, lengths: Integers) -> TorchLattice:
        """Return the lattice of emissions [b, t, k] of sentences with lengths [b]."""
        # Asynchronous: the copy need not wait until a GPU has computed the emissions.
        moved = (torch.as_tensor(part).to(self.device, non_blocking=True) for part in (emissions, lengths))
        return TorchLattice(self.tagger.head, *moved)

    @contextmanager
    def prediction_mode(self) -> Iterator[None]:
        """Switch off gradients and dropout. Evaluation mode is left as it is: threads may share a model."""
        training = self.tagger.training
        with torch.inference_mode():
            if training:
                self.tagger.eval()
            try:
                yield
            finally:
                if training:
                    self.tagger.train()

    def spans_and_loss(
        self, sentences: Sentences, tags: Sequence[list[str]], documents: DocumentNumbers = None
    ) -> tuple[list[list[Span]], float]:
        """Return the entities of each sentence, and the mean training loss of the given tags per sentence.

        Sentences with a tag that the tagger does not know are left out of the mean; it is 0.0 without others.
        Words in two windows of a long sentence count twice.
        """
        number = {tag: i for i, tag in enumerate(self.vocabulary.tags)}
        find = self._best_spans if self.threshold is None else self._best_non_overlapping
        losses, count = [0.0], 0  # losses of batches, number of sentences

        def read(lattice: Lattice, parts: list[SentencePart]) -> list[list[Span]]:
            nonlocal count
            ids = [
                [number.get(tag, -1) for tag in tags[part.sentence][part.start : part.end]] for part in parts
            ]
            rows = [row for row, own in enumerate(ids) if -1 not in own]
            if rows:
                known = pad_sequence([torch.tensor(own) for own in ids], batch_first=True)[rows]
                losses.append(cast(TorchLattice, lattice).loss(known.to(self.device), rows))
                count += len(rows)
            return [[Span(*span[:3]) for span in own] for own in find(lattice, parts)]

        found: list[list[Span]] = self.decode(sentences, documents, read, join_spans, [])
        return found, sum(losses) / max(1, count)

    def marginals(self, sentences: Sentences, documents: DocumentNumbers = None) -> list[Tensor]:
        """Return the probability of each tag at each word given the sentence, as [t, k] for each sentence.

        Illegal tag sequences are excluded. Tensors are on the tagger's device, with tags in the order of
        `vocabulary.tags`.
        """

        def read(lattice: Lattice, parts: list[SentencePart]) -> list[Tensor]:
            marginals = cast(TorchLattice, lattice).marginals()
            return [rows[: part.length] for rows, part in zip(marginals, parts, strict=True)]

        empty = torch.zeros(0, len(self.vocabulary.tags), device=self.device)
        return self.decode(
            sentences, documents, read, lambda windows, found: torch.cat(decided_rows(windows, found)), empty
        )

    def probabilities(
        self,
        sentences: Sentences,
        spans: Sequence[Sequence[Span]],
        documents: DocumentNumbers = None,
    ) -> list[list[ScoredSpan]]:
        """Return the probability of given entities.

        In a sentence that is read in windows, entities that extend beyond the window of their first word are
        omitted.

        Args:
            sentences: as words.
            spans: entities of each sentence that do not overlap. A span with an empty label asks for the
                probability that none of its words belongs to an entity.
            documents: document numbers of the sentences.

        Raises:
            ValueError: a span has a label that the tagger does not know.
        """

        def read(lattice: Lattice, parts: list[SentencePart]) -> list[list[ScoredSpan]]:
            asked = [_spans_in(part, spans[part.sentence]) for part in parts]
            return self._probabilities(cast(TorchLattice, lattice), parts, asked)

        return self.decode(sentences, documents, read, join_spans, [])

    def _probabilities(
        self, lattice: TorchLattice, parts: list[SentencePart], spans: list[list[Span]]
    ) -> list[list[ScoredSpan]]:
        places = [(row, span.start, span.end) for row, own in enumerate(spans) for span in own]
        if not places:
            return [[] for _ in parts]
        paths = []
        for own, part in zip(spans, parts, strict=True):
            names = from_spans([span for span in own if span.label], part.length, self.vocabulary.scheme)
            paths.append(torch.tensor(self.vocabulary.tag_ids(names), device=self.device))
        path, spans_of_path = pad_sequence(paths, batch_first=True), torch.tensor(places, device=self.device)
        scores = iter(lattice.probabilities_in(path, spans_of_path))
        return [[ScoredSpan(*span, next(scores)) for span in own] for own in spans]


def _spans_in(part: SentencePart, spans: Sequence[Span]) -> list[Span]:
    """Return the spans within a part of their sentence, in order, counted in words of the part."""
    return [
        Span(span.start - part.start, span.end - part.start, span.label)
        for span in sorted(spans)
        if part.start <= span.start and span.end <= part.end
    ]

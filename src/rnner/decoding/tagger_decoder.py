"""`TaggerDecoder`: a decoder that runs a tagger in torch, and the lattice of its emissions."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from rnner.data.batches import Batch, Integers
from rnner.data.tag_sets import is_set, masks
from rnner.data.vocabulary import Vocabulary
from rnner.decoding.batching import DocumentNumbers, Emitter, SentencePart, Sentences
from rnner.decoding.cached_emitter import CachedEmitter
from rnner.decoding.crf_numpy import NumpyLattice
from rnner.decoding.decoder import Decoder
from rnner.decoding.lattice import Lattice
from rnner.decoding.spans import ScoredSpan
from rnner.decoding.threshold import Candidate
from rnner.decoding.windows import decided_rows, join_spans
from rnner.model.folder import load_model
from rnner.model.tagger import Tagger
from rnner.nn.crf.marginals import marginals, span_probabilities
from rnner.nn.crf.viterbi import viterbi
from rnner.nn.heads import Head
from rnner.tags import Span, from_spans

if hasattr(os, "register_at_fork"):
    # With more threads, PyTorch would wait for those of the parent, which a forked process does not have.
    os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))


def load_decoder(folder: Path | str, *, device: torch.device | str = "cpu", **limits: int) -> TaggerDecoder:
    """Load the model in a folder for decoding; raises the errors of `rnner.model.folder.load_model`.

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
        vocabulary: the tagger's vocabulary.
        final: whether the weights no longer change. Features of word forms are then cached between calls.
        limits: as for `Decoder`.
    """

    def __init__(self, tagger: Tagger, vocabulary: Vocabulary, *, final: bool = False, **limits: int) -> None:
        uses_documents = tagger.document is not None
        super().__init__(vocabulary, tagger.head.threshold, tagger.agreement, uses_documents, **limits)
        self.tagger = tagger
        cached = final and self.device.type == "cpu"
        self._cached = CachedEmitter(tagger.eval(), vocabulary) if cached else None

    @property
    def device(self) -> torch.device:
        """The device of the tagger's weights."""
        return self.tagger.emission.weight.device

    def emitter(self) -> Emitter:
        """Return an emitter: cached on the CPU, plain on a GPU, where products are faster than look-ups."""
        if self.device.type == "cpu":
            return (self._cached or CachedEmitter(self.tagger, self.vocabulary)).for_block
        return super().emitter()

    def emissions(self, batch: Batch[NDArray[Any]]) -> Tensor:
        """Run the tagger on a batch; return the emissions [b, t, k]."""
        return cast(Tensor, self.tagger(batch.to(self.device)))

    def lattice(self, emissions: Any, lengths: Integers) -> TorchLattice:
        """Return the lattice of emissions [b, t, k] of sentences with lengths [b]."""
        # Asynchronous: the copy need not wait until a GPU has computed the emissions.
        moved = (torch.as_tensor(part).to(self.device, non_blocking=True) for part in (emissions, lengths))
        return TorchLattice(self.tagger.head, *moved)

    @contextmanager
    def prediction_mode(self) -> Iterator[None]:
        """Switch off gradients and dropout.

        A model that is already in evaluation mode is not touched, because threads may share it.
        """
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

        Tags may be sets of tags (`rnner.data.tag_sets`). Sentences with a tag that the tagger does not know
        are left out of the mean, which is 0.0 if none is left. Words in two windows of a long sentence count
        twice.
        """
        names, scheme = self.vocabulary.tags, self.vocabulary.scheme
        number = {tag: i for i, tag in enumerate(names)}
        find = self._best_spans if self.threshold is None else self._best_non_overlapping
        losses, count = [0.0], 0  # losses of batches, number of sentences

        def read(lattice: Lattice, parts: list[SentencePart]) -> list[list[Span]]:
            nonlocal count
            own_tags = [tags[part.sentence][part.start : part.end] for part in parts]
            ids = [[number.get(tag, -1) for tag in own] for own in own_tags]
            sets = {
                row: allowed
                for row, own in enumerate(own_tags)
                if any(map(is_set, own)) and (allowed := _allowed(own, names, scheme)) is not None
            }
            if sets:
                losses.append(cast(TorchLattice, lattice).partial_loss(sets))
                count += len(sets)
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
            sentences: lists of words.
            spans: entities of each sentence that do not overlap. A span with an empty label asks for the
                probability that none of its words belongs to an entity.
            documents: document numbers of the sentences.

        Raises:
            ValueError: a span has a label that the tagger does not know.
        """

        def read(lattice: Lattice, parts: list[SentencePart]) -> list[list[ScoredSpan]]:
            asked = [_spans_in(part, spans[part.sentence]) for part in parts]
            places = [(row, span.start, span.end) for row, own in enumerate(asked) for span in own]
            if not places:
                return [[] for _ in parts]
            paths = []
            for own, part in zip(asked, parts, strict=True):
                names = from_spans([span for span in own if span.label], part.length, self.vocabulary.scheme)
                paths.append(torch.tensor(self.vocabulary.tag_ids(names), device=self.device))
            path = pad_sequence(paths, batch_first=True)
            scores = iter(cast(TorchLattice, lattice).probabilities_in(path, path.new_tensor(places)))
            return [[ScoredSpan(*span, next(scores)) for span in own] for own in asked]

        return self.decode(sentences, documents, read, join_spans, [])


def _spans_in(part: SentencePart, spans: Sequence[Span]) -> list[Span]:
    """Return the spans within a part of their sentence, in order, counted in words of the part."""
    return [
        Span(span.start - part.start, span.end - part.start, span.label)
        for span in sorted(spans)
        if part.start <= span.start and span.end <= part.end
    ]


def _allowed(tags: Sequence[str], names: Sequence[str], scheme: str) -> Tensor | None:
    """Return which of the tagger's tags each word of a sentence may have [t, k]; None if a word has none."""
    try:
        return torch.from_numpy(masks(tags, names, scheme))
    except ValueError:
        return None


class TorchLattice:
    """The scores of all tag sequences of a batch; see `rnner.decoding.lattice.Lattice`.

    Args:
        head: the tagger's head.
        emissions: [b, t, k].
        lengths: [b].
    """

    def __init__(self, head: Head, emissions: Tensor, lengths: Tensor) -> None:
        self._head, self._boundary = head, head.boundary
        self._chain = (emissions, lengths, head.transition_scores())

    @cached_property
    def _best(self) -> Tensor:
        return viterbi(*self._chain)

    def best_tags(self) -> Integers:
        """Return the most probable legal tags [b, t], 0 in the padding."""
        return self._best.numpy(force=True)

    def probabilities(self, spans: Integers) -> list[float]:
        """Return the exact probability of n entities [n, 3] (row, start, end), tagged as in `best_tags`."""
        return self.probabilities_in(self._best, torch.as_tensor(spans, device=self._boundary.device))

    def probabilities_in(self, path: Tensor, spans: Tensor) -> list[float]:
        """Return the exact probability of n entities [n, 3], tagged as in `path` [b, t]."""
        scores = span_probabilities(*self._chain, tags=path, spans=spans, boundary=self._boundary)
        return cast("list[float]", scores.tolist())

    @property
    def _numpy(self) -> NumpyLattice:
        return NumpyLattice(*(part.numpy(force=True) for part in (*self._chain, self._boundary)))

    def candidates(self, labels: Integers, threshold: float) -> list[Candidate]:
        """Return all entities above a threshold, given the index [k] of each tag's label, -1 for none."""
        return self._numpy.candidates(labels, threshold)

    def loss(self, tags: Tensor, rows: list[int]) -> float:
        """Return the training loss of the tags `[r, t]` of the sentences `rows`, summed over them."""
        emissions, lengths, _ = self._chain
        return float(self._head.loss(emissions[rows], tags, lengths[rows])) * len(rows)

    def partial_loss(self, allowed: dict[int, Tensor]) -> float:
        """Return the training loss of some sentences, given the allowed tags `[t, k]` by row, summed."""
        emissions, lengths, _ = self._chain
        rows = list(allowed)
        sets = torch.ones_like(emissions[rows], dtype=torch.bool)
        for padded, own in zip(sets, allowed.values(), strict=True):
            padded[: len(own)] = own.to(sets.device)
        return float(self._head.partial_loss(emissions[rows], sets, lengths[rows])) * len(rows)

    def marginals(self) -> Tensor:
        """Return the probability of each tag at each word, [b, t, k]."""
        return marginals(*self._chain)

    def n_best(self, n: int) -> tuple[list[list[list[int]]], list[list[float]]]:
        """Return the n best tag sequences per sentence, with log-probabilities, -inf if there are fewer."""
        return self._numpy.n_best(n)

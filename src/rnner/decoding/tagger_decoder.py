"""From words to entities with a trained tagger, in torch; what it shares with others is in `finding`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from rnner.data.batches import Batch, Floats, Integers
from rnner.data.vocabulary import Vocabulary
from rnner.decoding.batching import SentencePart, T
from rnner.decoding.cached_tagger import CachedTagger, NumberedWords
from rnner.decoding.crf_numpy import NumpyLattice
from rnner.decoding.decoder import Decoder, Reader, ScoredSpan
from rnner.decoding.lattice import Lattice
from rnner.decoding.threshold import Candidate
from rnner.decoding.windows import Window, join_spans
from rnner.model.folder import load_model
from rnner.model.tagger import Tagger
from rnner.nn.heads import CRFHead, SoftmaxHead
from rnner.tags import Span, from_spans


class TorchLattice:
    """The scores of a batch's tag sequences as tensors, see `rnner.decoding.lattice.Lattice`.

    Args:
        head: of the tagger.
        emissions: [b, t, k].
        lengths: [b].
    """

    def __init__(self, head: CRFHead | SoftmaxHead, emissions: Tensor, lengths: Tensor) -> None:
        self.head, self.emissions, self.lengths = head, emissions, lengths

    def scores(self) -> Floats:
        """The emissions [b, t, k] that it is made of."""
        return self.emissions.numpy(force=True)

    @cached_property
    def _best(self) -> Tensor:
        return self.head.decode(self.emissions, self.lengths)

    def best(self) -> Integers:
        """The most probable legal tags [b, t]."""
        return self._best.numpy(force=True)

    def probabilities(self, places: Integers) -> list[float]:
        """Of entities [n, 3] (row, start, end)."""
        return self.probabilities_in(self._best, torch.as_tensor(places, device=self.lengths.device))

    def probabilities_in(self, path: Tensor, places: Tensor) -> list[float]:
        """Of entities [n, 3] as some legal tags [b, t] have them."""
        scores: list[float] = self.head.entity_probabilities(
            self.emissions, self.lengths, path, places
        ).tolist()
        return scores

    def probable(self, labels: Integers, threshold: float) -> list[Candidate]:
        """All entities more probable than a threshold, see `rnner.decoding.threshold`; labels [k] by number, or -1."""
        parts = (self.emissions, self.lengths, self.head.scores(), self.head.boundary)
        return NumpyLattice(*(part.numpy(force=True) for part in parts)).probable(labels, threshold)

    def marginals(self) -> Tensor:
        """The probability of each tag at each word, [b, t, k]."""
        return self.head.marginals(self.emissions, self.lengths)

    def n_best(self, n: int) -> tuple[list[list[list[int]]], list[list[float]]]:
        """The n most probable legal tags."""
        paths, logs = self.head.n_best(self.emissions, self.lengths, n)
        return paths.tolist(), logs.double().tolist()


def load_decoder(folder: Path | str, *, device: torch.device | str = "cpu", **limits: int) -> TaggerDecoder:
    """Load the model in a folder, ready to decode; see `rnner.model.folder.load_model` for what is raised.

    Args:
        folder: as `rnner train --output` writes it.
        device: where its weights go.
        limits: `sentences`, `tokens` and `window` of `Decoder`.
    """
    model = load_model(folder, device=device)
    return TaggerDecoder(model.tagger, model.vocabulary, final=True, **limits)


class TaggerDecoder(Decoder):
    """Finds the best legal tags of sentences with a tagger; see `Decoder`.

    Args:
        tagger: put into evaluation mode while decoding, and back as it was.
        vocabulary: the tagger's.
        final: whether the weights stay as they are from now on; what was computed of words may then be kept
            from call to call.
        limits: `sentences`, `tokens` and `window`.
    """

    def __init__(self, tagger: Tagger, vocabulary: Vocabulary, *, final: bool = False, **limits: int) -> None:
        super().__init__(vocabulary, **limits)
        self.tagger = tagger
        self._prepared = CachedTagger(tagger.eval(), vocabulary) if final and self._prepares else None

    @property
    def _prepares(self) -> bool:
        """Whether words are prepared: on a GPU, products take less time than looking up what is known."""
        return self.device.type == "cpu"

    @property
    def device(self) -> torch.device:
        """Where the tagger's weights are."""
        return self.tagger.emission.weight.device

    @property
    def documents(self) -> bool:
        """Whether the tagger looks at whole documents."""
        return self.tagger.document is not None

    @property
    def threshold(self) -> float | None:
        """What entities must be more probable than, if the tagger's head has such a bound."""
        return self.tagger.head.threshold

    @property
    def agreement(self) -> float | None:
        """The share of its scores that a word has in common with its like, see `rnner.decoding.agreement`."""
        return self.tagger.agreement

    def lattice(self, batch: Batch[NDArray[Any]]) -> TorchLattice:
        """What the tagger makes of a batch."""
        moved = batch.to(self.device)
        return TorchLattice(self.tagger.head, self.tagger(moved), moved.lengths)

    def lattice_of(self, emissions: Floats, lengths: Integers) -> TorchLattice:
        """The lattice of emissions [b, t, k] of sentences of so many words [b]."""
        parts = (torch.as_tensor(part, device=self.device) for part in (emissions, lengths))
        return TorchLattice(self.tagger.head, *parts)

    def reader(self) -> Callable[[Sequence[list[str]], list[int]], Reader]:
        """What makes lattices of sentences whose documents (numbers from 0) are whole, block by block."""
        if not self._prepares:
            return super().reader()
        prepared = self._prepared or CachedTagger(self.tagger, self.vocabulary)

        def begin(sentences: Sequence[list[str]], documents: list[int]) -> Reader:
            words = NumberedWords(sentences)
            about = prepared.about(words, documents) if self.documents else None

            def read(pieces: list[SentencePart]) -> TorchLattice:
                own = None if about is None else about[[documents[piece.sentence] for piece in pieces]]
                lengths = torch.tensor([piece.length for piece in pieces])
                return TorchLattice(self.tagger.head, prepared.emissions(words, pieces, own), lengths)

            return read

        return begin

    def marginals(
        self, sentences: Sequence[list[str]], documents: Sequence[int] | None = None
    ) -> list[Tensor]:
        """The probability of each tag at each word, given the sentence: [t, k] for each sentence.

        Over legal tag sequences, on the tagger's device, in the order of `vocabulary.tags`.
        """
        nothing = torch.zeros(0, len(self.vocabulary.tags), device=self.device)
        return self.by_batches(sentences, documents, self._marginals, _join_rows, nothing)

    def probabilities(
        self,
        sentences: Sequence[list[str]],
        spans: Sequence[Sequence[Span]],
        documents: Sequence[int] | None = None,
    ) -> list[list[ScoredSpan]]:
        """How probable given entities are, those of each sentence, which must not overlap.

        A span with an empty label asks how probable it is that no word in it belongs to an entity. Of a
        sentence that is read in windows, what reaches beyond the window that decides about its first word is
        left out.

        Raises ValueError for a label that the tagger does not know.
        """

        def found(lattice: Lattice, pieces: list[SentencePart]) -> list[list[ScoredSpan]]:
            own = [_within(piece, spans[piece.sentence]) for piece in pieces]
            return self._probabilities(cast(TorchLattice, lattice), pieces, own)

        return self.by_batches(sentences, documents, found, join_spans, [])

    @torch.inference_mode()
    def by_batches(
        self,
        sentences: Sequence[list[str]],
        documents: Sequence[int] | None,
        found_in: Callable[[Lattice, list[SentencePart]], list[T]],
        join: Callable[[list[Window], list[T]], T],
        empty: T,
    ) -> list[T]:
        """What `found_in` finds in batches of sentences, in the order of the sentences."""
        if not self.tagger.training:  # as of a loaded model, which threads may share: nothing is to be set
            return super().by_batches(sentences, documents, found_in, join, empty)
        self.tagger.eval()
        try:
            return super().by_batches(sentences, documents, found_in, join, empty)
        finally:
            self.tagger.train()

    def _marginals(self, lattice: Lattice, pieces: list[SentencePart]) -> list[Tensor]:
        marginals = cast(TorchLattice, lattice).marginals()
        return [row[: piece.length] for row, piece in zip(marginals, pieces, strict=True)]

    def _probabilities(
        self, lattice: TorchLattice, pieces: list[SentencePart], spans: list[list[Span]]
    ) -> list[list[ScoredSpan]]:
        """Of spans, in words of their piece; see `probabilities`."""
        paths = []
        for own, piece in zip(spans, pieces, strict=True):
            named = from_spans([span for span in own if span.label], piece.length, self.vocabulary.scheme)
            paths.append(torch.tensor(self.vocabulary.tag_ids(named), device=self.device))
        places = [(row, span.start, span.end) for row, own in enumerate(spans) for span in own]
        score: Iterator[float] = iter(())
        if places:
            path, where = pad_sequence(paths, batch_first=True), torch.tensor(places, device=self.device)
            score = iter(lattice.probabilities_in(path, where))
        return [[ScoredSpan(*span, next(score)) for span in own] for own in spans]


def _within(piece: SentencePart, spans: Sequence[Span]) -> list[Span]:
    """Those of a sentence's spans that lie in a piece of it, in the words of the piece, in order."""
    return [
        Span(span.start - piece.start, span.end - piece.start, span.label)
        for span in sorted(spans)
        if piece.start <= span.start and span.end <= piece.end
    ]


def _join_rows(cuts: Sequence[Window], found: Sequence[Tensor]) -> Tensor:
    """The rows `[t, k]` of a sentence from those of its windows."""
    pairs = zip(cuts, found, strict=True)
    return torch.cat([rows[cut.first - cut.start : cut.last - cut.start] for cut, rows in pairs])

"""From words to entities with a trained tagger, in torch; what it shares with others is in `finding`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from rnner.data.batches import Batch
from rnner.data.vocabulary import Vocabulary
from rnner.finding import BatchDecoder, Piece, ScoredSpan, T
from rnner.nn.heads import CRFHead, SoftmaxHead
from rnner.tagger import Tagger
from rnner.tags import Span, from_spans
from rnner.windows import Window, join_spans


class TensorLattice:
    """The scores of a batch's tag sequences as tensors, see `rnner.finding.Lattice`.

    Args:
        head: of the tagger.
        emissions: [b, t, k].
        lengths: [b].
    """

    def __init__(self, head: CRFHead | SoftmaxHead, emissions: Tensor, lengths: Tensor) -> None:
        self._head, self._emissions, self._lengths = head, emissions, lengths

    @cached_property
    def _best(self) -> Tensor:
        return self._head.decode(self._emissions, self._lengths)

    def best(self) -> list[list[int]]:
        """The most probable legal tags."""
        paths: list[list[int]] = self._best.tolist()
        return paths

    def probabilities(self, places: list[tuple[int, int, int]]) -> list[float]:
        """Of entities (row, start, end)."""
        spans = torch.tensor(places, device=self._lengths.device)
        of = self._head.entity_probabilities(self._emissions, self._lengths, self._best, spans)
        scores: list[float] = of.tolist()
        return scores

    def n_best(self, n: int) -> tuple[list[list[list[int]]], list[list[float]]]:
        """The n most probable legal tags."""
        paths, logs = self._head.n_best(self._emissions, self._lengths, n)
        return paths.tolist(), logs.double().tolist()


class Decoder(BatchDecoder):
    """Finds the best legal tags of sentences with a tagger; see `BatchDecoder`.

    Args:
        tagger: put into evaluation mode while decoding, and back as it was.
        vocabulary: the tagger's.
        limits: `sentences`, `tokens` and `window`.
    """

    def __init__(self, tagger: Tagger, vocabulary: Vocabulary, **limits: int) -> None:
        super().__init__(vocabulary, **limits)
        self.tagger = tagger

    @property
    def device(self) -> torch.device:
        """Where the tagger's weights are."""
        return self.tagger.emission.weight.device

    @property
    def documents(self) -> bool:
        """Whether the tagger looks at whole documents."""
        return self.tagger.document is not None

    def lattice(self, batch: Batch[NDArray[Any]]) -> TensorLattice:
        """What the tagger makes of a batch."""
        moved = batch.to(self.device)
        return TensorLattice(self.tagger.head, self.tagger(moved), moved.lengths)

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

        def found(batch: Batch[NDArray[Any]], pieces: list[Piece]) -> list[list[ScoredSpan]]:
            own = [_within(piece, spans[piece.sentence]) for piece in pieces]
            return self._probabilities(batch, pieces, own)

        return self.by_batches(sentences, documents, found, join_spans, [])

    @torch.inference_mode()
    def by_batches(
        self,
        sentences: Sequence[list[str]],
        documents: Sequence[int] | None,
        found_in: Callable[[Batch[NDArray[Any]], list[Piece]], list[T]],
        join: Callable[[list[Window], list[T]], T],
        empty: T,
    ) -> list[T]:
        """What `found_in` finds in batches of sentences, in the order of the sentences."""
        training = self.tagger.training
        self.tagger.eval()
        try:
            return super().by_batches(sentences, documents, found_in, join, empty)
        finally:
            self.tagger.train(training)

    def _marginals(self, batch: Batch[NDArray[Any]], pieces: list[Piece]) -> list[Tensor]:
        moved = batch.to(self.device)
        marginals = self.tagger.head.marginals(self.tagger(moved), moved.lengths)
        return [row[: piece.length] for row, piece in zip(marginals, pieces, strict=True)]

    def _probabilities(
        self, batch: Batch[NDArray[Any]], pieces: list[Piece], spans: list[list[Span]]
    ) -> list[list[ScoredSpan]]:
        """Of spans, in words of their piece; see `probabilities`."""
        moved, paths = batch.to(self.device), []
        for own, piece in zip(spans, pieces, strict=True):
            named = from_spans([span for span in own if span.label], piece.length, self.vocabulary.scheme)
            paths.append(torch.tensor(self.vocabulary.tag_ids(named), device=self.device))
        places = [(row, span.start, span.end) for row, own in enumerate(spans) for span in own]
        score: Iterator[float] = iter(())
        if places:
            path, where = pad_sequence(paths, batch_first=True), torch.tensor(places, device=self.device)
            of = self.tagger.head.entity_probabilities(self.tagger(moved), moved.lengths, path, where)
            score = iter(of.tolist())
        return [[ScoredSpan(*span, next(score)) for span in own] for own in spans]


def _within(piece: Piece, spans: Sequence[Span]) -> list[Span]:
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

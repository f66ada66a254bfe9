"""Ensembles: the marginals of several taggers are averaged before decoding.

Let p_m(y_t = k | x) be the marginal of tag k at word t in model m of M. The average is the marginal of a
uniform mixture of the models, p(y_t = k | x) = (1 / M) sum_m p_m(y_t = k | x). The decoded tags are the legal
sequence with the largest product of averaged marginals: posterior-Viterbi decoding (Fariselli, Martelli and
Casadio 2005).

If all models have a threshold, the probabilities of entities are averaged instead, and the entities above the
mean threshold are chosen as for a single model (`rnner.decoding.threshold`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from rnner import tags
from rnner.data.vocabulary import Vocabulary
from rnner.decoding.batching import DocumentNumbers, SentencePart, Sentences, batches, in_order
from rnner.decoding.spans import ScoredSpan
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.decoding.threshold import best_non_overlapping
from rnner.decoding.windows import join_spans
from rnner.errors import UsageError
from rnner.model.build import build_head
from rnner.tags import Span

_NEGLIGIBLE = 0.01  # a member's probability below this fraction of the threshold counts as 0


class Ensemble:
    """Several taggers with the same labels and tag scheme, decoded from their averaged marginals.

    A single model, or the same model twice, is decoded from its marginals. This usually gives
    the same tags as `TaggerDecoder`, which returns the most probable sequence.

    Args:
        members: at least one, all on one device. They run one after another.

    Raises:
        UsageError: the members differ in their labels or tag schemes.
        ValueError: `members` is empty.

    Example:
        >>> from rnner.decoding.tagger_decoder import load_decoder
        >>> ensemble = Ensemble([load_decoder(folder) for folder in ("runs/my", "runs/my")])
        >>> ensemble.spans([["Rain", "fell", "on", "Philadelphia", "."]])
        [[Span(start=3, end=4, label='LOC')]]
    """

    def __init__(self, members: Sequence[TaggerDecoder]) -> None:
        if not members:
            raise ValueError("an ensemble needs at least one member")
        vocabularies = {f"model {i}": member.vocabulary for i, member in enumerate(members, start=1)}
        require_same_labels(vocabularies)
        schemes = [vocabulary.scheme for vocabulary in vocabularies.values()]
        if len(set(schemes)) > 1:
            raise UsageError(f"averaging needs models with the same tag scheme, got {', '.join(schemes)}")
        self.members = list(members)
        self._head = build_head("softmax", self.vocabulary).to(members[0].device)
        # Models with the same labels may number their tags differently, for instance after --init-from.
        self._columns = [
            torch.tensor(vocabulary.tag_ids(self.vocabulary.tags), device=members[0].device)
            for vocabulary in vocabularies.values()
        ]

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of the first member; all have its tag scheme and labels."""
        return self.members[0].vocabulary

    @property
    def threshold(self) -> float | None:
        """The mean of the members' thresholds; None if any of them has none."""
        thresholds = [member.threshold for member in self.members if member.threshold is not None]
        return sum(thresholds) / len(thresholds) if len(thresholds) == len(self.members) else None

    def spans(self, sentences: Sentences, documents: DocumentNumbers = None) -> list[list[Span]]:
        """Return the entities of each sentence; arguments as for `rnner.decoding.decoder.Decoder`."""
        if self.threshold is not None:
            return self._spans_above(self.threshold, sentences, documents)
        limits, averaged = self.members[0].limits, self.marginals(sentences, documents)
        results: dict[SentencePart, list[Span]] = {}
        for parts in batches(sentences, limits):
            rows = [averaged[number][start:end] for number, start, end in parts]
            results.update(zip(parts, self._best_spans(rows), strict=True))
        return in_order(sentences, results, limits, join=join_spans, empty=[])

    def _spans_above(
        self, threshold: float, sentences: Sentences, documents: DocumentNumbers
    ) -> list[list[Span]]:
        """Return the best non-overlapping entities with a mean probability above the threshold."""
        sums: list[dict[Span, float]] = [defaultdict(float) for _ in sentences]
        for member in self.members:
            candidates = member.candidates(sentences, _NEGLIGIBLE * threshold, documents)
            for total, found in zip(sums, candidates, strict=True):
                for span in found:
                    total[Span(*span[:3])] += span.score
        chosen = []
        for total in sums:
            means = (ScoredSpan(*span, score / len(self.members)) for span, score in total.items())
            kept = best_non_overlapping((span for span in means if span.score > threshold), threshold)
            chosen.append([Span(*span[:3]) for span in kept])
        return chosen

    def marginals(self, sentences: Sentences, documents: DocumentNumbers = None) -> list[Tensor]:
        """Return the averaged probability of each tag at each word, as [t, k] for each sentence."""
        total: list[Tensor] = []
        for member, columns in zip(self.members, self._columns, strict=True):
            own = [rows[:, columns] for rows in member.marginals(sentences, documents)]
            total = [before + rows for before, rows in zip(total, own, strict=True)] if total else own
        return [rows / len(self.members) for rows in total]

    @torch.inference_mode()
    def _best_spans(self, averaged: list[Tensor]) -> list[list[Span]]:
        lengths = torch.tensor([len(rows) for rows in averaged], device=averaged[0].device)
        logarithms = pad_sequence([rows.log() for rows in averaged], batch_first=True)
        names, scheme = self.vocabulary.tags, self.vocabulary.scheme
        paths = self._head.decode(logarithms, lengths).tolist()
        return [
            tags.to_spans([names[tag] for tag in path[: len(rows)]], scheme)
            for path, rows in zip(paths, averaged, strict=True)
        ]


def require_same_labels(vocabularies: Mapping[str, Vocabulary]) -> None:
    """Check that models, given by name, have the same labels.

    Raises:
        UsageError: two of them differ; the message gives their names and labels.
    """
    (first, known), *others = vocabularies.items()
    for name, vocabulary in others:
        if set(vocabulary.labels) != set(known.labels):
            labels = [", ".join(sorted(own)) or "none" for own in (known.labels, vocabulary.labels)]
            raise UsageError(
                f"{first} has the labels {labels[0]}, {name} has {labels[1]}: only models with the same "
                "labels can be compared or averaged; evaluate these one at a time, or rename labels (--map)"
            )

"""Several taggers as one: their marginals averaged, and the best legal tags read off the average.

With p_m(y_t = k | x) the marginal of tag k at word t in model m of M, the average is that of a uniform
mixture of the models, p(y_t = k | x) = (1 / M) sum_m p_m(y_t = k | x). The tags are the legal sequence with
the largest product of averaged marginals: posterior decoding under the constraints of the scheme, known as
posterior-Viterbi (Fariselli, Martelli and Casadio 2005).

Where all models have a threshold, the probability of an entity is averaged in the same way, and those above
the mean of the thresholds are found, as a single model finds them (`rnner.decoding.threshold`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from rnner import tags
from rnner.data.vocabulary import Vocabulary
from rnner.decoding.batching import by_batches
from rnner.decoding.decoder import ScoredSpan
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.decoding.threshold import apart
from rnner.decoding.windows import join_spans
from rnner.errors import UsageError
from rnner.model.build import build_head
from rnner.tags import Span

_NEGLIGIBLE = 0.01


class Ensemble:
    """Finds entities by the averaged marginals of several taggers, whatever these are made of.

    One model alone, or the same model twice, is decoded by its own marginals: most often, but not always,
    into the sequence that `TaggerDecoder` finds, which is the one most probable as a whole.

    Args:
        members: at least one; their weights on one device. They go through the sentences one after another.

    Raises:
        UsageError: their labels differ, or their tagging schemes do.
        ValueError: there is no member.

    Example:
        >>> from rnner.decoding.tagger_decoder import load_decoder
        >>> ensemble = Ensemble([load_decoder(folder) for folder in ("runs/my", "runs/my")])
        >>> ensemble.spans([["Rain", "fell", "on", "Philadelphia", "."]])
        [[Span(start=3, end=4, label='LOC')]]
    """

    def __init__(self, members: Sequence[TaggerDecoder]) -> None:
        if not members:
            raise ValueError("an ensemble needs at least one member")
        named = {f"model {i}": member.vocabulary for i, member in enumerate(members, start=1)}
        require_same_labels(named)
        schemes = [vocabulary.scheme for vocabulary in named.values()]
        if len(set(schemes)) > 1:
            raise UsageError(f"models that are averaged need one tagging scheme, not {', '.join(schemes)}")
        self.members = list(members)
        self._head = build_head("softmax", self.vocabulary).to(members[0].device)
        # Models of one label set may number its tags differently: after training went on from another model.
        self._columns = [
            torch.tensor(vocabulary.tag_ids(self.vocabulary.tags), device=members[0].device)
            for vocabulary in named.values()
        ]

    @property
    def vocabulary(self) -> Vocabulary:
        """That of the first model; scheme and labels are the same in all."""
        return self.members[0].vocabulary

    def spans(
        self, sentences: Sequence[list[str]], documents: Sequence[int] | None = None
    ) -> list[list[Span]]:
        """The entities of each sentence (a list of words); documents as in `TaggerDecoder`."""
        if self.threshold is not None:
            return self._above(self.threshold, sentences, documents)
        first, averaged = self.members[0], self.marginals(sentences, documents)
        return by_batches(
            sentences,
            lambda pieces: self._spans([averaged[i][start:end] for i, start, end in pieces]),
            join_spans,
            [],
            most_sentences=first.sentences,
            most_tokens=first.tokens,
            window=first.window,
        )

    @property
    def threshold(self) -> float | None:
        """What entities must be more probable than: the mean of the members'; None if one has none."""
        bounds = [member.threshold for member in self.members if member.threshold is not None]
        return sum(bounds) / len(bounds) if len(bounds) == len(self.members) else None

    def _above(
        self, threshold: float, sentences: Sequence[list[str]], documents: Sequence[int] | None
    ) -> list[list[Span]]:
        """The best entities that do not overlap, of all whose mean probability is above the threshold."""
        # What a member gives less than `least` is taken for 0: less than a hundredth of the threshold.
        least = _NEGLIGIBLE * threshold
        sums: list[dict[Span, float]] = [defaultdict(float) for _ in sentences]
        for member in self.members:
            for total, own in zip(sums, member.candidates(sentences, least, documents), strict=True):
                for span in own:
                    total[Span(*span[:3])] += span.score
        found = []
        for total in sums:
            means = (ScoredSpan(*span, score / len(self.members)) for span, score in total.items())
            kept = apart((span for span in means if span.score > threshold), threshold)
            found.append([Span(*span[:3]) for span in kept])
        return found

    def marginals(
        self, sentences: Sequence[list[str]], documents: Sequence[int] | None = None
    ) -> list[Tensor]:
        """The averaged probability of each tag at each word: [t, k] for each sentence; see `TaggerDecoder`."""
        total: list[Tensor] = []
        for member, columns in zip(self.members, self._columns, strict=True):
            own = [rows[:, columns] for rows in member.marginals(sentences, documents)]
            total = [before + rows for before, rows in zip(total, own, strict=True)] if total else own
        return [rows / len(self.members) for rows in total]

    @torch.inference_mode()
    def _spans(self, averaged: list[Tensor]) -> list[list[Span]]:
        lengths = torch.tensor([len(rows) for rows in averaged], device=averaged[0].device)
        logarithms = pad_sequence([rows.log() for rows in averaged], batch_first=True)
        names, scheme = self.vocabulary.tags, self.vocabulary.scheme
        paths = self._head.decode(logarithms, lengths).tolist()
        return [
            tags.to_spans([names[tag] for tag in path[: len(rows)]], scheme)
            for path, rows in zip(paths, averaged, strict=True)
        ]


def require_same_labels(vocabularies: Mapping[str, Vocabulary]) -> None:
    """Check that models, by name, tell the same labels apart.

    Raises:
        UsageError: two of them do not; the message has their names and labels.
    """
    (first, known), *others = vocabularies.items()
    for name, vocabulary in others:
        if set(vocabulary.labels) != set(known.labels):
            told = [", ".join(sorted(labels)) or "none" for labels in (known.labels, vocabulary.labels)]
            raise UsageError(
                f"{first} has the labels {told[0]}, {name} has {told[1]}: only models with the same labels "
                "are compared and averaged; evaluate these one at a time"
            )

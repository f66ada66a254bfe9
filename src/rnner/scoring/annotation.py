"""The entities of a corpus from one source: its annotators, a model or a file of predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from rnner.data.splits import Split, without_words
from rnner.errors import did_you_mean
from rnner.scoring.metrics import Scores, score, score_entities, score_tags
from rnner.tags import LENIENT, Span, from_spans

LabelMap = Mapping[str, str]
"""New label by old label. An empty new label drops the entities; labels without an entry are kept."""
NO_MAP: LabelMap = MappingProxyType({})
"""Keeps all labels."""


@dataclass(frozen=True)
class Annotation:
    """The entities of each sentence.

    Attributes:
        spans: the entities.
        tags: the tags of each sentence from which the entities were read; None if there are none.
        scheme: the scheme of the tags; `conlleval` if they follow none.
        probabilities: the probability of each entity, in [0, 1]; None if there are none.
    """

    spans: list[list[Span]]
    tags: list[list[str]] | None = None
    scheme: str = ""
    probabilities: list[list[float]] | None = None

    def relabel(self, labels: LabelMap) -> Annotation:
        """Return the annotation with labels mapped by `labels`; it has no tags, unless `labels` is empty."""
        if not labels:
            return self
        new = [[labels.get(span.label, span.label) for span in spans] for spans in self.spans]
        renamed = [
            [span._replace(label=label) for span, label in zip(*row, strict=True) if label]
            for row in zip(self.spans, new, strict=True)
        ]
        kept = self.probabilities and [
            [probability for probability, label in zip(*row, strict=True) if label]
            for row in zip(self.probabilities, new, strict=True)
        ]
        return Annotation(renamed, probabilities=kept)

    def without_words(self, positions: Sequence[Collection[int]]) -> Annotation:
        """Return the annotation without entities that contain words at these positions of each sentence.

        If there are any such positions, the result has no tags.
        """
        if not any(positions):
            return self
        kept = [without_words(*pair) for pair in zip(self.spans, positions, strict=True)]
        rows = zip(self.spans, kept, self.probabilities or (), strict=False)
        probabilities = [[p for span, p in zip(a, own, strict=True) if span in b] for a, b, own in rows]
        return Annotation(kept, probabilities=self.probabilities and probabilities)

    def count_labels(self) -> Counter[str]:
        """Return the number of entities with each label."""
        return Counter(span.label for spans in self.spans for span in spans)


@dataclass(frozen=True, eq=False)
class AnnotatedSentences:
    """Sentences with their gold entities.

    Attributes:
        words: the words of each sentence.
        documents: `[s]` document number of each sentence; -1 if it is not part of a document.
        annotation: the entities.
        lines: the line of each sentence's first word in the file, from 1; None if it is not known.
        unknown: positions of the words of each sentence whose tags are not known; empty if there are none.
    """

    words: list[list[str]]
    documents: NDArray[np.int64]
    annotation: Annotation
    lines: list[int] | None = None
    unknown: Sequence[Collection[int]] = ()

    @classmethod
    def of_split(cls, split: Split) -> AnnotatedSentences:
        """Return the sentences of a split."""
        words, tags = split.sentences()
        spans, lines = list(split.all_spans()), split.lines.tolist()
        if split.partial:
            unknown = list(map(frozenset, split.unknown_words()))
            return cls(words, split.documents, Annotation(spans), lines, unknown)
        return cls(words, split.documents, Annotation(spans, tags, split.scheme), lines)

    def relabel(self, labels: LabelMap) -> AnnotatedSentences:
        """Return the same sentences with labels mapped by `labels`; see `Annotation.relabel`."""
        return replace(self, annotation=self.annotation.relabel(labels))


def score_annotations(gold: Annotation, found: Annotation, lengths: Sequence[int]) -> Scores:
    """Score entities against gold ones.

    Token accuracy compares the given tags, as conlleval does, if both sides have tags in the same scheme;
    otherwise it compares IOB2 tags. Tags that follow no scheme are also read strictly, see `score_tags`.

    Args:
        gold, found: the annotations to compare, of the same sentences.
        lengths: tokens per sentence.
    """
    if LENIENT in (gold.scheme, found.scheme):
        scheme = _likely_scheme(gold, found)
        return score_tags(*(_tags_in(scheme, side, lengths) for side in (gold, found)), scheme=scheme)
    if gold.tags is not None and found.tags is not None and gold.scheme == found.scheme:
        return score_entities(gold.spans, found.spans, tags=(gold.tags, found.tags))
    return score(gold.spans, found.spans, lengths)


def unused_labels(labels: LabelMap, known: Collection[str]) -> list[str]:
    """Return a warning for each label of a map that no entity has."""
    return [
        f"--map {label}={new}: no entity has the label {label}{did_you_mean(label, known)}"
        for label, new in labels.items()
        if label not in known
    ]


def _likely_scheme(*sides: Annotation) -> str:
    """Return the closest scheme for tags that follow none."""
    tags = {tag for side in sides if side.scheme == LENIENT for row in side.tags or [] for tag in row}
    return "bioes" if any(tag[:2] in ("E-", "S-") for tag in tags) else "iob2"


def _tags_in(scheme: str, side: Annotation, lengths: Sequence[int]) -> list[list[str]]:
    if side.tags is not None and side.scheme in (scheme, LENIENT):
        return side.tags
    return [from_spans(spans, n, scheme) for spans, n in zip(side.spans, lengths, strict=True)]

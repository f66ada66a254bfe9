"""Statistics of annotated files.

The form of an entity is its words, case included. An entity is unseen if train has no entity with its form
and label (as in Augenstein et al. 2017). A word is unseen if it does not occur in train.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnner.data.coverage import Coverage, measure_coverage
from rnner.data.splits import Split
from rnner.data.vectors import Vectors
from rnner.tags import Span
from rnner.workbench.entity_forms import EntityForm, OutsideFinder, with_words

_CHUNK = 4096  # sentences to hold as Python objects at a time


@dataclass(frozen=True, eq=False)
class Lengths:
    """Lengths in words of n sentences or entities, `[n]` int64. All figures are 0 for an empty list."""

    values: NDArray[np.int64]

    @property
    def mean(self) -> float:
        """The mean length."""
        return float(self.values.mean()) if len(self.values) else 0.0

    @property
    def median(self) -> float:
        """The median length."""
        return float(np.median(self.values)) if len(self.values) else 0.0

    @property
    def longest(self) -> int:
        """The greatest length."""
        return int(self.values.max(initial=0))

    def to_dict(self) -> dict[str, float]:
        """Return the figures for JSON."""
        return {"mean": self.mean, "median": self.median, "longest": self.longest}


@dataclass(frozen=True)
class Ambiguity:
    """Counts of ambiguous forms among the distinct entity forms.

    Attributes:
        forms: distinct forms.
        several_labels: forms that are entities of more than one label.
        also_outside: forms whose words also occur where no entity overlaps them.
        either: forms with one or both of these.
    """

    forms: int
    several_labels: int
    also_outside: int
    either: int

    def to_dict(self) -> dict[str, float]:
        """Return the number of forms, and the other figures as fractions of it."""
        counts = asdict(self)
        forms = counts.pop("forms")
        return {"forms": forms, **{name: _share(count, forms) for name, count in counts.items()}}


@dataclass(frozen=True)
class Unseen:
    """The fractions of tokens, distinct tokens and entities that do not occur in train."""

    tokens: float
    distinct_tokens: float
    entities: float

    def to_dict(self) -> dict[str, float]:
        """Return the fractions for JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Statistics:
    """Statistics of one file.

    Attributes:
        path: the file.
        scheme: the scheme of its tags, or `conlleval` (see Split).
        tokens, distinct_tokens: number of words, and of distinct words.
        unknown_tokens: number of words of which it is not known whether they are in an entity, or in which.
        documents: number of marked documents.
        per_type: number of entities of each label, the most frequent label first.
        sentence_lengths, entity_lengths: in words.
        sentences_with_entities: number of sentences with an entity.
        ambiguity: how ambiguous the entity forms are.
        unseen: the fractions that are unseen in train; None for train itself.
        vectors: coverage of the words by word vectors; None if no vectors were given.
    """

    path: Path
    scheme: str
    tokens: int
    distinct_tokens: int
    documents: int
    per_type: dict[str, int]
    sentence_lengths: Lengths
    entity_lengths: Lengths
    sentences_with_entities: int
    ambiguity: Ambiguity
    unseen: Unseen | None = None
    vectors: Coverage | None = None
    unknown_tokens: int = 0

    @property
    def sentences(self) -> int:
        """The number of sentences."""
        return len(self.sentence_lengths.values)

    @property
    def entities(self) -> int:
        """The number of entities, as conlleval counts them."""
        return len(self.entity_lengths.values)

    @property
    def token_density(self) -> float:
        """The fraction of the words that are part of an entity."""
        return _share(int(self.entity_lengths.values.sum()), self.tokens)

    @property
    def sentence_density(self) -> float:
        """The fraction of the sentences that have an entity."""
        return _share(self.sentences_with_entities, self.sentences)

    def to_dict(self) -> dict[str, Any]:
        """Return the statistics for JSON; shares are fractions."""
        return {
            "path": str(self.path),
            "scheme": self.scheme,
            "sentences": self.sentences,
            "tokens": self.tokens,
            "distinct_tokens": self.distinct_tokens,
            "unknown_tokens": self.unknown_tokens,
            "documents": self.documents,
            "entities": self.entities,
            "per_type": self.per_type,
            "sentence_length": self.sentence_lengths.to_dict(),
            "entity_length": self.entity_lengths.to_dict(),
            "density": {"tokens": self.token_density, "sentences": self.sentence_density},
            "ambiguity": self.ambiguity.to_dict(),
            "unseen": self.unseen and self.unseen.to_dict(),
            "vectors": self.vectors and _coverage_dict(self.vectors),
        }


def describe(splits: Sequence[Split], vectors: Vectors | None = None) -> list[Statistics]:
    """Return the statistics of each split; the first is train, which the others are compared with."""
    found: list[Statistics] = []
    train: _SplitCounts | None = None
    for split in splits:
        counts = _SplitCounts(split)
        found.append(_statistics(counts, train, vectors))
        train = train or counts
    return found


class _SplitCounts:
    """The counts of a split.

    Attributes:
        words: how often each word occurs.
        spans: the entities of each sentence.
        entities: how often each form is an entity of each label.
    """

    def __init__(self, split: Split) -> None:
        self.split = split
        self.words = split.counts
        self.spans = list(split.all_spans())
        self.entities = Counter(
            (tuple(words[span.start : span.end]), span.label)
            for words, spans in self.sentences()
            for span in spans
        )

    def sentences(self) -> Iterator[tuple[list[str], list[Span]]]:
        """Yield the words and the entities of each sentence."""
        for start in range(0, len(self.split), _CHUNK):
            chunk = self.spans[start : start + _CHUNK]
            words, _ = self.split.sentences(np.arange(start, start + len(chunk)))
            yield from zip(words, chunk, strict=True)


def _statistics(counts: _SplitCounts, train: _SplitCounts | None, vectors: Vectors | None) -> Statistics:
    split, spans = counts.split, [span for sentence in counts.spans for span in sentence]
    per_type = Counter(span.label for span in spans)
    return Statistics(
        path=split.path,
        scheme=split.scheme,
        tokens=int(split.lengths.sum()),
        distinct_tokens=len(counts.words),
        documents=len(np.unique(split.documents[split.documents >= 0])),
        per_type=dict(sorted(per_type.items(), key=lambda item: (-item[1], item[0]))),
        sentence_lengths=Lengths(split.lengths),
        entity_lengths=Lengths(np.array([span.end - span.start for span in spans], dtype=np.int64)),
        sentences_with_entities=sum(map(bool, counts.spans)),
        ambiguity=_ambiguity(counts),
        unseen=None if train is None else _unseen(counts, train),
        vectors=None if vectors is None else measure_coverage(counts.words, vectors),
        unknown_tokens=sum(map(len, split.unknown_words())),
    )


def _unseen(counts: _SplitCounts, train: _SplitCounts) -> Unseen:
    new_words = counts.words.keys() - train.words.keys()
    new_entities = counts.entities.keys() - train.entities.keys()
    return Unseen(
        tokens=_share(sum(counts.words[word] for word in new_words), sum(counts.words.values())),
        distinct_tokens=_share(len(new_words), len(counts.words)),
        entities=_share(sum(counts.entities[key] for key in new_entities), counts.entities.total()),
    )


def _ambiguity(counts: _SplitCounts) -> Ambiguity:
    labels: dict[EntityForm, set[str]] = defaultdict(set)
    for form, label in counts.entities:
        labels[form].add(label)
    several_labels = {form for form, own in labels.items() if len(own) > 1}
    finder = OutsideFinder(labels)
    sentences = zip(counts.sentences(), counts.split.unknown_words(), strict=True)
    outside = {
        form
        for (words, spans), unknown in sentences
        for _, form in finder.find(words, with_words(spans, unknown))
    }
    return Ambiguity(len(labels), len(several_labels), len(outside), len(several_labels | outside))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _coverage_dict(found: Coverage) -> dict[str, Any]:
    return {
        "path": str(found.path),
        "tokens": found.tokens.share,
        "distinct_tokens": found.types.share,
        "most_missed": [{"token": word, "count": count} for word, count in found.most_missed],
    }

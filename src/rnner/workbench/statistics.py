"""The figures themselves, counted from splits.

The form of an entity is its words as they stand, case included. An entity is unseen if train has none of its
form with its label (Augenstein et al. 2017, who call the others seen); a word is, if train lacks its form.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnner.data.splits import Split
from rnner.data.vectors import Coverage, Vectors, coverage
from rnner.tags import Span

Form = tuple[str, ...]

_CHUNK = 4096  # sentences that are Python objects at a time


@dataclass(frozen=True, eq=False)
class Lengths:
    """How many words each of n sentences, or entities, has: `values` is `[n]` int64."""

    values: NDArray[np.int64]

    @property
    def mean(self) -> float:
        """The mean; 0 of nothing, as the others."""
        return float(self.values.mean()) if len(self.values) else 0.0

    @property
    def median(self) -> float:
        """The middle one, or the mean of the two in the middle."""
        return float(np.median(self.values)) if len(self.values) else 0.0

    @property
    def longest(self) -> int:
        """The largest."""
        return int(self.values.max(initial=0))

    def to_dict(self) -> dict[str, float]:
        """Ready for JSON."""
        return {"mean": self.mean, "median": self.median, "longest": self.longest}


@dataclass(frozen=True)
class Ambiguity:
    """How many of the entities' distinct `forms` say less than they seem to.

    Attributes:
        forms: distinct forms.
        several_labels: those that are entities of more than one label.
        also_outside: those whose words also stand somewhere with no part of them in an entity.
        either: those of which one or the other is true.
    """

    forms: int
    several_labels: int
    also_outside: int
    either: int

    def to_dict(self) -> dict[str, float]:
        """The number of forms, and the others as fractions of it."""
        return {
            "forms": self.forms,
            "several_labels": _share(self.several_labels, self.forms),
            "also_outside": _share(self.also_outside, self.forms),
            "either": _share(self.either, self.forms),
        }


@dataclass(frozen=True)
class Unseen:
    """The fractions of `tokens`, of `distinct_tokens` and of `entities` that train lacks."""

    tokens: float
    distinct_tokens: float
    entities: float

    def to_dict(self) -> dict[str, float]:
        """Ready for JSON."""
        return {
            "tokens": self.tokens,
            "distinct_tokens": self.distinct_tokens,
            "entities": self.entities,
        }


@dataclass(frozen=True, eq=False)
class Statistics:
    """One file in figures.

    Attributes:
        path: the file.
        scheme: the scheme of its tags, or `conlleval`: see Split.
        tokens, distinct_tokens: running words, and different ones.
        documents: how many the file marks; 0 if it marks none.
        per_type: entities of each label, the most frequent first.
        sentence_lengths, entity_lengths: in words, one by one.
        sentences_with_entities: how many sentences hold any.
        ambiguity: of the forms of its entities.
        unseen: what train lacks; None for train itself.
        vectors: how many words have a vector, if vectors were given.
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

    @property
    def sentences(self) -> int:
        """How many sentences."""
        return len(self.sentence_lengths.values)

    @property
    def entities(self) -> int:
        """How many entities, as conlleval counts them."""
        return len(self.entity_lengths.values)

    @property
    def token_density(self) -> float:
        """The fraction of the words that belong to an entity."""
        return _share(int(self.entity_lengths.values.sum()), self.tokens)

    @property
    def sentence_density(self) -> float:
        """The fraction of the sentences that hold an entity."""
        return _share(self.sentences_with_entities, self.sentences)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; shares as fractions."""
        return {
            "path": str(self.path),
            "scheme": self.scheme,
            "sentences": self.sentences,
            "tokens": self.tokens,
            "distinct_tokens": self.distinct_tokens,
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
    """The figures of each split; the first is train, which the others are compared with."""
    found: list[Statistics] = []
    train: _Content | None = None
    for split in splits:
        content = _Content(split)
        found.append(_figures(content, train, vectors))
        train = train or content
    return found


class _Content:
    """What stands in a split: its entities, how often each word, and each form with each label."""

    def __init__(self, split: Split) -> None:
        self.split = split
        self.words = split.counts
        self.spans = list(split.all_spans())
        self.mentions = Counter(
            (tuple(words[span.start : span.end]), span.label)
            for words, spans in self.annotated()
            for span in spans
        )

    def annotated(self) -> Iterator[tuple[list[str], list[Span]]]:
        """The words and the entities of each sentence."""
        for start in range(0, len(self.split), _CHUNK):
            chunk = self.spans[start : start + _CHUNK]
            sentences, _ = self.split.sentences(np.arange(start, start + len(chunk)))
            yield from zip(sentences, chunk, strict=True)


def _figures(content: _Content, train: _Content | None, vectors: Vectors | None) -> Statistics:
    split, spans = content.split, [span for sentence in content.spans for span in sentence]
    per_type = Counter(span.label for span in spans)
    return Statistics(
        path=split.path,
        scheme=split.scheme,
        tokens=int(split.lengths.sum()),
        distinct_tokens=len(content.words),
        documents=len(np.unique(split.documents[split.documents >= 0])),
        per_type=dict(sorted(per_type.items(), key=lambda item: (-item[1], item[0]))),
        sentence_lengths=Lengths(split.lengths),
        entity_lengths=Lengths(np.array([span.end - span.start for span in spans], dtype=np.int64)),
        sentences_with_entities=sum(map(bool, content.spans)),
        ambiguity=_ambiguity(content),
        unseen=None if train is None else _unseen(content, train),
        vectors=None if vectors is None else coverage(content.words, vectors),
    )


def _unseen(content: _Content, train: _Content) -> Unseen:
    new = content.words.keys() - train.words.keys()
    entities = sum(count for key, count in content.mentions.items() if key not in train.mentions)
    return Unseen(
        tokens=_share(sum(content.words[word] for word in new), sum(content.words.values())),
        distinct_tokens=_share(len(new), len(content.words)),
        entities=_share(entities, content.mentions.total()),
    )


def _ambiguity(content: _Content) -> Ambiguity:
    labels: dict[Form, set[str]] = defaultdict(set)
    for form, label in content.mentions:
        labels[form].add(label)
    several = {form for form, own in labels.items() if len(own) > 1}
    outside = _forms_outside(content, labels)
    return Ambiguity(len(labels), len(several), len(outside), len(several | outside))


def _forms_outside(content: _Content, forms: Collection[Form]) -> set[Form]:
    """Those of the forms whose words stand, in a row, somewhere outside all entities."""
    lengths: dict[str, set[int]] = defaultdict(set)  # first word -> lengths of the forms that begin with it
    for form in forms:
        lengths[form[0]].add(len(form))
    found: set[Form] = set()
    for words, spans in content.annotated():
        for start, end in _between(spans, len(words)):
            for i in range(start, end):
                for length in lengths.get(words[i], ()):
                    if i + length <= end and (form := tuple(words[i : i + length])) in forms:
                        found.add(form)
    return found


def _between(spans: Sequence[Span], length: int) -> Iterator[tuple[int, int]]:
    """The stretches, start and end, of a sentence of `length` words that no entity touches."""
    at = 0
    for span in spans:
        yield at, span.start
        at = span.end
    yield at, length


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _coverage_dict(found: Coverage) -> dict[str, Any]:
    return {
        "path": str(found.path),
        "tokens": found.tokens.share,
        "distinct_tokens": found.types.share,
        "most_missed": [{"token": word, "count": count} for word, count in found.most_missed],
    }

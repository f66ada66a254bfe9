"""Annotations against models that have not seen them: where to look for mistakes first.

A corpus is cut into folds, whole documents where there are any. For each fold a tagger learns from the others
and judges this one. Wherever its best tags differ from the annotation, two readings of the same words stand
against each other, and the model has an exact probability of each: of precisely this entity, or of no word in
it being part of any. How many times more probable the model's reading is ranks them. (Northcutt, Jiang and
Chuang 2021 rank labels by what models that have not seen them believe; here spans take the place of labels.)
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from rnner.config import Config
from rnner.data.corpus import Corpus
from rnner.data.splits import Split
from rnner.decoding.decoder import ScoredSpan
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.scoring.metrics import Scores, score
from rnner.system.process_memory import keep_freed_memory
from rnner.tags import Span
from rnner.training.setup import TrainingData, prepare
from rnner.training.trainer import Trainer
from rnner.workbench.partition import Indices

NOTHING = ""
"""The label of words in which there is no entity."""
RECIPE: dict[str, Any] = {
    "embeddings": {
        "words": {"size": 50},
        "characters": {"encoder": "cnn", "hidden": 50},
        "casing": 10,
        "document": True,
        "lexicon": True,
    },
    "encoder": {"cell": "lstm", "hidden": 100},
    "dropout": {"words": 0.05, "document": 0.1, "input": 0.5, "output": 0.5},
    "head": "crf",
    "training": {"epochs": 10, "batch_sentences": 16, "learning_rate": 0.003, "average": 0.99},
}
"""What is trained unless a config is given: small, since each fold has a model of its own."""


_LEAST = 1e-9  # what is less probable is not told apart


class Doubt(NamedTuple):
    """A place where a model that has not seen it reads something else than what is annotated.

    Attributes:
        sentence: its number in the corpus, from 0.
        kind: `missing` (nothing is annotated), `spurious` (the model finds nothing), `label` or `border`
            (both find an entity there; `border` if they agree about the label).
        annotated: the annotated reading, with its probability under the model; label `NOTHING` for none.
        found: that of the model.
    """

    sentence: int
    kind: str
    annotated: ScoredSpan
    found: ScoredSpan

    @property
    def log_ratio(self) -> float:
        """The logarithm of how many times more probable the model's reading is; the larger, the worse."""
        return math.log(max(self.found.score, _LEAST)) - math.log(max(self.annotated.score, _LEAST))


class Judged(NamedTuple):
    """What came of one fold.

    Attributes:
        doubts: in no order; `sentence` counts in the whole corpus.
        unjudged: annotated entities of labels that no other fold has.
        scores: of the model on the fold.
        learnt: sentences of the other folds.
        seconds: training and judging took.
    """

    doubts: list[Doubt]
    unjudged: int
    scores: Scores
    learnt: int
    seconds: float


@dataclass(frozen=True)
class Auditor:
    """Trains on all folds but one and judges that one.

    Attributes:
        config: how to train; all epochs are trained, no dev corpus picks one.
        whole: the corpus, in the config's scheme.
        sources: the config's word vectors, if it has any; their corpus is not looked at.
        folders: where the config's paths are looked up.
    """

    config: Config
    whole: Split
    sources: TrainingData
    folders: Sequence[Path] = ()

    def judge(self, fold: Indices) -> Judged:
        """Judge the sentences `[n]` of a fold by a model of all others.

        Raises:
            TrainingError: training diverged.
        """
        started = time.perf_counter()
        keep_freed_memory()
        rest = np.setdiff1d(np.arange(len(self.whole)), fold)
        corpus = Corpus(self.whole.select(rest), self.whole.select(fold), None, held_out=True)
        job = prepare(
            self.config,
            folders=self.folders,
            device=torch.device("cpu"),
            sources=replace(self.sources, corpus=corpus),
        )
        trainer = Trainer(job.tagger, job.vocabulary, corpus.train, job.config.training, lambda: _UNSCORED)
        for _ in trainer.fit():
            pass
        with trainer.averaged():
            doubts, unjudged, scores = judge(TaggerDecoder(job.tagger, job.vocabulary), corpus.dev)
        doubts = [doubt._replace(sentence=int(fold[doubt.sentence])) for doubt in doubts]
        return Judged(doubts, unjudged, scores, len(rest), time.perf_counter() - started)


_UNSCORED = score([[]], [[]], [1])


def judge(decoder: TaggerDecoder, split: Split) -> tuple[list[Doubt], int, Scores]:
    """The doubts of a tagger about the annotations of a split.

    Returns:
        The doubts; how many entities have labels that the tagger does not know, which it cannot judge; the
        scores of what it finds.
    """
    (sentences, _), documents = split.sentences(), split.documents.tolist()
    labels = set(decoder.vocabulary.labels)
    everything = list(split.all_spans())
    found = decoder.scored_spans(sentences, documents)
    gold = [[span for span in spans if span.label in labels] for spans in everything]
    pairs = list(zip(everything, gold, found, strict=True))
    missing = [[_nothing(span) for span in own if not _touching(span, all_)] for all_, _, own in pairs]
    spurious = [[_nothing(span) for span in known if not _touching(span, own)] for _, known, own in pairs]
    annotated = decoder.probabilities(
        sentences, [[*one, *other] for one, other in zip(gold, missing, strict=True)], documents
    )
    empty = decoder.probabilities(sentences, spurious, documents)
    doubts = [
        doubt
        for number, (all_, _, own) in enumerate(pairs)
        for doubt in _doubts(number, all_, own, annotated[number], empty[number])
    ]
    unjudged = sum(map(len, everything)) - sum(map(len, gold))
    predicted = [[Span(*span[:3]) for span in own] for own in found]
    return doubts, unjudged, score(everything, predicted, split.lengths.tolist())


def _doubts(
    number: int,
    gold: Sequence[Span],
    found: Sequence[ScoredSpan],
    annotated: Sequence[ScoredSpan],
    empty: Sequence[ScoredSpan],
) -> Iterator[Doubt]:
    """The doubts about one sentence.

    `annotated` has the probabilities of the gold entities, and of none where the model alone finds one;
    `empty` those of none where it finds nothing.
    """
    agreed = {span[:3] for span in gold} & {span[:3] for span in found}
    by_place = {(span.start, span.end): span for span in found}
    none = {(span.start, span.end): span for span in empty}
    for own in annotated:
        if own[:3] in agreed:
            continue
        if own.label == NOTHING:
            yield Doubt(number, "missing", own, by_place[own.start, own.end])
        elif rivals := _touching(own, found):
            rival = max(rivals, key=lambda span: (_shared(own, span), span.score))
            yield Doubt(number, "border" if rival.label == own.label else "label", own, rival)
        elif rival := none.get((own.start, own.end)):
            yield Doubt(number, "spurious", own, rival)


def _nothing(span: Span | ScoredSpan) -> Span:
    return Span(span.start, span.end, NOTHING)


def _touching(span: Span | ScoredSpan, others: Sequence[Any]) -> list[Any]:
    """Those that share a word with a span."""
    return [other for other in others if _shared(span, other) > 0]


def _shared(one: Span | ScoredSpan, other: Span | ScoredSpan) -> int:
    """How many words two spans share; not above 0 if none."""
    return min(one.end, other.end) - max(one.start, other.start)


def ranked(doubts: Sequence[Doubt]) -> list[Doubt]:
    """The doubts, the largest ratio first; of equals the first in the corpus."""
    return sorted(doubts, key=lambda doubt: (-doubt.log_ratio, doubt.sentence, doubt.annotated.start))

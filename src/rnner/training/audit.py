"""Likely annotation errors, found by cross-validation.

A corpus is split into folds. For each fold, a tagger is trained on the other folds, and its best tags are
compared with the annotations of this fold. Where they differ, the model gives the exact probability of each
reading: that the words are precisely this entity, or contain no entity. Errors are ranked by the ratio of
the two probabilities. (Northcutt, Jiang and Chuang 2021 rank labels by the predictions of models that have
not seen them; this module ranks spans instead of labels.)
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
from rnner.decoding.spans import ScoredSpan
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.scoring.error_analysis import overlapping, shared_words
from rnner.scoring.evaluation import score_split
from rnner.scoring.metrics import Scores, score
from rnner.system.process_memory import keep_freed_memory
from rnner.tags import Span
from rnner.training.progress import DevResult
from rnner.training.setup import TrainingData, prepare_training
from rnner.training.trainer import Trainer
from rnner.workbench.partition import Indices

NO_ENTITY = ""
"""The label of a span without entities."""

DEFAULT_CONFIG: dict[str, Any] = {
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
"""The default config of the models. It is small, since one model is trained per fold."""

_MIN_PROBABILITY = 1e-9  # bounds the ratio
_NO_DEV = DevResult(score([[]], [[]], [1]), 0.0)  # training uses no dev split


class LikelyError(NamedTuple):
    """A place where the prediction differs from the annotation.

    Attributes:
        sentence: index of the sentence in the corpus.
        kind: `missing` (nothing is annotated), `spurious` (the model finds nothing), `border` (same
            label, different boundaries) or `label` (different label).
        annotated: the annotated entity and its probability under the model; label `NO_ENTITY` if none.
        predicted: the entity that the model finds and its probability; label `NO_ENTITY` if none.
    """

    sentence: int
    kind: str
    annotated: ScoredSpan
    predicted: ScoredSpan

    @property
    def log_ratio(self) -> float:
        """Logarithm of the ratio of the two probabilities; large if the annotation is likely an error."""
        predicted, annotated = self.predicted.score, self.annotated.score
        return math.log(max(predicted, _MIN_PROBABILITY)) - math.log(max(annotated, _MIN_PROBABILITY))


class FoldResult(NamedTuple):
    """Result of one fold.

    Attributes:
        errors: likely errors, in no particular order.
        unknown_labels: number of entities that cannot be judged, since no other fold has their label.
        scores: scores of the model on the fold.
        training_sentences: number of sentences of the other folds.
        seconds: time spent on training and judging.
    """

    errors: list[LikelyError]
    unknown_labels: int
    scores: Scores
    training_sentences: int
    seconds: float


@dataclass(frozen=True)
class Auditor:
    """Trains on all folds but one, and judges the annotations of that one.

    Attributes:
        config: config of the models. All epochs are trained; no dev split selects the best one.
        corpus: all sentences, in the config's tag scheme.
        data: the config's word vectors, if it has any; its corpus is not used.
        folders: where to look up the config's paths.
    """

    config: Config
    corpus: Split
    data: TrainingData
    folders: Sequence[Path] = ()

    def judge(self, fold: Indices) -> FoldResult:
        """Judge a fold, given as sentence indices `[n]`, by a model trained on all other sentences.

        Raises:
            TrainingError: training diverged.
        """
        started = time.perf_counter()
        keep_freed_memory()
        others = np.setdiff1d(np.arange(len(self.corpus)), fold)
        corpus = Corpus(self.corpus.select(others), self.corpus.select(fold), None, held_out=True)
        setup = prepare_training(
            self.config,
            folders=self.folders,
            device=torch.device("cpu"),
            data=replace(self.data, corpus=corpus),
        )
        trainer = Trainer(
            setup.tagger, setup.vocabulary, corpus.train, setup.config.training, lambda: _NO_DEV
        )
        for _ in trainer.fit():
            pass
        with trainer.averaged():
            decoder = TaggerDecoder(setup.tagger, setup.vocabulary)
            errors, unknown_labels, scores = find_errors(decoder, corpus.dev)
        errors = [error._replace(sentence=int(fold[error.sentence])) for error in errors]
        return FoldResult(errors, unknown_labels, scores, len(others), time.perf_counter() - started)


def find_errors(decoder: TaggerDecoder, split: Split) -> tuple[list[LikelyError], int, Scores]:
    """Compare the annotations of a split with the predictions of a tagger.

    Returns:
        The likely errors, in no particular order; the number of entities that are not judged because the
        tagger does not know their labels; the scores of the predictions.
    """
    (sentences, _), documents = split.sentences(), split.documents.tolist()
    labels = set(decoder.vocabulary.labels)
    gold = list(split.all_spans())
    known = [[span for span in spans if span.label in labels] for spans in gold]
    predicted = split.judged(decoder.scored_spans(sentences, documents))
    # The readings without an entity: where only the tagger finds one, and where only the annotation has one.
    no_gold = [_unmatched(own, spans) for own, spans in zip(predicted, gold, strict=True)]
    no_predicted = [_unmatched(spans, own) for spans, own in zip(known, predicted, strict=True)]
    annotated = decoder.probabilities(
        sentences, [[*spans, *empty] for spans, empty in zip(known, no_gold, strict=True)], documents
    )
    empty = decoder.probabilities(sentences, no_predicted, documents)
    errors = [
        error
        for i, spans in enumerate(gold)
        for error in _sentence_errors(i, spans, predicted[i], annotated[i], empty[i])
    ]
    unknown_labels = sum(map(len, gold)) - sum(map(len, known))
    spans_only = [[Span(*span[:3]) for span in spans] for spans in predicted]
    return errors, unknown_labels, score_split(split, spans_only)


def rank_errors(errors: Sequence[LikelyError]) -> list[LikelyError]:
    """Return the errors sorted by decreasing ratio, then in corpus order."""
    return sorted(errors, key=lambda error: (-error.log_ratio, error.sentence, error.annotated.start))


def _unmatched(spans: Sequence[Span | ScoredSpan], others: Sequence[Span | ScoredSpan]) -> list[Span]:
    """Return the spans that overlap none of `others`, with the label `NO_ENTITY`."""
    return [Span(span.start, span.end, NO_ENTITY) for span in spans if not overlapping(span, others)]


def _sentence_errors(
    sentence: int,
    gold: Sequence[Span],
    predicted: Sequence[ScoredSpan],
    annotated: Sequence[ScoredSpan],
    empty: Sequence[ScoredSpan],
) -> Iterator[LikelyError]:
    """Yield the errors of one sentence.

    `annotated` holds the probability of each gold entity and, where only the model finds one, of no entity;
    `empty` holds the probability of no entity where only the annotation has one.
    """
    agreed = {span[:3] for span in gold} & {span[:3] for span in predicted}
    predicted_at = {(span.start, span.end): span for span in predicted}
    empty_at = {(span.start, span.end): span for span in empty}
    for own in annotated:
        if own[:3] in agreed:
            continue
        if own.label == NO_ENTITY:
            yield LikelyError(sentence, "missing", own, predicted_at[own.start, own.end])
        elif rivals := overlapping(own, predicted):
            rival = max(rivals, key=lambda span: (shared_words(own, span), span.score))
            yield LikelyError(sentence, "border" if rival.label == own.label else "label", own, rival)
        elif none := empty_at.get((own.start, own.end)):
            yield LikelyError(sentence, "spurious", own, none)

"""Evaluation of taggers on an annotated corpus: scores, intervals, errors, and comparisons of models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnner.data.splits import Split
from rnner.scoring.bootstrap import (
    Difference,
    Interval,
    SamplingUnits,
    bootstrap_f1,
    entity_counts,
    paired_difference,
    percentile_interval,
)
from rnner.scoring.error_analysis import Confusion, ErrorCounts, confusions, count_errors
from rnner.scoring.metrics import Scores, score, score_tags
from rnner.tags import from_spans

if TYPE_CHECKING:  # would import torch
    from rnner.decoding.decoder import Decoder
    from rnner.decoding.ensemble import Ensemble


@dataclass(frozen=True)
class EvaluationReport:
    """Scores, the bootstrap interval of F1, and the errors."""

    scores: Scores
    f1_interval: Interval
    units: SamplingUnits  # resampled for the interval
    errors: ErrorCounts
    confusions: list[Confusion]
    warnings: list[str]
    counts: NDArray[np.int64] = field(repr=False, compare=False)  # [u, 3] per unit, see `entity_counts`

    def to_dict(self) -> dict[str, Any]:
        """Return the report, ready for JSON; scores are fractions."""
        return {
            **self.scores.to_dict(),
            "f1_interval": asdict(self.f1_interval) | self.units.to_dict(),
            "errors": asdict(self.errors),
            "confusions": [confusion.to_dict() for confusion in self.confusions],
            "warnings": self.warnings,
        }


def evaluate(decoder: Decoder | Ensemble, split: Split) -> Scores:
    """Score the entities that a model finds in a split against the annotated ones.

    Args:
        decoder: a model's decoder, or an `Ensemble` of several.
        split: in any tag scheme. For a model with the scheme `binary`, convert it to `binary` first.

    Example:
        >>> from rnner.decoding.tagger_decoder import load_decoder
        >>> from rnner.data.corpus import read_split
        >>> evaluate(load_decoder("runs/my"), read_split("test.conll")).f1
        1.0
    """
    sentences, _ = split.sentences()
    predicted = decoder.spans(sentences, split.documents.tolist())
    return score(list(split.all_spans()), predicted, split.lengths.tolist())


def evaluation_report(decoder: Decoder | Ensemble, split: Split) -> EvaluationReport:
    """Evaluate a model and return its scores with intervals and errors.

    The split is converted to `binary` if the model has that scheme. Tags that break their scheme are read as
    conlleval reads them; the strict scores are added if they differ. Entities with labels that the
    model does not know count as missed, with a warning.
    """
    binary = decoder.vocabulary.scheme == "binary"
    if binary:
        split = split.convert("binary")
    gold, (sentences, gold_tags) = list(split.all_spans()), split.sentences()
    predicted = decoder.spans(sentences, split.documents.tolist())
    if split.illegal_tags is not None and not binary:
        # The strict reading compares tags, so both sides need the same scheme.
        scheme = "bioes" if any(tag[:2] in ("E-", "S-") for row in gold_tags for tag in row) else "iob2"
        tags = [from_spans(found, len(row), scheme) for found, row in zip(predicted, gold_tags, strict=True)]
        scores = score_tags(gold_tags, tags, scheme=scheme)
    else:
        scores = score(gold, predicted, split.lengths.tolist())
    units = SamplingUnits.of_documents(split.documents)
    counts = entity_counts(gold, predicted, units)
    label_counts = Counter(span.label for spans in gold for span in spans)
    return EvaluationReport(
        scores=scores,
        f1_interval=percentile_interval(bootstrap_f1(counts)),
        units=units,
        counts=counts,
        errors=count_errors(gold, predicted),
        confusions=confusions(gold, predicted, sentences),
        warnings=_notes(split) + unknown_labels(label_counts, decoder.vocabulary.labels),
    )


@dataclass(frozen=True)
class Comparison:
    """Reports of several models on the same split.

    Attributes:
        models: name and report of each model; the first is the baseline.
        ensemble: the report of the ensemble of all models, if there is one.
    """

    models: list[tuple[str, EvaluationReport]]
    ensemble: EvaluationReport | None

    def difference(self, report: EvaluationReport) -> Difference:
        """Return F1 of a report (in the lenient reading) minus that of the baseline."""
        return paired_difference(report.counts, self.models[0][1].counts)

    def to_dict(self) -> dict[str, Any]:
        """Return all reports, ready for JSON; the baseline has no difference."""
        (baseline, first), *others = self.models
        models = [{"model": baseline, **first.to_dict()}]
        models += [{"model": name, **self._with_difference(report)} for name, report in others]
        ensemble = None if self.ensemble is None else self._with_difference(self.ensemble)
        return {"baseline": baseline, "models": models, "ensemble": ensemble}

    def _with_difference(self, report: EvaluationReport) -> dict[str, Any]:
        return {**report.to_dict(), "difference": self.difference(report).to_dict()}


def unknown_labels(counts: Mapping[str, int], known: Collection[str]) -> list[str]:
    """Return a warning about labels of gold entities (`counts` by label) that the model does not know."""
    unknown = ", ".join(f"{label} ({n})" for label, n in sorted(counts.items()) if label not in known)
    if not unknown:
        return []
    return [f"the model does not know the labels {unknown}: these entities count as missed"]


def _notes(split: Split) -> list[str]:
    notes = [f"{split.path}: {note}" for note in split.notes]
    if split.illegal_tags is not None:
        times, line, reason = split.illegal_tags
        notes.append(f"{split.path}:{line}: {reason}; such tags ({times}) are read as conlleval reads them")
    return notes

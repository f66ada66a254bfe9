"""A tagger against the labels of a corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnner.data.splits import Split
from rnner.decoding.decoder import SpanFinder
from rnner.scoring.bootstrap import (
    Difference,
    Interval,
    Units,
    entity_counts,
    interval,
    paired_difference,
    resampled_f1,
)
from rnner.scoring.metrics import Confusion, Errors, Scores, confusions, error_classes, score, score_tags
from rnner.tags import Span, from_spans


@dataclass(frozen=True)
class EvaluationReport:
    """Scores, how far they may be chance, and what went wrong.

    `f1_interval` is that of a bootstrap over `units`; `counts` `[u, 3]` are the entities of each: correct,
    predicted, gold.
    """

    scores: Scores
    f1_interval: Interval
    units: Units
    errors: Errors
    confusions: list[Confusion]
    warnings: list[str]
    counts: NDArray[np.int64] = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON; scores are fractions."""
        return {
            **self.scores.to_dict(),
            "f1_interval": self.f1_interval.to_dict() | self.units.to_dict(),
            "errors": self.errors.to_dict(),
            "confusions": [confusion.to_dict() for confusion in self.confusions],
            "warnings": self.warnings,
        }


def evaluate(decoder: SpanFinder, split: Split) -> Scores:
    """Score what the tagger finds in a split against the split's own entities.

    Args:
        decoder: of the tagger, or of several (`rnner.decoding.ensemble.Ensemble`).
        split: read in any scheme; a tagger of names alone (`binary`) needs it converted to `binary`.

    Example:
        >>> from rnner.decoding.tagger_decoder import load_decoder
        >>> from rnner.data.corpus import read_split
        >>> evaluate(load_decoder("runs/my"), read_split("test.conll")).f1
        1.0
    """
    sentences, _ = split.sentences()
    predicted = decoder.spans(sentences, split.documents.tolist())
    return score(list(split.all_spans()), predicted, split.lengths.tolist())


def report(decoder: SpanFinder, split: Split) -> EvaluationReport:
    """The same with error classes and confusions.

    The split may hold tags that break their scheme (read as conlleval does): then the strict reading's scores
    stand beside the others where they differ. Labels that the tagger does not know count as missed.
    """
    binary = decoder.vocabulary.scheme == "binary"
    if binary:
        split = split.convert("binary")
    gold, (sentences, gold_tags) = list(split.all_spans()), split.sentences()
    predicted = decoder.spans(sentences, split.documents.tolist())
    if split.repaired is not None and not binary:
        # The strict reading means something only when both sides are written alike.
        scheme = "bioes" if any(tag[:2] in ("E-", "S-") for row in gold_tags for tag in row) else "iob2"
        tags = [from_spans(found, len(row), scheme) for found, row in zip(predicted, gold_tags, strict=True)]
        scores = score_tags(gold_tags, tags, scheme=scheme)
    else:
        scores = score(gold, predicted, split.lengths.tolist())
    units = Units.of(split.documents)
    counts = entity_counts(gold, predicted, units)
    return EvaluationReport(
        scores=scores,
        f1_interval=interval(resampled_f1(counts)),
        units=units,
        counts=counts,
        errors=error_classes(gold, predicted),
        confusions=confusions(gold, predicted, sentences),
        warnings=_warnings(decoder, split, gold),
    )


@dataclass(frozen=True)
class Comparison:
    """Several models on the same split, and what they find together.

    Attributes:
        models: name and report of each; the first is what the others are measured against.
        ensemble: the report of all together, if they were put together.
    """

    models: list[tuple[str, EvaluationReport]]
    ensemble: EvaluationReport | None

    def difference(self, report: EvaluationReport) -> Difference:
        """F1 of one of the reports less that of the first model (of the lenient reading)."""
        return paired_difference(report.counts, self.models[0][1].counts)

    def to_dict(self) -> dict[str, Any]:
        """All reports, ready for JSON; the first model has no difference."""
        (baseline, first), *others = self.models
        told = [{"model": baseline, **first.to_dict()}]
        told += [{"model": name, **self._with_difference(report)} for name, report in others]
        together = None if self.ensemble is None else self._with_difference(self.ensemble)
        return {"baseline": baseline, "models": told, "ensemble": together}

    def _with_difference(self, report: EvaluationReport) -> dict[str, Any]:
        return {**report.to_dict(), "difference": self.difference(report).to_dict()}


def _warnings(decoder: SpanFinder, split: Split, gold: list[list[Span]]) -> list[str]:
    found = [f"{split.path}: {note}" for note in split.notes]
    if split.repaired is not None:
        times, line, reason = split.repaired
        found.append(f"{split.path}:{line}: {reason}; such tags ({times}) are read as conlleval does")
    counts = Counter(span.label for spans in gold for span in spans)
    return found + unknown_labels(counts, decoder.vocabulary.labels)


def unknown_labels(counts: Mapping[str, int], known: Collection[str]) -> list[str]:
    """A warning if there are gold entities, counted by label, of labels that the tagger does not know."""
    unknown = {label: n for label, n in counts.items() if label not in known}
    if not unknown:
        return []
    told = ", ".join(f"{label} ({n})" for label, n in sorted(unknown.items()))
    return [f"the model does not know the labels {told}: these entities count as missed"]

"""Evaluation of models, or of files of predictions, on an annotated corpus: scores, intervals, errors."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnner.data.splits import Split
from rnner.decoding.decoder import Decoder
from rnner.errors import counted
from rnner.scoring.annotation import (
    NO_MAP,
    AnnotatedSentences,
    Annotation,
    LabelMap,
    score_annotations,
)
from rnner.scoring.bootstrap import (
    Difference,
    Interval,
    SamplingUnits,
    bootstrap_f1,
    entity_counts,
    paired_difference,
    percentile_interval,
)
from rnner.scoring.calibration import Calibration, calibration
from rnner.scoring.error_analysis import Confusion, ErrorCounts, confusions, count_errors
from rnner.scoring.matching import Matches, count_matches, count_matches_per_type
from rnner.scoring.metrics import Scores, score, score_entities
from rnner.scoring.novelty import KnownForms, Novelty, score_novelty
from rnner.scoring.pairing import Pairing
from rnner.tags import BINARY_LABEL, Span

if TYPE_CHECKING:  # would import torch
    from rnner.decoding.ensemble import Ensemble


@dataclass(frozen=True)
class EvaluationReport:
    """Scores, the bootstrap interval of F1, and the errors.

    Attributes:
        scores: precision, recall and F1.
        f1_interval, units: interval of F1, and the units that were resampled for it.
        errors, confusions: errors by class and by label.
        matches, matches_per_type: strict, exact, partial and type matches: overall, and for each label.
        novelty: scores of entities seen and unseen in training; None if no training data is given.
        calibration: reliability of the probabilities; None if no probabilities are known.
        warnings: about the data and the labels.
        counts: `[u, 3]` per unit, see `entity_counts`.
        gold, found: the sentences with their gold entities, and the entities found in them.
    """

    scores: Scores
    f1_interval: Interval
    units: SamplingUnits
    errors: ErrorCounts
    confusions: list[Confusion]
    matches: dict[str, Matches]
    matches_per_type: dict[str, dict[str, Matches]]
    novelty: Novelty | None
    calibration: Calibration | None
    warnings: list[str]
    counts: NDArray[np.int64] = field(repr=False, compare=False)
    gold: AnnotatedSentences = field(repr=False, compare=False)
    found: Annotation = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the report, ready for JSON; scores are fractions."""
        report = {
            **self.scores.to_dict(),
            "f1_interval": asdict(self.f1_interval) | self.units.to_dict(),
            "errors": asdict(self.errors),
            "confusions": [confusion.to_dict() for confusion in self.confusions],
            "matches": {schema: self._matches_of(schema) for schema in self.matches},
            "warnings": self.warnings,
        }
        if self.calibration is not None:
            report["calibration"] = self.calibration.to_dict()
        return report if self.novelty is None else report | {"train": self.novelty.to_dict()}

    def _matches_of(self, schema: str) -> dict[str, Any]:
        per_type = {label: matches[schema].to_dict() for label, matches in self.matches_per_type.items()}
        return {**self.matches[schema].to_dict(), "per_type": per_type}


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
    return score_split(split, decoder.spans(sentences, split.documents.tolist()))


def score_split(split: Split, found: Sequence[list[Span]]) -> Scores:
    """Score the entities found in each sentence of a split against the annotated ones.

    Entities that contain a word whose tag is not known count on neither side.
    """
    scores = score(list(split.all_spans()), split.judged(found), split.lengths.tolist())
    return scores.without_tokens(sum(map(len, split.unknown_words()))) if split.partial else scores


def evaluate_files(decoder: Decoder | Ensemble, split: Split) -> dict[str, Any]:
    """Return the scores of a model on a split, ready for JSON.

    If the split has several files, `files` has the scores on each, by its path.
    """
    sentences, _ = split.sentences()
    found = decoder.spans(sentences, split.documents.tolist())
    scores = score_split(split, found).to_dict()
    files = {
        path: score_split(split.select(rows), [found[row] for row in rows]).to_dict()
        for path, rows in split.by_file().items()
    }
    return scores | ({"files": files} if files else {})


def evaluation_report(
    decoder: Decoder | Ensemble,
    split: Split,
    *,
    labels: LabelMap = NO_MAP,
    known: KnownForms | None = None,
    probabilities: bool = False,
) -> EvaluationReport:
    """Evaluate a model and return its scores with intervals and errors.

    The split is converted to `binary` if the model has that scheme. Tags that break their scheme are read as
    conlleval reads them; the strict scores are added if they differ. Entities with labels that the
    model does not know count as missed, with a warning.

    Args:
        decoder: a model's decoder, or an `Ensemble` of several.
        split: in any tag scheme.
        labels: new label by old label, applied to the split and to the model's entities.
        known: the entities of the training data, to score seen and unseen entities apart.
        probabilities: whether to compute those of the entities, which takes longer; an ensemble has none.
    """
    if decoder.vocabulary.scheme == "binary":
        split = split.convert("binary")
        known = known and {(form, labels.get(BINARY_LABEL, BINARY_LABEL)) for form, _ in known}
    gold = AnnotatedSentences.of_split(split).relabel(labels)
    everything = _find(decoder, gold, probabilities).relabel(labels)
    found = everything.without_words(gold.unknown)
    model_labels = {labels.get(label, label) for label in decoder.vocabulary.labels}
    warnings = _notes(split) + unknown_labels(gold.annotation.count_labels(), model_labels)
    scores = score_annotations(gold.annotation, found, split.lengths.tolist())
    if split.partial:
        words, left_out = sum(map(len, gold.unknown)), everything.count_labels() - found.count_labels()
        scores = scores.without_tokens(words)
        warnings.append(_unknown_note(words, left_out.total()))
    return _report(gold, found, scores, warnings, known)


def predictions_reports(
    pairing: Pairing, *, labels: LabelMap = NO_MAP, known: KnownForms | None = None
) -> list[EvaluationReport]:
    """Return a report on each file of predictions; arguments as for `evaluation_report`."""
    gold = pairing.gold.relabel(labels)
    lengths = list(map(len, gold.words))
    reports = []
    for found in (annotation.relabel(labels) for annotation in pairing.predicted):
        if pairing.by_tokens:
            scores = score_annotations(gold.annotation, found, lengths)
        else:
            scores = score_entities(gold.annotation.spans, found.spans)
        warnings = pairing.notes + _labels_without_gold(gold.annotation, found)
        reports.append(_report(gold, found, scores, warnings, known))
    return reports


@dataclass(frozen=True)
class Comparison:
    """Reports of several models, or files of predictions, on the same gold entities.

    Attributes:
        models: name and report of each; the first is the baseline.
        ensemble: the report of the ensemble of all models, if there is one.
    """

    models: list[tuple[str, EvaluationReport]]
    ensemble: EvaluationReport | None

    def systems(self) -> list[tuple[str, EvaluationReport]]:
        """Return name and report of each model, and of the ensemble if there is one."""
        return [*self.models, *([] if self.ensemble is None else [("Ensemble", self.ensemble)])]

    def difference(self, report: EvaluationReport) -> Difference:
        """Return F1 of a report (in the lenient reading) minus that of the baseline."""
        return paired_difference(report.counts, self.models[0][1].counts)

    @property
    def warnings(self) -> list[str]:
        """The warnings of all models; those that not all models share begin with the model's name."""
        shared = [
            it for it in self.models[0][1].warnings if all(it in rest.warnings for _, rest in self.models)
        ]
        own = [f"{name}: {it}" for name, report in self.models for it in report.warnings if it not in shared]
        return list(dict.fromkeys(shared + own))

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


def _find(decoder: Decoder | Ensemble, gold: AnnotatedSentences, probabilities: bool) -> Annotation:
    documents = gold.documents.tolist()
    if not (probabilities and isinstance(decoder, Decoder)):
        return Annotation(decoder.spans(gold.words, documents))
    scored = decoder.scored_spans(gold.words, documents)
    return Annotation(
        [[Span(*span[:3]) for span in spans] for spans in scored],
        probabilities=[[span.score for span in spans] for spans in scored],
    )


def _calibration(gold: Annotation, found: Annotation) -> Calibration | None:
    """Return the calibration of found entities; None without probabilities or without entities."""
    if found.probabilities is None:
        return None
    correct = [span in own for own, spans in zip(gold.spans, found.spans, strict=True) for span in spans]
    if not correct:
        return None
    return calibration(list(chain.from_iterable(found.probabilities)), correct)


def _report(
    gold: AnnotatedSentences,
    found: Annotation,
    scores: Scores,
    warnings: list[str],
    known: KnownForms | None,
) -> EvaluationReport:
    sides = gold.annotation.spans, found.spans
    units = SamplingUnits.of_documents(gold.documents)
    counts = entity_counts(*sides, units)
    return EvaluationReport(
        scores=scores,
        f1_interval=percentile_interval(bootstrap_f1(counts)),
        units=units,
        counts=counts,
        errors=count_errors(*sides),
        confusions=confusions(*sides, gold.words),
        matches=count_matches(*sides),
        matches_per_type=count_matches_per_type(*sides),
        novelty=None if known is None else score_novelty(*sides, gold.words, known),
        calibration=_calibration(gold.annotation, found),
        warnings=warnings,
        gold=gold,
        found=found,
    )


def _unknown_note(words: int, left_out: int) -> str:
    """Return a note on words whose tags are not known and on the entities found there."""
    where = counted(words, "word")
    what = counted(left_out, "found entity", "found entities")
    return f"{where} with unknown tags: what the model finds there is not counted ({what})"


def _labels_without_gold(gold: Annotation, found: Annotation) -> list[str]:
    """Return a warning about predicted labels that no gold entity has."""
    known = gold.count_labels()
    others = {label: n for label, n in sorted(found.count_labels().items()) if label not in known}
    if not others:
        return []
    listed = ", ".join(f"{label} ({n:,})" for label, n in others.items())
    advice = f"--map {next(iter(others))}=LABEL renames a label"
    return [f"no gold entity has the labels {listed}: these entities count as wrong; {advice}"]


def _notes(split: Split) -> list[str]:
    notes = [f"{split.path}: {note}" for note in split.notes]
    if split.illegal_tags is not None:
        times, line, reason = split.illegal_tags
        notes.append(f"{split.path}:{line}: {reason}; such tags ({times}) are read as conlleval reads them")
    return notes

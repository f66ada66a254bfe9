"""A tagger against the labels of a corpus."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from rnner.data.corpus import Split
from rnner.decoding import Decoder
from rnner.metrics import Confusion, Errors, Scores, confusions, error_classes, score, score_tags
from rnner.tags import Span, from_spans


@dataclass(frozen=True)
class Report:
    """Scores, and what went wrong."""

    scores: Scores
    errors: Errors
    confusions: list[Confusion]
    warnings: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON; scores are fractions."""
        return {
            **self.scores.to_dict(),
            "errors": self.errors.to_dict(),
            "confusions": [confusion.to_dict() for confusion in self.confusions],
            "warnings": self.warnings,
        }


def evaluate(decoder: Decoder, split: Split) -> Scores:
    """Score what the tagger finds in a split against the split's own entities.

    Args:
        decoder: of the tagger.
        split: read in any scheme; a tagger of names alone (`binary`) needs it converted to `binary`.
    """
    sentences, _ = split.sentences()
    return score(list(split.all_spans()), decoder.spans(sentences), split.lengths.tolist())


def report(decoder: Decoder, split: Split) -> Report:
    """The same with error classes and confusions.

    The split may hold tags that break their scheme (read as conlleval does): then the strict reading's scores
    stand beside the others where they differ. Labels that the tagger does not know count as missed.
    """
    binary = decoder.vocabulary.scheme == "binary"
    if binary:
        split = split.convert("binary")
    gold, (sentences, gold_tags) = list(split.all_spans()), split.sentences()
    predicted = decoder.spans(sentences)
    if split.repaired is not None and not binary:
        # The strict reading means something only when both sides are written alike.
        scheme = "bioes" if any(tag[:2] in ("E-", "S-") for row in gold_tags for tag in row) else "iob2"
        tags = [from_spans(found, len(row), scheme) for found, row in zip(predicted, gold_tags, strict=True)]
        scores = score_tags(gold_tags, tags, scheme=scheme)
    else:
        scores = score(gold, predicted, split.lengths.tolist())
    return Report(
        scores=scores,
        errors=error_classes(gold, predicted),
        confusions=confusions(gold, predicted, sentences),
        warnings=_warnings(decoder, split, gold),
    )


def _warnings(decoder: Decoder, split: Split, gold: list[list[Span]]) -> list[str]:
    found = []
    if split.repaired is not None:
        times, line, reason = split.repaired
        found.append(f"{split.path}:{line}: {reason}; such tags ({times}) are read as conlleval does")
    counts = Counter(span.label for spans in gold for span in spans)
    unknown = {label: n for label, n in counts.items() if label not in decoder.vocabulary.labels}
    if unknown:
        told = ", ".join(f"{label} ({n})" for label, n in sorted(unknown.items()))
        found.append(f"the model does not know the labels {told}: these entities count as missed")
    return found

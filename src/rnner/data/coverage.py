"""Coverage: how much of a corpus has a word vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rnner.data.vectors import Vectors
from rnner.data.word_index import known_spelling
from rnner.errors import DataError


class CoverageCounts(NamedTuple):
    """Counts of tokens or types with a vector for the form, its lower case (digits as 0), or neither."""

    exact: int
    lower_cased: int
    missing: int

    @property
    def share(self) -> float:
        """The fraction of tokens or types with a vector; 0 for an empty corpus."""
        return (self.exact + self.lower_cased) / max(1, sum(self))


@dataclass(frozen=True)
class Coverage:
    """How much of a corpus has a word vector; `str` returns a short report.

    Attributes:
        tokens: counts of tokens.
        types: counts of distinct word forms.
        most_missed: the most frequent forms without a vector, and their counts.
        path: the vector file.
    """

    tokens: CoverageCounts
    types: CoverageCounts
    most_missed: list[tuple[str, int]]
    path: Path | None = None

    @property
    def share(self) -> float:
        """The fraction of tokens with a vector."""
        return self.tokens.share

    def check(self, minimum: float) -> None:
        """Check that the vectors fit the corpus.

        Raises:
            DataError: the fraction of tokens with a vector is below `minimum`.
        """
        if self.share < minimum:
            examples = ", ".join(repr(word) for word, _ in self.most_missed[:5])
            raise DataError(
                f"only {100 * self.share:.1f} % of the training tokens have a vector in "
                f"{self.path or 'the file'} "
                f"(embeddings.words.min_coverage requires {100 * minimum:g} %; missing: {examples}); "
                "are the vectors for the right language?"
            )

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """Return the lines of a small table of the counts."""
        lines = [f"{'word vectors':<14}{'tokens':>20}{'types':>20}"]
        for name in CoverageCounts._fields:
            cells = [
                f"{getattr(found, name):>12,} {getattr(found, name) / max(1, sum(found)):>7.1%}"
                for found in (self.tokens, self.types)
            ]
            lines.append(f"{'  ' + name.replace('_', '-'):<14}{cells[0]}{cells[1]}")
        if self.most_missed:
            missed = ", ".join(f"{word} ({count:,})" for word, count in self.most_missed)
            lines.append(f"  most missed: {missed}")
        return lines


def measure_coverage(counts: Mapping[str, int], vectors: Vectors, *, examples: int = 10) -> Coverage:
    """Count the words of a corpus that have a vector, with the look-up rules of the vocabulary.

    Args:
        counts: number of occurrences of each word form.
        vectors: the word vectors.
        examples: number of missing words to list.
    """
    tokens, types = [0, 0, 0], [0, 0, 0]
    missing: list[tuple[str, int]] = []
    for form, count in counts.items():
        key = known_spelling(form, vectors.rows)
        kind = 2 if key not in vectors.rows else int(key != form)
        tokens[kind] += count
        types[kind] += 1
        if kind == 2:
            missing.append((form, count))
    missing.sort(key=lambda item: (-item[1], item[0]))
    return Coverage(CoverageCounts(*tokens), CoverageCounts(*types), missing[:examples], vectors.path)

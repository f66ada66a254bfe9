"""Detection of the scheme that the tags of a file follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from rnner.errors import counted
from rnner.tags import TagError, title, transition

_PREFERENCE = ("iob2", "iob1", "bioes", "binary")  # the first that fits wins; a file with only O fits three


class Violation(NamedTuple):
    """The first of `times` violations of a scheme. At the start or end of a sentence, a tag is None."""

    previous: str | None
    tag: str | None
    sentence: int
    position: int
    times: int
    reason: str


class SchemeError(TagError):
    """Tags that follow no scheme.

    Attributes:
        scheme: the scheme with the fewest violations.
        sentence, position: the sentence and word of its first violation, both from 0.
        violations: the first violation of each scheme.
    """

    def __init__(self, violations: dict[str, Violation]) -> None:
        self.violations = violations
        self.scheme, other = sorted(_PREFERENCE, key=lambda scheme: violations[scheme].times)[:2]
        first, second = violations[self.scheme], violations[other]
        self.sentence = first.sentence
        message = f"{first.reason} ({counted(first.times, 'place')})"
        # Leave out the second scheme if it fits far worse or fails for the same reason.
        if second.times <= 10 * first.times and second[:4] != first[:4]:
            where = f"the first in sentence {second.sentence + 1}, word {second.position + 1}"
            message += f"; the tags are not {title(other)} either: "
            message += f"{second.reason} ({counted(second.times, 'place')}, {where})"
        super().__init__(message, first.position)


class SchemeDetector:
    """Detects the scheme of tag sequences in one pass, keeping only the distinct pairs of adjacent tags."""

    def __init__(self) -> None:
        self.sentences = 0
        self._counts: Counter[tuple[str | None, str | None]] = Counter()
        self._first: dict[tuple[str | None, str | None], tuple[int, int]] = {}

    def add(self, tags: Sequence[str]) -> bool:
        """Add the tags of the next sentence. Return whether it has pairs that no earlier sentence had."""
        pairs = list(zip([None, *tags], [*tags, None], strict=True))
        self._counts.update(pairs)
        if new := len(self._counts) != len(self._first):
            for position, pair in enumerate(pairs):
                self._first.setdefault(pair, (self.sentences, min(position, max(len(tags) - 1, 0))))
        self.sentences += 1
        return new

    @property
    def tags(self) -> set[str]:
        """The distinct tags seen so far."""
        return {tag for _, tag in self._first if tag is not None}

    def first_place(self, tags: Collection[str]) -> tuple[int, int]:
        """Return the sentence and the position, from 0, of the first word that has one of these tags."""
        return min(place for (_, own), place in self._first.items() if own in tags)

    def rename(self, names: Mapping[str, str]) -> None:
        """Rename the tags seen so far to their values in `names`, which must contain all of them."""
        counts, first = self._counts, self._first
        new: dict[str | None, str | None] = {None: None}
        new.update(names)
        self._counts, self._first = Counter(), {}
        for (before, tag), place in first.items():
            pair = new[before], new[tag]
            self._counts[pair] += counts[before, tag]
            self._first[pair] = min(place, self._first.get(pair, place))

    def violations(self, scheme: str) -> dict[tuple[str | None, str | None], str]:
        """Return a reason for each pair of adjacent tags that violates a scheme.

        In a pair, None stands for the start or end of a sentence.
        """
        reasons = {pair: transition(*pair, scheme)[0] for pair in self._first}
        return {pair: reason for pair, reason in reasons.items() if reason}

    def first_violation(self, scheme: str) -> Violation | None:
        """Return the first violation of a scheme, or None if all tags follow it."""
        if not (violations := self.violations(scheme)):
            return None
        pair = min(violations, key=self._first.__getitem__)
        times = sum(self._counts[pair] for pair in violations)
        return Violation(*pair, *self._first[pair], times, violations[pair])

    def detect(self) -> str:
        """Return the scheme that all tags follow; `iob2` if several fit equally.

        Raises SchemeError if no scheme fits.
        """
        found: dict[str, Violation] = {}
        for scheme in _PREFERENCE:
            if (violation := self.first_violation(scheme)) is None:
                return scheme
            found[scheme] = violation
        raise SchemeError(found)

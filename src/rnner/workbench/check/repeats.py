"""Sentences that occur more than once: in one file or several, nearly the same, or with other tags.

Sentences of fewer than five words (`SOCCER - RESULTS .`) repeat in any corpus and are ignored. Equal
sentences are found by hashing. Near repeats are found by the Jaccard similarity of their sets of words, with
prefix filtering (Chaudhuri, Ganti and Kaushik 2006; Bayardo, Ma and Srikant 2007): two sets that are similar
enough share one of their few rarest words, so only such sentences are compared, and no repeat is missed.
The search for one sentence ends after a hundred comparisons, which matters only if even the rarest words
are common, as in generated text.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from rnner.tags import Span
from rnner.text.spacing import join
from rnner.workbench.check.findings import Finding, abridge
from rnner.workbench.check.lenient_reader import ColumnFile, ParsedSentence

FEWEST_WORDS = 5
MOST_COMPARISONS = 100  # per sentence
SIMILARITY = 0.8  # lowest Jaccard similarity of near repeats
LEAK = 0.1  # share of the sentences of a file that are also in earlier files

_NUMBER = re.compile(r"\d+")


class _Occurrence(NamedTuple):
    """A sentence of a file, with its text, its entities, and the words whose tags are not known."""

    file: ColumnFile
    sentence: ParsedSentence
    text: str
    spans: list[Span]
    unknown: list[int]

    def __str__(self) -> str:
        return f"{self.file.path}:{self.sentence.lines[0]}"


_Index = dict[str, list[tuple[_Occurrence, frozenset[str]]]]  # sentences by each of their rarest words


def check_repeats(files: Sequence[ColumnFile]) -> Iterator[Finding]:
    """Find repeated sentences within and across files; report each repeat with its first occurrence."""
    first: dict[str, _Occurrence] = {}
    new_by_file: list[list[_Occurrence]] = []  # the sentences of each file that no earlier file has
    for file in files:
        new: list[_Occurrence] = []
        overlapping = 0
        occurrences = list(_occurrences(file))
        for occurrence in occurrences:
            earlier = first.setdefault(occurrence.text, occurrence)
            if earlier is occurrence:
                new.append(occurrence)
                continue
            overlapping += earlier.file is not file
            yield _repeat("duplicate" if earlier.file is file else "overlap", occurrence, earlier)
            if earlier.spans != occurrence.spans and not (earlier.unknown or occurrence.unknown):
                yield _retagged(occurrence, earlier)
        if overlapping and overlapping >= LEAK * len(occurrences):
            share = f"{overlapping:,} of {len(occurrences):,} sentences"
            message = f"{share} ({overlapping / len(occurrences):.0%}) of {FEWEST_WORDS} words or more"
            yield Finding("leak", file.path, None, None, message)
        new_by_file.append(new)
    yield from _near_repeats(new_by_file)


def _occurrences(file: ColumnFile) -> Iterator[_Occurrence]:
    for sentence, spans, unknown in zip(file.sentences, file.spans, file.unknown_words, strict=True):
        if len(sentence.words) >= FEWEST_WORDS:
            yield _Occurrence(file, sentence, " ".join(sentence.words), spans, unknown)


def _repeat(kind: str, occurrence: _Occurrence, earlier: _Occurrence) -> Finding:
    message = f"{abridge(occurrence.text)}, as in {earlier}"
    return Finding(kind, occurrence.file.path, occurrence.sentence.lines[0], 1, message)


def _retagged(occurrence: _Occurrence, earlier: _Occurrence) -> Finding:
    """Return a finding at the first word that is tagged differently."""
    here = set(occurrence.spans) - set(earlier.spans)
    there = set(earlier.spans) - set(occurrence.spans)
    line = occurrence.sentence.lines[min(here | there).start]
    message = f"{_describe(occurrence, here)} here, {_describe(earlier, there)} in {earlier}"
    return Finding("retagged", occurrence.file.path, line, 1, message)


def _describe(occurrence: _Occurrence, spans: Collection[Span]) -> str:
    words = occurrence.sentence.words
    entities = [f"{span.label} {join(words[span.start : span.end])!r}" for span in sorted(spans)]
    return ", ".join(entities) or "no entity"


def _near_repeats(files: Sequence[Sequence[_Occurrence]]) -> Iterator[Finding]:
    """Find sentences that are nearly the same as one in an earlier file."""
    if len(files) < 2:
        return
    sets = [
        [(it, words) for it in file if len(words := _word_set(it.text)) >= FEWEST_WORDS] for file in files
    ]
    frequency = Counter(word for file in sets for _, words in file for word in words)
    index: _Index = defaultdict(list)
    for file in sets:
        for occurrence, words in file:
            if near := _find_similar(words, index, frequency):
                yield _repeat("near-overlap", occurrence, near)
        distinct: dict[frozenset[str], _Occurrence] = {}
        for occurrence, words in file:
            distinct.setdefault(words, occurrence)
        for words, occurrence in distinct.items():
            for word in _rarest(words, frequency):
                index[word].append((occurrence, words))


def _word_set(text: str) -> frozenset[str]:
    """Return the words of a sentence without case and punctuation, with all numbers alike."""
    words = _NUMBER.sub("0", text.casefold()).split(" ")
    return frozenset(word for word in words if any(map(str.isalnum, word)))


def _rarest(words: frozenset[str], frequency: Counter[str]) -> list[str]:
    """Return the rarest words: enough that any two similar sets share at least one."""
    count = len(words) - math.ceil(SIMILARITY * len(words)) + 1
    return sorted(words, key=lambda word: (frequency[word], word))[:count]


def _find_similar(words: frozenset[str], index: _Index, frequency: Counter[str]) -> _Occurrence | None:
    left = MOST_COMPARISONS
    for word in _rarest(words, frequency):
        candidates = index.get(word, [])[:left]
        left -= len(candidates)
        for occurrence, other in candidates:
            common = len(words & other)
            if common >= SIMILARITY * (len(words) + len(other) - common):
                return occurrence
    return None

"""Sentences that occur more than once: within a file, in several, nearly, or with other tags.

Sentences of fewer than five words (`SOCCER - RESULTS .`) repeat in any corpus and are passed over. All is by
hashing. For near repeats the sets of words of two sentences are compared (Jaccard), and only for sentences
that share one of their rarest words: with `p` rarest words of each, as many as a similarity of at least `t`
requires, none is missed (prefix filtering; Chaudhuri, Ganti and Kaushik 2006, Bayardo, Ma and Srikant 2007).
Only where even the rarest words are common, as in generated text, the search ends after a hundred sentences.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from rnner.tags import Span
from rnner.workbench.check.findings import Finding
from rnner.workbench.check.lenient_reader import ColumnFile, ParsedSentence

FEWEST = 5  # words
COMPARED = 100  # sentences, at most, that one is compared with
NEAR = 0.8  # of the words of two sentences are in both
LEAK = 0.1  # of the sentences of a file that are in files before it

_NUMBER = re.compile(r"\d+")


class _Place(NamedTuple):
    """A sentence of a file, with its text and its entities."""

    file: ColumnFile
    sentence: ParsedSentence
    text: str
    spans: list[Span]

    def __str__(self) -> str:
        return f"{self.file.path}:{self.sentence.lines[0]}"


_Index = dict[str, list[tuple[_Place, frozenset[str]]]]  # sentences by each of their rarest words


def check_repeats(files: Sequence[ColumnFile]) -> Iterator[Finding]:
    """Repeats within files and between them; a sentence is told once, with the first place of its words."""
    first: dict[str, _Place] = {}
    fresh: list[list[_Place]] = []  # what each file has that no other before it has
    for file in files:
        own: list[_Place] = []
        known = 0
        places = list(_places(file))
        for place in places:
            before = first.setdefault(place.text, place)
            if before is place:
                own.append(place)
                continue
            known += before.file is not file
            kind = "duplicate" if before.file is file else "overlap"
            yield _finding(kind, place, before)
            if before.spans != place.spans:
                yield _retagged(place, before)
        if known and known >= LEAK * len(places):
            share = f"{known:,} of {len(places):,} sentences ({known / len(places):.0%})"
            yield Finding("leak", file.path, None, None, f"{share} of {FEWEST} words or more")
        fresh.append(own)
    yield from _near(fresh)


def _places(file: ColumnFile) -> Iterator[_Place]:
    for sentence, spans in zip(file.sentences, file.spans, strict=True):
        if len(sentence.words) >= FEWEST:
            yield _Place(file, sentence, " ".join(sentence.words), spans)


def _finding(kind: str, place: _Place, before: _Place) -> Finding:
    text = place.text if len(place.text) <= 60 else place.text[:57] + "..."
    return Finding(kind, place.file.path, place.sentence.lines[0], 1, f"{text!r}, as in {before}")


def _retagged(place: _Place, before: _Place) -> Finding:
    """What is tagged otherwise in a sentence, at the first word that is."""
    here, there = set(place.spans) - set(before.spans), set(before.spans) - set(place.spans)
    line = place.sentence.lines[min(here | there).start]
    message = f"{_listed(place, here)} here, {_listed(before, there)} in {before}"
    return Finding("retagged", place.file.path, line, 1, message)


def _listed(place: _Place, spans: Collection[Span]) -> str:
    words = place.sentence.words
    named = [f"{span.label} {' '.join(words[span.start : span.end])!r}" for span in sorted(spans)]
    return ", ".join(named) or "no entity"


def _near(files: Sequence[Sequence[_Place]]) -> Iterator[Finding]:
    """The sentences that are nearly one of a file before."""
    if len(files) < 2:
        return
    sets = [[(place, words) for place in own if len(words := _normal(place.text)) >= FEWEST] for own in files]
    rarity = Counter(word for own in sets for _, words in own for word in words)
    index: _Index = defaultdict(list)
    for own in sets:
        for place, words in own:
            if near := _nearest(words, index, rarity):
                yield _finding("near-overlap", place, near)
        distinct: dict[frozenset[str], _Place] = {}
        for place, words in own:
            distinct.setdefault(words, place)
        for words, place in distinct.items():
            for word in _rarest(words, rarity):
                index[word].append((place, words))


def _normal(text: str) -> frozenset[str]:
    """The words of a sentence without case, numbers all alike, marks left out."""
    words = _NUMBER.sub("0", text.casefold()).split(" ")
    return frozenset(word for word in words if any(map(str.isalnum, word)))


def _rarest(words: frozenset[str], rarity: Counter[str]) -> list[str]:
    """As many of the rarest words that any set which is near enough has one of them among its own."""
    count = len(words) - math.ceil(NEAR * len(words)) + 1
    return sorted(words, key=lambda word: (rarity[word], word))[:count]


def _nearest(words: frozenset[str], index: _Index, rarity: Counter[str]) -> _Place | None:
    """A sentence in the index that is near enough."""
    left = COMPARED
    for word in _rarest(words, rarity):
        candidates = index.get(word, [])[:left]
        left -= len(candidates)
        for place, other in candidates:
            common = len(words & other)
            if common >= NEAR * (len(words) + len(other) - common):
                return place
    return None

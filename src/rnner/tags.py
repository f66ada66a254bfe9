"""Tag schemes and the entity spans that tags encode. Pure functions, standard library only.

A tag is `O` or a prefix and a label (`B-PER`). The label may contain hyphens: `B-creative-work`.

    scheme   tags of one entity     two adjacent ones, same label    source
    iob1     I I I                  I I B I                          Ramshaw and Marcus 1995
    iob2     B I I                  B I B I                          Tjong Kim Sang and Veenstra 1999
    bioes    B I E, or S alone      B E B E                          also IOBES; BILOU uses other letters
    binary   1 1 1                  become one entity                1 is a name (label `NAME`), 0 is not

In every scheme an entity continues from one tag to the next if the first is `B-X` or `I-X` and the second is
`I-X` or `E-X` with the same label. The schemes differ only in which tags they allow, so a single rule
decodes them all, and each has its own check. `conlleval`, which can be read but not written, allows tags in
any order. It finds the same entities as the CoNLL evaluation script.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from rnner.errors import counted

SCHEMES = ("iob1", "iob2", "bioes", "binary")
LENIENT = "conlleval"
BINARY_LABEL = "NAME"

_PREFIXES = {"iob1": "BI", "iob2": "BI", "bioes": "BIES", LENIENT: "BIES"}
LABEL_RULE = "a label must have only visible characters, and only single spaces between words"
_JOINERS = str.maketrans("", "", "\u200c\u200d")  # zero-width characters within Persian words and emoji
_PREFERENCE = ("iob2", "iob1", "bioes", "binary")  # the first that fits wins; a file with only O fits three


class Span(NamedTuple):
    """An entity in a sentence: words `start` to `end` (exclusive), counted from 0."""

    start: int
    end: int
    label: str


class Transitions(NamedTuple):
    """The transitions a scheme allows among k tags: `start[j]`, `step[i][j]` (from i to j), `end[i]`."""

    start: list[bool]
    step: list[list[bool]]
    end: list[bool]


class Violation(NamedTuple):
    """The first of `times` violations of a scheme. At the start or end of a sentence, a tag is None."""

    previous: str | None
    tag: str | None
    sentence: int
    position: int
    times: int
    reason: str


class TagError(ValueError):
    """A tag that the scheme does not allow where it occurs; `position` is the index of its word, from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


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
            message += f"; the tags are not {_title(other)} either: "
            message += f"{second.reason} ({counted(second.times, 'place')}, {where})"
        super().__init__(message, first.position)


def to_spans(tags: Sequence[str], scheme: str) -> list[Span]:
    """Return the entities of one sentence, in order.

    `conlleval` allows `O` and tags with the prefixes B, I, E and S in any order. It gives a prefix
    without a label the label `_`, as seqeval does. Adjacent names in `binary` tags become one span.

    Raises TagError for a tag that is not in the scheme, or is not allowed where it occurs.
    """
    _check_scheme(scheme, (*SCHEMES, LENIENT))
    spans: list[Span] = []
    previous: str | None = None
    start, label = 0, ""
    for position, tag in enumerate(tags):
        reason, continues = _transition(previous, tag, scheme)
        if reason:
            raise TagError(reason, position)
        if not continues:
            if label:
                spans.append(Span(start, position, label))
            start, label = position, _label(tag, scheme)
        previous = tag
    if reason := _transition(previous, None, scheme)[0]:
        raise TagError(reason, len(tags) - 1)
    if label:
        spans.append(Span(start, len(tags), label))
    return spans


def from_spans(spans: Iterable[Span], length: int, scheme: str) -> list[str]:
    """Return the tags of a sentence of `length` words. `binary` ignores the labels.

    Args:
        spans: the entities, in any order.
        length: number of words.
        scheme: one of `SCHEMES`.

    Raises ValueError for a span that is empty, out of range, without a label, or overlaps another one.
    """
    _check_scheme(scheme, SCHEMES)
    tags = ["0" if scheme == "binary" else "O"] * length
    previous = Span(0, 0, "")
    for span in sorted(spans):
        if not 0 <= span.start < span.end <= length or not span.label:
            raise ValueError(f"{span} is not a labelled span within a sentence of {length} words")
        if span.start < previous.end:
            raise ValueError(f"{span} overlaps {previous}")
        adjacent = span.start == previous.end and span.label == previous.label
        tags[span.start : span.end] = _tags_of(span, adjacent, scheme)
        previous = span
    return tags


def tag_inventory(labels: Iterable[str], scheme: str) -> list[str]:
    """Return all tags of a scheme: the outside tag, then those of each label (sorted), ordered B, I, E, S."""
    _check_scheme(scheme, SCHEMES)
    if scheme == "binary":
        return ["0", "1"]
    return ["O"] + [f"{prefix}-{label}" for label in sorted(set(labels)) for prefix in _PREFIXES[scheme]]


def transitions(tags: Sequence[str], scheme: str) -> Transitions:
    """Return which tags may start a sentence, follow each other, and end it: exactly what `to_spans` accepts.

    Raises TagError if a tag is not in the scheme.
    """
    _check_scheme(scheme, (*SCHEMES, LENIENT))
    for position, tag in enumerate(tags):
        if reason := _invalid(tag, scheme):
            raise TagError(reason, position)
    return Transitions(
        start=[not _transition(None, tag, scheme)[0] for tag in tags],
        step=[[not _transition(before, tag, scheme)[0] for tag in tags] for before in tags],
        end=[not _transition(tag, None, scheme)[0] for tag in tags],
    )


def boundaries(tags: Sequence[str], scheme: str) -> list[list[bool]]:
    """Return a matrix that is True at [i][j] if no entity continues from tag i to a following tag j."""
    _check_scheme(scheme, (*SCHEMES, LENIENT))
    return [[not _transition(before, tag, scheme)[1] for tag in tags] for before in tags]


def label_of(tag: str) -> str | None:
    """Return the label of a tag of any scheme (`NAME` for a binary 1), or None outside entities.

    Raises ValueError if `tag` is not a valid tag.
    """
    scheme = "binary" if tag in ("0", "1") else LENIENT
    if reason := _invalid(tag, scheme):
        raise ValueError(reason)
    return _label(tag, scheme) or None


def is_tag(text: str) -> bool:
    """Return whether a text looks like a tag of any scheme: O, B-X, I-X, E-X, S-X, 0 or 1."""
    prefix, label = text[:2], text[2:].rstrip(" ")
    return text in ("O", "0", "1") or (prefix in ("B-", "I-", "E-", "S-") and is_label(label))


def is_label(text: str) -> bool:
    """Return whether a text may be a label (see `LABEL_RULE`). Such a label cannot forge a line of a file."""
    return (visible := text.translate(_JOINERS)).isprintable() and all(visible.split(" "))


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
        reasons = {pair: _transition(*pair, scheme)[0] for pair in self._first}
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


def _check_scheme(scheme: str, allowed: Sequence[str]) -> None:
    if scheme not in allowed:
        raise ValueError(f"unknown tag scheme {scheme!r}; expected {', '.join(allowed)}")


def _title(scheme: str) -> str:
    return scheme.upper() if scheme in ("iob1", "iob2", "bioes") else scheme


def _tags_of(span: Span, adjacent: bool, scheme: str) -> list[str]:
    """Return the tags of a span. `adjacent` is whether an entity of the same label ends right before it."""
    inner = span.end - span.start - 1
    if scheme == "binary":
        return ["1"] * (inner + 1)
    if scheme == "bioes":
        prefixes = "S" if not inner else "B" + "I" * (inner - 1) + "E"
    elif scheme == "iob1" and not adjacent:
        prefixes = "I" * (inner + 1)
    else:
        prefixes = "B" + "I" * inner
    return [f"{prefix}-{span.label}" for prefix in prefixes]


def _label(tag: str, scheme: str) -> str:
    """Return the label of a valid tag, or "" outside entities."""
    if scheme == "binary":
        return BINARY_LABEL if tag == "1" else ""
    return "" if tag == "O" else tag[2:] or "_"


@lru_cache(maxsize=1 << 12)
def _invalid(tag: str, scheme: str) -> str:
    """Return why a tag does not belong to the scheme, or "" if it does."""
    if scheme == "binary":
        return "" if tag in ("0", "1") else f"{tag!r} is not a binary tag; expected 0 or 1"
    prefixes = _PREFIXES[scheme]
    if tag == "O":
        return ""
    if tag and tag[0] in prefixes and tag[1:2] in ("", "-"):
        if len(tag) > 2:
            return "" if is_label(tag[2:]) else f"{tag[:120]!r} is not a valid tag: {LABEL_RULE}"
        expected = f"expected {tag[0]}-LABEL, such as {tag[0]}-PER"
        return "" if scheme == LENIENT else f"the tag {tag!r} has no label; {expected}"
    forms = "".join(f", {prefix}-LABEL" for prefix in prefixes)
    return f"{tag!r} is not a valid {_title(scheme)} tag; expected O{forms}"


@lru_cache(maxsize=1 << 16)
def _transition(previous: str | None, tag: str | None, scheme: str) -> tuple[str, bool]:
    """Return why `tag` may not follow `previous` ("" if it may), and whether an entity continues.

    At the start of a sentence `previous` is None; at its end `tag` is None.
    """
    if tag is not None and (reason := _invalid(tag, scheme)):
        return reason, False
    if previous is not None and _invalid(previous, scheme):
        return "", False  # already reported at that tag
    if scheme == "binary":
        return "", previous == tag == "1"
    continues = (
        previous is not None
        and tag is not None
        and previous[0] in "BI"
        and tag[0] in "IE"
        and _label(previous, scheme) == _label(tag, scheme)
    )
    return _violation(previous, tag, continues, scheme), continues


def _violation(previous: str | None, tag: str | None, continues: bool, scheme: str) -> str:
    """Return why two valid tags may not be adjacent in IOB1, IOB2 or BIOES, or "" if they may."""
    where = "at the start of a sentence" if previous is None else f"after {previous}"
    if scheme == "iob1" and tag is not None and tag[0] == "B":
        if previous is None or previous == "O" or previous[2:] != tag[2:]:
            rule = f"in IOB1, B- only separates adjacent entities of the same label; expected I-{tag[2:]}"
            return f"{tag} {where}: {rule}"
    elif scheme == "iob2" and tag is not None and tag[0] == "I" and not continues:
        return f"{tag} {where}: in IOB2, an entity starts with B-{tag[2:]}"
    elif scheme == "bioes":
        is_open = previous is not None and previous[0] in "BI"
        if is_open and not continues:
            what, label = "end of sentence" if tag is None else tag, (previous or "")[2:]
            return f"{what} {where}: in BIOES, {previous} is followed by I-{label} or E-{label}"
        if not is_open and tag is not None and tag[0] in "IE":
            return f"{tag} {where}: in BIOES, an entity starts with B-{tag[2:]} or S-{tag[2:]}"
    return ""

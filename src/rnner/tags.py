"""Tag schemes and the spans they stand for. Pure functions, standard library only.

A tag is `O` or a prefix and a label (`B-PER`; the label may hold hyphens: `B-creative-work`).

    scheme   tags of one entity     two neighbours of one label     source
    iob1     I I I                  I I B I                         Ramshaw and Marcus 1995
    iob2     B I I                  B I B I                         Tjong Kim Sang and Veenstra 1999
    bioes    B I E, or S alone      B E B E                         also called IOBES; BILOU in other letters
    binary   1 1 1                  merge into one                  the notes' name / no name, label `NAME`

In every scheme an entity goes on from one tag to the next when the first is `B-X` or `I-X` and the second
`I-X` or `E-X` with the same label. The schemes differ in what they allow, so reading is one rule and the
checks are apart. `conlleval`, for reading only, checks nothing: it finds the entities that the CoNLL script
finds in any tags.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

SCHEMES = ("iob1", "iob2", "bioes", "binary")
LENIENT = "conlleval"
BINARY_LABEL = "NAME"

_PREFIXES = {"iob1": "BI", "iob2": "BI", "bioes": "BIES", LENIENT: "BIES"}
# When the evidence is equal (a file that holds nothing but O), the first one that fits is taken.
_PREFERENCE = ("iob2", "iob1", "bioes", "binary")


class Span(NamedTuple):
    """An entity in a sentence: words `start` to `end`, half-open, counted from 0."""

    start: int
    end: int
    label: str


class Transitions(NamedTuple):
    """What a scheme allows among k tags: `start[j]`, `step[i][j]` (from i to j), `end[i]`."""

    start: list[bool]
    step: list[list[bool]]
    end: list[bool]


class Offence(NamedTuple):
    """The first place where tags break a scheme, and at how many they do (`times`).

    `previous` is None at the start of a sentence, `tag` None at its end.
    """

    previous: str | None
    tag: str | None
    sentence: int
    position: int
    times: int
    reason: str


class TagError(ValueError):
    """A tag that its scheme does not allow where it stands; `position` counts from 0 in the sentence."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


class SchemeError(TagError):
    """Tags that obey no scheme as a whole.

    Attributes:
        scheme: the scheme that they break in the fewest places.
        sentence, position: the first of these places, counted from 0.
        offences: for each scheme its first offence.
    """

    def __init__(self, offences: dict[str, Offence]) -> None:
        self.offences = offences
        self.scheme, other = sorted(_PREFERENCE, key=lambda scheme: offences[scheme].times)[:2]
        first, second = offences[self.scheme], offences[other]
        self.sentence = first.sentence
        message = f"{first.reason} ({_places(first.times)})"
        # Where the tags are far from the other scheme, or a cell is no tag at all, it explains nothing.
        if second.times <= 10 * first.times and second[:4] != first[:4]:
            where = f"the first in sentence {second.sentence + 1}, word {second.position + 1}"
            message += (
                f"; nor are the tags {_title(other)}: {second.reason} ({_places(second.times)}, {where})"
            )
        super().__init__(message, first.position)


def to_spans(tags: Sequence[str], scheme: str) -> list[Span]:
    """The entities of one sentence, in order.

    Raises TagError at the first tag that `scheme` does not know or does not allow after the one before it.
    `conlleval` allows every order of `O` and tags with the prefixes B, I, E, S, and reads a prefix without a
    label as the label `_`, as seqeval does. Neighbouring names of `binary` tags are one span.
    """
    _known_scheme(scheme, reading=True)
    spans: list[Span] = []
    previous: str | None = None
    start, label = 0, ""
    for position, tag in enumerate(tags):
        reason, goes_on = _move(previous, tag, scheme)
        if reason:
            raise TagError(reason, position)
        if not goes_on:
            if label:
                spans.append(Span(start, position, label))
            start, label = position, _label(tag, scheme)
        previous = tag
    reason, _ = _move(previous, None, scheme)
    if reason:
        raise TagError(reason, len(tags) - 1)
    if label:
        spans.append(Span(start, len(tags), label))
    return spans


def from_spans(spans: Iterable[Span], length: int, scheme: str) -> list[str]:
    """Tags of a sentence of `length` words; spans in any order.

    Raises ValueError for a span that is empty, out of range, without a label, or overlaps another. `binary`
    ignores labels: 1 in a span, 0 elsewhere.
    """
    _known_scheme(scheme)
    outside, ordered = _outside(scheme), sorted(spans)
    tags = [outside] * length
    last = Span(0, 0, "")
    for span in ordered:
        if not 0 <= span.start < span.end <= length or not span.label:
            raise ValueError(f"{span} is not a span with a label within a sentence of {length} words")
        if span.start < last.end:
            raise ValueError(f"{span} overlaps {last}")
        tags[span.start : span.end] = _tags_of(span, last, scheme)
        last = span
    return tags


def tag_inventory(labels: Iterable[str], scheme: str) -> list[str]:
    """All tags of a scheme: outside first, then by sorted label, prefixes in the order B I E S."""
    _known_scheme(scheme)
    if scheme == "binary":
        return ["0", "1"]
    return ["O"] + [f"{prefix}-{label}" for label in sorted(set(labels)) for prefix in _PREFIXES[scheme]]


def transitions(tags: Sequence[str], scheme: str) -> Transitions:
    """Which of `tags` may begin a sentence, follow one another, end it: just what `to_spans` accepts.

    Raises TagError for a tag that the scheme does not know.
    """
    _known_scheme(scheme, reading=True)
    for position, tag in enumerate(tags):
        if reason := _unknown(tag, scheme):
            raise TagError(reason, position)
    return Transitions(
        start=[not _move(None, tag, scheme)[0] for tag in tags],
        step=[[not _move(before, tag, scheme)[0] for tag in tags] for before in tags],
        end=[not _move(tag, None, scheme)[0] for tag in tags],
    )


def boundaries(tags: Sequence[str], scheme: str) -> list[list[bool]]:
    """`[i][j]`: no entity goes on from tag i into the tag j after it (one may end, one may begin)."""
    _known_scheme(scheme, reading=True)
    return [[not _move(before, tag, scheme)[1] for tag in tags] for before in tags]


def label_of(tag: str) -> str | None:
    """The label of a tag of any scheme, None outside; `NAME` for a binary 1.

    Raises ValueError for what is no tag.
    """
    scheme = "binary" if tag in ("0", "1") else LENIENT
    if reason := _unknown(tag, scheme):
        raise ValueError(reason)
    return _label(tag, scheme) or None


def is_tag(text: str) -> bool:
    """Whether a text looks like a tag of any scheme: O, B-X, I-X, E-X, S-X, 0 or 1."""
    return text in ("O", "0", "1") or (len(text) > 2 and text[1] == "-" and text[0] in "BIES")


class SchemeDetector:
    """Finds the scheme of tag sequences in one pass; only distinct pairs of neighbouring tags are kept."""

    def __init__(self) -> None:
        self.sentences = 0
        self._counts: Counter[tuple[str | None, str | None]] = Counter()
        self._first: dict[tuple[str | None, str | None], tuple[int, int]] = {}

    def add(self, tags: Sequence[str]) -> bool:
        """Takes in the tags of the next sentence; whether there are neighbours that none had before."""
        self._counts.update(zip([None, *tags], [*tags, None], strict=True))
        if new := len(self._counts) != len(self._first):
            last = max(len(tags) - 1, 0)
            for position, pair in enumerate(zip([None, *tags], [*tags, None], strict=True)):
                self._first.setdefault(pair, (self.sentences, min(position, last)))
        self.sentences += 1
        return new

    @property
    def tags(self) -> set[str]:
        """The distinct tags seen."""
        return {tag for _, tag in self._first if tag is not None}

    def illegal(self, scheme: str) -> dict[tuple[str | None, str | None], str]:
        """The pairs of neighbouring tags that break a scheme, and why; None is a sentence's start or end."""
        reasons = {pair: _move(*pair, scheme)[0] for pair in self._first}
        return {pair: reason for pair, reason in reasons.items() if reason}

    def offence(self, scheme: str) -> Offence | None:
        """Where the tags first break a scheme and how often they do; None if they obey it."""
        illegal = self.illegal(scheme)
        if not illegal:
            return None
        pair = min(illegal, key=self._first.__getitem__)
        times = sum(self._counts[pair] for pair in illegal)
        return Offence(*pair, *self._first[pair], times, illegal[pair])

    def decide(self) -> str:
        """The scheme all tags obey, `iob2` where nothing tells; raises SchemeError if there is none."""
        offences: dict[str, Offence] = {}
        for scheme in _PREFERENCE:
            offence = self.offence(scheme)
            if offence is None:
                return scheme
            offences[scheme] = offence
        raise SchemeError(offences)


def detect_scheme(sequences: Iterable[Sequence[str]]) -> str:
    """The scheme that the tags of all sentences obey; see SchemeDetector.decide."""
    detector = SchemeDetector()
    for tags in sequences:
        detector.add(tags)
    return detector.decide()


def _known_scheme(scheme: str, *, reading: bool = False) -> None:
    allowed = (*SCHEMES, LENIENT) if reading else SCHEMES
    if scheme not in allowed:
        raise ValueError(f"unknown tag scheme {scheme!r}; known: {', '.join(allowed)}")


def _title(scheme: str) -> str:
    return scheme.upper() if scheme in ("iob1", "iob2", "bioes") else scheme


def _places(times: int) -> str:
    return f"{times:,} such place" + ("s" if times != 1 else "")


def _outside(scheme: str) -> str:
    return "0" if scheme == "binary" else "O"


def _tags_of(span: Span, last: Span, scheme: str) -> list[str]:
    """The tags of one span; `last` is the span before it."""
    inner = span.end - span.start - 1
    if scheme == "binary":
        return ["1"] * (inner + 1)
    if scheme == "bioes":
        prefixes = "S" if not inner else "B" + "I" * (inner - 1) + "E"
    elif scheme == "iob1" and (last.end != span.start or last.label != span.label):
        prefixes = "I" * (inner + 1)
    else:
        prefixes = "B" + "I" * inner
    return [f"{prefix}-{span.label}" for prefix in prefixes]


def _label(tag: str, scheme: str) -> str:
    """The label of a known tag, "" outside."""
    if scheme == "binary":
        return BINARY_LABEL if tag == "1" else ""
    return "" if tag == "O" else tag[2:] or "_"


def _unknown(tag: str, scheme: str) -> str:
    """Why a tag is none of the scheme's, "" if it is one."""
    if scheme == "binary":
        return "" if tag in ("0", "1") else f"{tag!r} is no tag of binary: 0 and 1 are allowed"
    prefixes = _PREFIXES[scheme]
    if tag == "O":
        return ""
    if tag and tag[0] in prefixes and tag[1:2] in ("", "-"):
        return "" if len(tag) > 2 or scheme == LENIENT else f"the tag {tag!r} has no label"
    forms = ", ".join(f"{prefix}-LABEL" for prefix in prefixes)
    return f"{tag!r} is no tag of {_title(scheme)}: O, {forms} are allowed"


@lru_cache(maxsize=1 << 16)
def _move(previous: str | None, tag: str | None, scheme: str) -> tuple[str, bool]:
    """Why `tag` may not follow `previous` ("" if it may), and whether an entity goes on between them.

    `previous` None is the start of a sentence, `tag` None its end.
    """
    if tag is not None and (reason := _unknown(tag, scheme)):
        return reason, False
    if previous is not None and _unknown(previous, scheme):
        return "", False  # told where that tag itself is met
    if scheme == "binary":
        return "", previous == tag == "1"
    goes_on = (
        previous is not None
        and tag is not None
        and previous[0] in "BI"
        and tag[0] in "IE"
        and _label(previous, scheme) == _label(tag, scheme)
    )
    return _offends(previous, tag, goes_on, scheme), goes_on


def _offends(previous: str | None, tag: str | None, goes_on: bool, scheme: str) -> str:
    """The rules of IOB1, IOB2 and BIOES about two neighbouring tags that are known."""
    where = "at the start of a sentence" if previous is None else f"after {previous}"
    if scheme == "iob1" and tag is not None and tag[0] == "B":
        if previous is None or previous == "O" or previous[2:] != tag[2:]:
            return f"{tag} {where}: IOB1 has B- only between two neighbouring entities of one label"
    elif scheme == "iob2" and tag is not None and tag[0] == "I" and not goes_on:
        return f"{tag} {where}: IOB2 begins an entity with B-{tag[2:]}"
    elif scheme == "bioes":
        is_open = previous is not None and previous[0] in "BI"
        if is_open and not goes_on:
            what = "the end of the sentence" if tag is None else tag
            return f"{what} {where}: in BIOES the entity must go on to an E-{(previous or '')[2:]}"
        if not is_open and tag is not None and tag[0] in "IE":
            return f"{tag} {where}: BIOES begins an entity with B-{tag[2:]} or S-{tag[2:]}"
    return ""

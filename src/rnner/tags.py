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

A file may leave tags open: `?` is any tag, and `B-?` the first word of an entity of any label. Here, `?` fits
beside every tag, and the label `?` beside every label; `rnner.data.tag_sets` works out what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

SCHEMES = ("iob1", "iob2", "bioes", "binary")
LENIENT = "conlleval"
BINARY_LABEL = "NAME"
UNKNOWN = "?"
"""A tag, or the label of a tag, that is not known."""

_PREFIXES = {"iob1": "BI", "iob2": "BI", "bioes": "BIES", LENIENT: "BIES"}
LABEL_RULE = "a label must have only visible characters, and only single spaces between words"
_JOINERS = str.maketrans("", "", "\u200c\u200d")  # zero-width characters within Persian words and emoji


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


class TagError(ValueError):
    """A tag that the scheme does not allow where it occurs; `position` is the index of its word, from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


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
        reason, continues = transition(previous, tag, scheme)
        if reason:
            raise TagError(reason, position)
        if not continues:
            if label:
                spans.append(Span(start, position, label))
            start, label = position, _label(tag, scheme)
        previous = tag
    if reason := transition(previous, None, scheme)[0]:
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
        start=[not transition(None, tag, scheme)[0] for tag in tags],
        step=[[not transition(before, tag, scheme)[0] for tag in tags] for before in tags],
        end=[not transition(tag, None, scheme)[0] for tag in tags],
    )


def boundaries(tags: Sequence[str], scheme: str) -> list[list[bool]]:
    """Return a matrix that is True at [i][j] if no entity continues from tag i to a following tag j."""
    _check_scheme(scheme, (*SCHEMES, LENIENT))
    return [[not transition(before, tag, scheme)[1] for tag in tags] for before in tags]


def label_of(tag: str) -> str | None:
    """Return the label of a tag of any scheme (`NAME` for a binary 1), or None outside entities and for `?`.

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


def _check_scheme(scheme: str, allowed: Sequence[str]) -> None:
    if scheme not in allowed:
        raise ValueError(f"unknown tag scheme {scheme!r}; expected {', '.join(allowed)}")


def title(scheme: str) -> str:
    """Return the name of a scheme in messages."""
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
    return "" if tag in ("O", UNKNOWN) else tag[2:] or "_"


@lru_cache(maxsize=1 << 12)
def _invalid(tag: str, scheme: str) -> str:
    """Return why a tag does not belong to the scheme, or "" if it does."""
    if tag == UNKNOWN:
        return ""
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
    return f"{tag!r} is not a valid {title(scheme)} tag; expected O{forms}"


@lru_cache(maxsize=1 << 16)
def transition(previous: str | None, tag: str | None, scheme: str) -> tuple[str, bool]:
    """Return why `tag` may not follow `previous` ("" if it may), and whether an entity continues.

    At the start of a sentence `previous` is None; at its end `tag` is None.
    """
    if tag is not None and (reason := _invalid(tag, scheme)):
        return reason, False
    if previous is not None and _invalid(previous, scheme):
        return "", False  # already reported at that tag
    if UNKNOWN in (previous, tag):
        return "", False
    if scheme == "binary":
        return "", previous == tag == "1"
    continues = (
        previous is not None
        and tag is not None
        and previous[0] in "BI"
        and tag[0] in "IE"
        and _same_label(previous, tag)
    )
    return _violation(previous, tag, continues, scheme), continues


def _same_label(previous: str, tag: str) -> bool:
    """Return whether two tags in entities have, or may have, the same label."""
    return (previous[2:] or "_") == (tag[2:] or "_") or UNKNOWN in (previous[2:], tag[2:])


def _violation(previous: str | None, tag: str | None, continues: bool, scheme: str) -> str:
    """Return why two valid tags may not be adjacent in IOB1, IOB2 or BIOES, or "" if they may."""
    where = "at the start of a sentence" if previous is None else f"after {previous}"
    if scheme == "iob1" and tag is not None and tag[0] == "B":
        if previous is None or previous == "O" or not _same_label(previous, tag):
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

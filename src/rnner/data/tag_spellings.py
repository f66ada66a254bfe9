"""Spellings of the tags `O`, `B-PER`, `I-PER`, `E-PER` and `S-PER` that occur in files.

How a tag is read depends on all tags of its file: `S` may be a label, or a prefix without one.

    prefix   B-PER, B_PER, B:PER, b-PER; M- is I- (BMES), L- is E- and U- is S- (BILOU), W- is S- (BMEWO)
             if one-word entities have B-, as in LST20 (B-, I-, E-, and no S-), E- is I-
    suffix   PER-B, PER_I, with the same letters
    bare     B, I, O: entities of one type, which gets the label `NAME`
    plain    PER: neighbours with the same label are one entity (scheme io)
    binary   1 and 0
    numbers  0, 1, 2, ...: they need names (`rnner data convert --names`)

A word outside entities has `O`; `o`, `-`, `_`, and `0` among tags other than `1` are read as `O`. Spaces and
quotes around a tag are ignored. `?` is a word whose tag is not known, `B-?` an entity of an
unknown label; another mark may take the place of `?`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rnner.tags import BINARY_LABEL, LABEL_RULE, UNKNOWN, is_label, is_tag

PIECE_TAGS = frozenset(("X", "[CLS]", "[SEP]", "[PAD]", "<s>", "</s>", "<pad>"))
"""Tags that subword tools give to pieces of words and to marks around a sentence."""

_BINARY = frozenset("01")
_OUTSIDE = frozenset("Oo0-_")
_STANDARD = {"B": "B", "I": "I", "E": "E", "S": "S", "M": "I", "L": "E", "U": "S", "W": "S"}
_PREFIX = re.compile(r"([BIESMLUW])[-_:](.+)", re.ASCII | re.IGNORECASE | re.DOTALL)
_SUFFIX = re.compile(r"(.+)[-_:]([BIESMLUW])", re.DOTALL)
_PLAIN = re.compile(r"[^\W\d_][\w.,:/&+ -]*")
_MOST_PLAIN = 200  # distinct labels; a column with more is text
_OTHER_COLUMN = "; if the tags are in another column, set data.columns or --columns"
_HEADER = "; if this row is a header, remove it"
_EXPECTED = "expected O, B-LABEL, I-LABEL, E-LABEL, S-LABEL, or 0 and 1"


@dataclass(frozen=True)
class Spelling:
    """How the tags of a file are spelled.

    Attributes:
        kind: prefix, suffix, bare, plain, binary, numbers, or outside if there is no entity.
        tags: the standard tag of each tag that can be read.
        unreadable: the other tags.
    """

    kind: str
    tags: Mapping[str, str]
    unreadable: frozenset[str]

    @property
    def changed(self) -> dict[str, str]:
        """The standard tag of each tag that is spelled differently."""
        return {tag: standard for tag, standard in self.tags.items() if tag != standard}

    def notes(self, counts: Mapping[str, int]) -> Counter[str]:
        """Return notes on unknown tags and on tags in another spelling, each with its number of words."""
        found: Counter[str] = Counter()
        if unknown := sum(counts[tag] for tag in self._unknown):
            found["words with unknown tags or labels"] = unknown
        example = max(self._respelled, key=lambda tag: counts[tag], default="")
        for tag in (tag for tag in self.changed if tag not in self._unknown):
            note = f"tags {tag!r} read as O" if self.tags[tag] == "O" else self._note(example)
            found[note] += counts[tag]
        return found

    @property
    def _respelled(self) -> list[str]:
        return [tag for tag, it in self.changed.items() if it != "O" and tag not in self._unknown]

    @property
    def _unknown(self) -> set[str]:
        return {tag for tag, standard in self.tags.items() if UNKNOWN in (standard, standard[2:])}

    def _note(self, example: str) -> str:
        if self.kind == "plain":
            merge = "adjacent words with equal labels are one entity"
            return f"plain labels such as {example!r}, read as scheme io ({merge})"
        return f"tags in another spelling, such as {example!r}, read as {self.tags[example]!r}"

    def problem(self, tag: str, *, in_column: bool = False, in_first_row: bool = False) -> str:
        """Return why a tag cannot be read, with advice that depends on whether a column file is read."""
        if _in_spelling(_strip(tag), self.kind) is not None:
            return f"{tag[:120]!r} is not a valid tag: {LABEL_RULE}"
        header = _HEADER if in_column and in_first_row else ""
        column = _OTHER_COLUMN if in_column else ""
        return f"{tag[:120]!r} is not a valid tag; {_EXPECTED}{self._hint(tag)}{header}{column}"

    def _hint(self, tag: str) -> str:
        if tag in PIECE_TAGS:
            return "; it marks pieces of words: `rnner data check FILE --fix OUT` joins them into words"
        if self.kind in ("numbers", "binary") and tag.isdecimal():
            names = "0=O,1=B-PER,2=I-PER,..."
            return f"; to name the numbers: `rnner data convert FILE --output NEW.conll --names {names}`"
        if self.kind == "plain" and _PREFIX.fullmatch(tag):
            return "; the other labels have no prefix"
        return ""


def spelling_of(counts: Mapping[str, int], unknown: str = UNKNOWN) -> Spelling:
    """Detect how tags are spelled, given the number of words with each tag and the mark of unknown ones."""
    stripped = {tag: _strip(tag) for tag in counts}
    inside = Counter[str]()
    for tag, count in counts.items():
        if stripped[tag] not in _OUTSIDE | {unknown} and stripped[tag] not in PIECE_TAGS - {"X"}:
            inside[stripped[tag]] += count
    kind = _kind(inside, set(stripped.values()) - {unknown})
    read = {
        tag: UNKNOWN if text == unknown else _with_unknown_label(_standard(text, kind), unknown)
        for tag, text in stripped.items()
    }
    known = {tag: standard for tag, standard in read.items() if standard is not None}
    if _has_single_b(known, counts):
        known = {tag: f"I{it[1:]}" if it.startswith("E-") else it for tag, it in known.items()}
    return Spelling(kind, known, frozenset(read.keys() - known.keys()))


def _strip(tag: str) -> str:
    """Return a tag without spaces and quotes around it."""
    tag = tag.strip(" ")
    return tag[1:-1] if len(tag) > 2 and tag[0] == tag[-1] and tag[0] in "\"'" else tag


def _kind(inside: Counter[str], all_tags: Collection[str]) -> str:
    """Return the spelling that fits most words in entities; `inside` counts the tags of such words."""
    if not inside:
        return "binary" if set(all_tags) == {"0"} else "outside"
    if 2 * inside["1"] > inside.total() and "O" not in all_tags:
        return "binary"
    if all(tag.isdecimal() for tag in inside):
        return "numbers"
    if _is_bare(inside):
        return "bare"
    shares = {
        "prefix": sum(count for tag, count in inside.items() if _PREFIX.fullmatch(tag)),
        "suffix": sum(count for tag, count in inside.items() if _SUFFIX.fullmatch(tag)),
    }
    kind = max(shares, key=lambda name: shares[name])
    # X among other tags is a piece of a word, so it does not decide between the spellings.
    others = inside.total() - inside["X"] - shares[kind]
    if shares[kind] and shares[kind] >= others:
        return kind
    is_plain = len(inside) <= _MOST_PLAIN and not _OUTSIDE.isdisjoint(all_tags) and inside.keys() != {"X"}
    if is_plain and 2 * sum(count for tag, count in inside.items() if _is_label(tag)) > inside.total():
        return "plain"
    return "prefix"


def _is_bare(tags: Collection[str]) -> bool:
    """Return whether tags in entities are prefixes without a label: B and at least one that continues it."""
    letters = set(tags) - {"X"}
    return letters <= _STANDARD.keys() and "B" in letters and not letters.isdisjoint("IMEL")


def _has_single_b(tags: Mapping[str, str], counts: Mapping[str, int]) -> bool:
    """Return whether entities of one word have B-, and longer ones end with E-."""
    prefixes: Counter[str] = Counter()
    for tag, standard in tags.items():
        prefixes[standard[:2]] += counts[tag]
    return 0 < prefixes["E-"] < prefixes["B-"] and not prefixes["S-"]


def _standard(tag: str, kind: str) -> str | None:
    """Return the standard form of a tag in this spelling; None if there is none or its label is invalid."""
    found = _in_spelling(tag, kind)
    return found if found is None or is_label(found[2:] or found) else None


def _with_unknown_label(tag: str | None, unknown: str) -> str | None:
    """Return a standard tag with `?` as its label if that is unknown."""
    return f"{tag[:2]}{UNKNOWN}" if tag is not None and tag[2:] == unknown else tag


def _in_spelling(tag: str, kind: str) -> str | None:
    if kind == "numbers" and tag.isdecimal():
        return None
    if kind == "binary":
        return tag if tag in _BINARY else None
    if tag in _OUTSIDE:
        return "O"
    if kind == "plain":
        return f"I-{tag}" if _is_label(tag) else None
    if kind == "bare":
        return f"{_STANDARD[tag]}-{BINARY_LABEL}" if tag in _STANDARD else None
    if kind == "suffix":
        match = _SUFFIX.fullmatch(tag)
        return f"{_STANDARD[match[2]]}-{match[1]}" if match else None
    if is_tag(tag):
        return tag if tag not in _BINARY else None
    match = _PREFIX.fullmatch(tag)
    return f"{_STANDARD[match[1].upper()]}-{match[2]}" if match else None


def _is_label(tag: str) -> bool:
    """Return whether a tag is a plain label: a word, not a prefix with a label."""
    return _PLAIN.fullmatch(tag) is not None and tag[1:2] not in ("-", "_", ":")

"""Tags of which only a part is known, and the conversion of tags between schemes.

A word whose tag is not known has a set of possible tags. The set is one string, so that it fits into a column
of tags: its members with tabs between them, which no label can contain. The label of a member may be `?`,
which is any label, and the string `?` is the set of all tags.

    ?               any tag
    B-?             the first word of an entity of any label
    B-PER<tab>S-PER the first word of a PER entity that may end here

In which sequences a tag occurs depends only on its neighbours, so both functions here look at each distinct
triple of adjacent tags once. Letters: w words, s sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnner.data.disk_arrays import GrowingArray
from rnner.data.token_table import Column, Indices, Renumbering, TokenTable, word_blocks
from rnner.tags import BINARY_LABEL, LENIENT, UNKNOWN, Span, tag_inventory, transition

_SEPARATOR = "\t"
_EDGE = ""  # the neighbour of the first and of the last word of a sentence
_ANY = f"{UNKNOWN}{UNKNOWN}"  # stands for a label that no other tag has
_OTHER = f"{UNKNOWN}{UNKNOWN}{UNKNOWN}"  # and for another such label

Triple = tuple[str, str, str]


class ContradictionError(ValueError):
    """Tags that no tag sequence fits; `position` is the index of the word in the table."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


def is_set(tag: str) -> bool:
    """Return whether a string of a column of tags is a set of tags: the tag of the word is not known."""
    return tag == UNKNOWN or tag[2:] == UNKNOWN or _SEPARATOR in tag


def members(tag: str, scheme: str) -> list[str]:
    """Return the members of a set of tags; a tag is its only member."""
    return tag_inventory([UNKNOWN], _inventory(scheme)) if tag == UNKNOWN else tag.split(_SEPARATOR)


def masks(tags: Sequence[str], inventory: Sequence[str], scheme: str) -> NDArray[np.bool_]:
    """Return which tags of a vocabulary's inventory each of n tags or sets of tags allows: `[n, k]`.

    Raises:
        ValueError: none of a set's members is in the inventory.
    """
    rows = np.zeros((len(tags), len(inventory)), dtype=bool)
    for row, tag in zip(rows, tags, strict=True):
        allowed = set(members(tag, scheme))
        row[:] = [own in allowed or f"{own[:2]}{UNKNOWN}" in allowed for own in inventory]
        if not row.any():
            raise ValueError(f"unknown tag {describe(tag)!r}; the tags are {', '.join(inventory)}")
    return rows


def join(tags: Iterable[str], scheme: str) -> str:
    """Return the set of these tags; their labels may be `?`."""
    distinct = set(tags)
    if distinct.issuperset(members(UNKNOWN, scheme)):
        return UNKNOWN
    return _SEPARATOR.join(sorted(tag for tag in distinct if not _covered(tag, distinct)))


def describe(tag: str) -> str:
    """Return a set of tags as it is shown in messages."""
    return " or ".join(tag.split(_SEPARATOR))


def labels_of(tag: str) -> list[str | None]:
    """Return the distinct labels of a tag or a set of tags: None outside entities, `?` for any label."""
    if tag == UNKNOWN:
        return [None, UNKNOWN]
    return list(dict.fromkeys(_label(member) for member in tag.split(_SEPARATOR)))


def certain_label(tag: str) -> str | None:
    """Return the label of all members, None if all are outside entities, and `?` if it is not known."""
    first, *others = labels_of(tag)
    return UNKNOWN if others else first


def certain_spans(tags: Sequence[str]) -> list[Span]:
    """Return the entities of a sentence that all BIOES sequences have which its sets of tags allow.

    Of an entity, both ends and the label are then known.
    """
    spans: list[Span] = []
    start: int | None = None
    for position, tag in enumerate(tags):
        if is_set(tag):
            start = None
        elif tag[0] in "BS":
            start = position
        if tag[0] in "ES" and start is not None and not is_set(tag):
            spans.append(Span(start, position + 1, tag[2:]))
        if tag[0] not in "BI":
            start = None
    return spans


def narrow(table: TokenTable, scheme: str) -> Column:
    """Return the tags with each set reduced to its members in tag sequences that the scheme allows.

    Next to `I-PER`, for example, little is left of `?`. Whole sentences are taken into account.

    Raises ContradictionError if nothing is left.
    """
    neighbours, names = _Neighbours(scheme), _Names(table.tags.strings)
    renumber, result = Renumbering(len(names.strings)), GrowingArray(np.int32)
    for run in word_blocks(np.diff(table.starts)):
        starts = table.starts[run.start : run.stop + 1]
        tags = table.tags.numbers[starts[0] : starts[-1]].astype(np.int64)
        open_words = np.flatnonzero(np.array(list(map(is_set, names.strings)))[tags])
        while len(open_words):
            new = _narrow_words(tags, starts, open_words, names, neighbours)
            if (new == tags[open_words]).all():
                break
            tags[open_words] = new
        result.extend(renumber(tags))
    return Column([names.strings[i] for i in renumber.old], result.array())


def _narrow_words(
    tags: Indices, starts: Indices, chosen: Indices, names: _Names, neighbours: _Neighbours
) -> NDArray[np.int64]:
    """Return the tags `[n]` of the words `chosen` `[n]`, narrowed once by their neighbours."""
    triples, which = _distinct_triples(tags, starts - starts[0], chosen)
    found = []
    for number, triple in enumerate(names.of_triples(triples)):
        if not (name := neighbours.narrowed(triple)):
            position = int(starts[0] + chosen[np.flatnonzero(which == number)[0]])
            shown = " ".join(describe(tag) for tag in triple if tag != _EDGE)
            raise ContradictionError(f"no {neighbours.scheme} tags fit {shown}", position)
        found.append(names.number(name))
    return np.array(found, dtype=np.int64)[which]


def convert(table: TokenTable, old: str, new: str) -> Column:
    """Return the tags of a table in another scheme; `binary` drops labels and merges adjacent entities.

    Where a set leaves open whether an entity ends, the new tag is a set too. The sets allow the same entities
    as before, with one exception. IOB1 separates adjacent entities only if they have the same label, which a
    set cannot express: entities next to an unknown word may then be merged or separated.
    """
    tags = narrow(table, old) if any(map(is_set, table.tags.strings)) else table.tags
    neighbours, names, converted = _Neighbours(old), _Names(tags.strings), _Names()
    renumber, result = Renumbering(0), GrowingArray(np.int32)
    for run in word_blocks(np.diff(table.starts)):
        starts = table.starts[run.start : run.stop + 1]
        block = tags.numbers[starts[0] : starts[-1]].astype(np.int64)
        triples, which = _distinct_triples(block, starts - starts[0], np.arange(len(block)))
        numbers = [converted.number(neighbours.converted(it, new)) for it in names.of_triples(triples)]
        result.extend(renumber(np.array(numbers, dtype=np.int64)[which]))
    return Column([converted.strings[i] for i in renumber.old], result.array())


class _Names:
    """Tags, numbered in the order in which they are added."""

    def __init__(self, strings: Iterable[str] = ()) -> None:
        self.strings = list(strings)
        self._numbers = {name: number for number, name in enumerate(self.strings)}

    def number(self, name: str) -> int:
        """Return the number of a tag, which is added if it is new."""
        if name not in self._numbers:
            self._numbers[name] = len(self.strings)
            self.strings.append(name)
        return self._numbers[name]

    def of_triples(self, triples: Iterable[tuple[int, int, int]]) -> Iterator[Triple]:
        """Yield triples of numbers as tags; -1 is the edge of a sentence."""
        for triple in triples:
            left, own, right = (_EDGE if number < 0 else self.strings[number] for number in triple)
            yield left, own, right


def _distinct_triples(
    tags: Indices, starts: Indices, chosen: Indices
) -> tuple[list[tuple[int, int, int]], NDArray[np.int64]]:
    """Return the distinct triples of adjacent tags around the words `chosen` `[n]`, and which each has `[n]`.

    Args:
        tags: `[w]`, numbers of tags.
        starts: `[s + 1]`, the first word of each sentence, and w. Beyond a sentence, the tag is -1.
        chosen: `[n]`, indices of words.
    """
    padded = np.concatenate([[-1], tags, [-1]]) + 1
    first, last = np.zeros(len(tags) + 1, dtype=bool), np.zeros(len(tags) + 1, dtype=bool)
    first[starts], last[starts - 1] = True, True
    before = np.where(first[chosen], 0, padded[chosen])
    after = np.where(last[chosen], 0, padded[chosen + 2])
    size = int(padded.max()) + 1
    codes, which = np.unique((before * size + padded[chosen + 1]) * size + after, return_inverse=True)
    rest, right = np.divmod(codes, size)
    left, own = np.divmod(rest, size)
    return list(zip(*((part - 1).tolist() for part in (left, own, right)), strict=True)), which


class _Link(NamedTuple):
    """One way in which two neighbours fit together: their labels, and whether a border is between them."""

    before: str | None
    after: str | None
    border: bool


class _Neighbours:
    """Works out what a tag's neighbours leave open. Tags are sets or single tags of one scheme."""

    def __init__(self, scheme: str) -> None:
        self.scheme = scheme
        self.links = lru_cache(maxsize=1 << 16)(self._links)
        self.narrowed = lru_cache(maxsize=1 << 16)(self._narrowed)
        self.converted = lru_cache(maxsize=1 << 16)(self._converted)

    def _narrowed(self, triple: Triple) -> str:
        """Return the middle tag without the members that neither neighbour fits; "" if there are none."""
        kept: set[str] = set()
        for member, left, right in self._fitting(triple):
            labels = _common({link.after for link in left}, {link.before for link in right})
            if _label(member) != UNKNOWN:
                kept.add(member)
            else:
                kept |= {f"{member[0]}-{UNKNOWN if it == _ANY else it}" for it in labels}
        return join(kept, self.scheme) if kept else ""

    def _converted(self, triple: Triple, scheme: str) -> str:
        """Return the middle tag, a narrowed set or a single tag, in another scheme."""
        found = {
            tag
            for member, left, right in self._fitting(triple)
            for before in left
            for after in right
            for tag in _new_tags(_label(member), before, after, scheme)
        }
        return join(found, scheme)

    def _fitting(self, triple: Triple) -> Iterator[tuple[str, list[_Link], list[_Link]]]:
        """Yield the members of the middle tag that fit, with the links to the left and to the right."""
        left, own, right = ([_EDGE] if tag == _EDGE else members(tag, self.scheme) for tag in triple)
        for member in own:
            before = [link for it in left for link in self.links(it, member)]
            after = [link for it in right for link in self.links(member, it)]
            if before and after and _common({link.after for link in before}, {it.before for it in after}):
                yield member, before, after

    def _links(self, before: str, after: str) -> list[_Link]:
        """Return the ways in which two tags fit together, `_EDGE` being the edge of a sentence."""
        links = []
        for labels in _concrete(_label(before), _label(after)):
            tags = [_with_label(tag, label) for tag, label in zip((before, after), labels, strict=True)]
            reason, continues = transition(tags[0] or None, tags[1] or None, self.scheme)
            if not reason:
                links.append(_Link(*labels, not continues))
        return links


def _inventory(scheme: str) -> str:
    """Return the scheme whose tags a scheme has."""
    return "bioes" if scheme == LENIENT else scheme


def _label(tag: str) -> str | None:
    """Return the label of a single tag, which may be `?`; None outside entities and at an edge."""
    if tag in ("O", "0", _EDGE):
        return None
    return BINARY_LABEL if tag == "1" else tag[2:] or "_"


def _with_label(tag: str, label: str | None) -> str:
    """Return a tag with another label, if it has one."""
    return tag if label is None or tag == "1" else f"{tag[0]}-{label}"


def _covered(tag: str, tags: set[str]) -> bool:
    """Return whether the same tag with any label is among the tags."""
    return tag[2:] not in ("", UNKNOWN) and f"{tag[0]}-{UNKNOWN}" in tags


def _concrete(before: str | None, after: str | None) -> list[tuple[str | None, str | None]]:
    """Return the pairs of labels that two neighbours may have, one of each kind; labels may be `?`."""
    if before != UNKNOWN and after != UNKNOWN:
        return [(before, after)]
    if before == after:
        return [(_ANY, _ANY), (_ANY, _OTHER)]
    if before == UNKNOWN:
        return [(_ANY, after)] if after is None else [(after, after), (_ANY, after)]
    return [(before, _ANY)] if before is None else [(before, before), (before, _ANY)]


def _common(left: set[str | None], right: set[str | None]) -> set[str | None]:
    """Return the labels in both sets. A stand-in for any other label is in a set with all labels."""
    left, right = ({_ANY if it == _OTHER else it for it in side} for side in (left, right))
    if _ANY in left and _ANY in right:
        return {_ANY}
    if _ANY in left or _ANY in right:
        return right if _ANY in left else left
    return left & right


def _new_tags(label: str | None, before: _Link, after: _Link, scheme: str) -> list[str]:
    """Return the tags of a word in a scheme, given how it is linked to its neighbours."""
    if scheme == "binary":
        return ["0" if label is None else "1"]
    if label is None:
        return ["O"]
    if scheme == "bioes":
        prefix = ("S" if after.border else "B") if before.border else ("E" if after.border else "I")
    elif scheme == "iob2":
        prefix = "B" if before.border else "I"
    else:  # iob1 writes B- only after an adjacent entity of the same label
        prefix = "B" if before.border and before.before == before.after else "I"
    return [f"{prefix}-{label}"]

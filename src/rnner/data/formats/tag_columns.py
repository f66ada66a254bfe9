"""Which column of a column file holds the tags of entities.

Several columns may hold tags: chunks beside entities (CoNLL-2003), outer and nested entities (GermEval 2014),
coarse and fine types, gold and predicted tags. Chunks (NP, VP, ...) are not entities, so such a column is
read only if no other column holds tags. Of the others, columns with less than half the entities of another
one are of a different kind (nested beside outer) and are not read; the last of the rest is, as the CoNLL
evaluation script does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rnner.data.tag_spellings import PIECE_TAGS, Spelling, spelling_of
from rnner.errors import counted
from rnner.tags import LENIENT, to_spans

Rows = Sequence[Sequence[str]]
"""The cells of each row of a sentence."""

# The chunks of CoNLL-2000.
_ENGLISH_CHUNKS = "ADJP ADVP CONJP INTJ LST NP PP PRT SBAR UCP VP QP WHNP WHPP"  # CoNLL-2000, Penn Treebank
_OTHER_CHUNKS = "NC PC VC AC NX PX VX GN GP GA GR NV PV SN SP SV"  # German (CoNLL-2003), French, Spanish
_CHUNKS = frozenset(f"{_ENGLISH_CHUNKS} {_OTHER_CHUNKS}".split())
_RANKS = {"prefix": 4, "suffix": 4, "bare": 4, "binary": 3, "plain": 2, "outside": 1}
_DOUBTFUL = 0
_READABLE = 0.5  # lowest share of valid tags in a column of tags
_PLAIN_OUTSIDE = 0.4  # usual share of words outside entities; a column of words has fewer `0` and `O`


class TagColumn(NamedTuple):
    """A column that holds tags.

    Attributes:
        column: its number, from 0.
        spelling: how its tags are spelled.
        entities: the number of entities, as conlleval counts them.
        readable: the share of cells that are tags.
        rank: how likely the column is to hold the tags of entities; higher is likelier.
    """

    column: int
    spelling: Spelling
    entities: int
    readable: float
    rank: int


def find_tag_columns(
    sentences: Sequence[Rows], candidates: Iterable[int], *, words_first: bool
) -> list[TagColumn]:
    """Return the columns in which at least half of the cells are tags.

    If `words_first`, the first candidate holds the words unless it is the only one with tags: `O` and `0` may
    be words.
    """
    columns = list(candidates)
    found = [own for column in columns if (own := _measure(sentences, column)) is not None]
    others = [own for own in found if own.column not in columns[:1]]
    return others if words_first and any(own.rank >= _RANKS["outside"] for own in others) else found


def choose(columns: Sequence[TagColumn]) -> TagColumn:
    """Return the column with the tags of entities; see the module's docstring."""
    best = max(column.rank for column in columns)
    rivals = [column for column in columns if column.rank == best]
    if best <= _RANKS["outside"]:
        return max(rivals, key=lambda column: (column.readable, column.column))
    most = max(column.entities for column in rivals)
    return [column for column in rivals if 2 * column.entities >= most][-1]


def describe_choice(columns: Sequence[TagColumn], chosen: TagColumn) -> str:
    """Return the note that names all columns with tags of entities; empty if there is one."""
    named = [it for it in columns if it.entities and (it.rank == chosen.rank or it.rank >= _RANKS["binary"])]
    if len(named) < 2:
        return ""
    listed = [f"{it.column} ({counted(it.entities, 'entity', 'entities')})" for it in named]
    if any(it.rank < chosen.rank for it in named):
        reason = "whose tags have labels"
    elif all(it.entities < chosen.entities for it in named if it is not chosen):
        reason = "which has the most entities"
    else:
        reason = "the last of those with about as many entities"
    return (
        f"columns {', '.join(listed[:-1])} and {listed[-1]} hold tags; column {chosen.column} (from 0) is "
        f"read, {reason}; to choose, set data.columns or --columns TOKEN,TAG"
    )


def _measure(sentences: Sequence[Rows], column: int) -> TagColumn | None:
    counts = Counter(row[column] for rows in sentences for row in rows)
    spelling = spelling_of(counts)
    named = spelling.unreadable if spelling.kind == "numbers" else PIECE_TAGS
    readable = sum(count for tag, count in counts.items() if tag in spelling.tags or tag in named)
    if not readable or readable < _READABLE * counts.total():
        return None
    if spelling.kind == "plain" and counts.keys().isdisjoint("Oo0") and _few_outside(spelling, counts):
        return None  # words, with some - or _ among them
    labels = Counter(_labels(sentences, column, spelling))
    rank = _rank(spelling, counts, labels)
    return TagColumn(column, spelling, labels.total(), readable / counts.total(), rank)


def _rank(spelling: Spelling, counts: Counter[str], labels: Counter[str]) -> int:
    if spelling.kind == "numbers":
        return _DOUBTFUL
    if not labels:
        # A column of nothing but - or _ is empty; one of O has tags, but no entity in the first rows.
        return -1 if counts.keys().isdisjoint("Oo0") else _RANKS["outside"]
    if 2 * sum(labels[chunk] for chunk in _CHUNKS) > labels.total():
        return _DOUBTFUL
    if spelling.kind == "plain" and (_few_outside(spelling, counts) or counts.keys().isdisjoint("Oo0")):
        return _DOUBTFUL  # perhaps words with some O or 0 among them, or notes with - or _ for none
    return _RANKS[spelling.kind]


def _few_outside(spelling: Spelling, counts: Counter[str]) -> bool:
    outside = sum(count for tag, count in counts.items() if spelling.tags.get(tag) == "O")
    return outside < _PLAIN_OUTSIDE * counts.total()


def _labels(sentences: Sequence[Rows], column: int, spelling: Spelling) -> Iterator[str]:
    """Yield the label of each entity."""
    scheme, outside = ("binary", "0") if spelling.kind == "binary" else (LENIENT, "O")
    for rows in sentences:
        tags = [spelling.tags.get(row[column], outside) for row in rows]
        yield from (span.label for span in to_spans(tags, scheme))

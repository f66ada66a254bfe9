"""Find the column of a column file that holds the tags of entities.

Several columns may hold tags: chunks beside entities (CoNLL-2003), outer and nested entities (GermEval 2014),
coarse and fine types, gold and predicted tags. Chunks (NP, VP, ...) are not entities, so such a column is
read only if no other column holds tags. Of the others, these are not read:

* columns with few words outside entities, such as clauses (LST20), if another column has more;
* columns whose entities are mostly within longer ones of another column: nested within outer;
* columns with less than half the entities of another one.

Of the remaining columns, the last is read, as the CoNLL evaluation script does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rnner.data.tag_spellings import PIECE_TAGS, Spelling, spelling_of
from rnner.errors import counted
from rnner.tags import LENIENT, Span, to_spans

Rows = Sequence[Sequence[str]]
"""The cells of each row of a sentence."""

# The chunks of CoNLL-2000.
_ENGLISH_CHUNKS = "ADJP ADVP CONJP INTJ LST NP PP PRT SBAR UCP VP QP WHNP WHPP"  # CoNLL-2000, Penn Treebank
_OTHER_CHUNKS = "NC PC VC AC NX PX VX GN GP GA GR NV PV SN SP SV"  # German (CoNLL-2003), French, Spanish
_CHUNKS = frozenset(f"{_ENGLISH_CHUNKS} {_OTHER_CHUNKS}".split())
_RANKS = {"prefix": 4, "suffix": 4, "bare": 4, "binary": 3, "plain": 2, "outside": 1}
_DOUBTFUL = 0
_READABLE = 0.5  # lowest share of valid tags in a column of tags
_FEW_OUTSIDE = 0.25  # a column with a smaller share of words outside divides sentences into parts
_ENOUGH_WORDS, _FEWEST_WORDS = 100, 8  # needed to judge this; below 100, every word must be inside
_PLAIN_OUTSIDE = 0.4  # usual share of words outside entities; a column of words has fewer `0` and `O`


class TagColumn(NamedTuple):
    """A column that holds tags.

    Attributes:
        column: its number, from 0.
        spelling: how its tags are spelled.
        spans: the entities, as conlleval counts them: sentence, first word, word after the last.
        divides: whether so few words are outside entities that the column divides sentences into parts.
        readable: the share of cells that are tags.
        rank: how likely the column is to hold the tags of entities; higher is more likely.
    """

    column: int
    spelling: Spelling
    spans: frozenset[tuple[int, int, int]]
    divides: bool
    readable: float
    rank: int

    @property
    def entities(self) -> int:
        """The number of entities."""
        return len(self.spans)

    def is_nested_in(self, other: TagColumn) -> bool:
        """Return whether most entities are within longer ones of another column."""
        longer = {(own[0], i): own for own in other.spans for i in range(own[1], own[2])}
        within = sum(longer.get((own[0], own[1]), own) != own for own in self.spans)
        return 2 * within > len(self.spans)


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
    rivals = [column for column in rivals if not column.divides] or rivals
    most = max(rivals, key=lambda column: column.entities)
    return [it for it in rivals if 2 * it.entities >= most.entities and not it.is_nested_in(most)][-1]


def describe_choice(columns: Sequence[TagColumn], chosen: TagColumn) -> str:
    """Return the note that names all columns with tags of entities; empty if there is only one."""
    named = [it for it in columns if it.entities and (it.rank == chosen.rank or it.rank >= _RANKS["binary"])]
    if len(named) < 2:
        return ""
    listed = [f"{it.column} ({counted(it.entities, 'entity', 'entities')})" for it in named]
    if any(it.rank < chosen.rank for it in named):
        reason = "because its tags have labels"
    elif not chosen.divides and any(it.divides for it in named):
        reason = "because most of its words are outside entities"
    elif all(it.entities < chosen.entities for it in named if it is not chosen):
        reason = "because it has the most entities"
    else:
        reason = "the last of those with a similar number of entities"
    return (
        f"columns {', '.join(listed[:-1])} and {listed[-1]} hold tags; column {chosen.column} (counted from "
        f"0) is read, {reason}; to choose, set data.columns or --columns TOKEN,TAG"
    )


def find_label_column(sentences: Sequence[Rows], tag: int) -> int | None:
    """Return the column after `tag` with the labels of its bare prefixes (`B PRS`, `O _`), or None."""
    rows = [row for rows in sentences for row in rows]
    outside = _outside(rows, tag, "bare")
    later = range(tag + 1, len(rows[0])) if rows and outside else ()
    return next((column for column in later if _outside(rows, column, "plain") == outside), None)


def _outside(rows: Rows, column: int, kind: str) -> list[bool]:
    """Return which words are outside entities; an empty list if the spelling is not `kind`."""
    spelling = spelling_of(Counter(row[column] for row in rows))
    if spelling.kind != kind or spelling.unreadable:
        return []
    return [spelling.tags[row[column]] == "O" for row in rows]


def _measure(sentences: Sequence[Rows], column: int) -> TagColumn | None:
    counts = Counter(row[column] for rows in sentences for row in rows)
    spelling = spelling_of(counts)
    named = spelling.unreadable if spelling.kind == "numbers" else PIECE_TAGS
    readable = sum(count for tag, count in counts.items() if tag in spelling.tags or tag in named)
    if not readable or readable < _READABLE * counts.total():
        return None
    if spelling.kind == "plain" and counts.keys().isdisjoint("Oo0") and _few_outside(spelling, counts):
        return None  # words, with some - or _ among them
    found = list(_entities(sentences, column, spelling))
    rank = _rank(spelling, counts, Counter(span.label for _, span in found))
    spans = frozenset((sentence, span.start, span.end) for sentence, span in found)
    words, inside = counts.total(), sum(span.end - span.start for _, span in found)
    if words >= _ENOUGH_WORDS:
        divides = words - inside < _FEW_OUTSIDE * words
    else:
        divides = words == inside and max(_FEWEST_WORDS, 2 * len(found)) <= words
    return TagColumn(column, spelling, spans, divides, readable / words, rank)


def _rank(spelling: Spelling, counts: Counter[str], labels: Counter[str]) -> int:
    if spelling.kind == "numbers":
        return _DOUBTFUL
    if not labels:
        # A column with only - or _ is empty; one with only O has tags, but no entity in the first rows.
        return -1 if counts.keys().isdisjoint("Oo0") else _RANKS["outside"]
    if 2 * sum(labels[chunk] for chunk in _CHUNKS) > labels.total():
        return _DOUBTFUL
    if spelling.kind == "plain" and (_few_outside(spelling, counts) or counts.keys().isdisjoint("Oo0")):
        return _DOUBTFUL  # perhaps words with some O or 0 among them, or notes with - or _ for none
    return _RANKS[spelling.kind]


def _few_outside(spelling: Spelling, counts: Counter[str]) -> bool:
    outside = sum(count for tag, count in counts.items() if spelling.tags.get(tag) == "O")
    return outside < _PLAIN_OUTSIDE * counts.total()


def _entities(sentences: Sequence[Rows], column: int, spelling: Spelling) -> Iterator[tuple[int, Span]]:
    """Yield each entity with the number of its sentence."""
    scheme, outside = ("binary", "0") if spelling.kind == "binary" else (LENIENT, "O")
    for number, rows in enumerate(sentences):
        tags = [spelling.tags.get(row[column], outside) for row in rows]
        yield from ((number, span) for span in to_spans(tags, scheme))

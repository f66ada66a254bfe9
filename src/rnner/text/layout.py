r"""Layout of plain text: which line breaks, list items and table cells begin a sentence.

A line break begins a sentence, except where prose was wrapped. These are the rules for a block, which ends at
a blank line, a table row or a horizontal rule (---):

* A line with a tab, three spaces or a | between words is a table row. Each cell is a sentence.
* A line that starts with a list marker (-, *, •, 1., a), (2), #) or a key (Name: ...) begins a sentence.
* A line break *can* be a wrap if the next line starts in lower case, and the line does not end with a colon.
  It also can if the line does not end a sentence and is full: the first word of the next line would make it
  longer than nine tenths of the longest line (six tenths if it has a word in lower case, since many people
  wrap by hand).
* Lines joined by such breaks *are* wrapped prose if the longest line of the block has at least 24 columns, at
  least as many words are in lower case as are capitalised, and one of these holds:
  - The last line ends a sentence. Two lines then need only 16 columns, and lines that are all full or
    continue in lower case need only a third as many words in lower case as capitalised ones.
  - A third of the full lines continue in lower case.
  - There are three or more lines, all full to the last word, and the longest has at least 40 columns.
  If the first two conditions hold but none of these does, only the breaks before lower case are wraps.

So names on separate lines stay apart, and a name that was broken by wrapping ("New\nYork") stays whole.
Everything is computed in linear time.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

import regex

from rnner.text.tokenizer import Token
from rnner.text.unspaced import meet

ENDERS = frozenset(".!?…。！？｡．‼⁇⁈⁉؟۔।॥։።፧፨។៕။།༎⸮")
"""The characters of marks that end a sentence."""

_MIN_PAIR_WIDTH, _MIN_WIDTH, _MIN_FULL_WIDTH = 16, 24, 40  # columns
_FULL, _RAGGED = 0.9, 0.6  # shares of the longest line
_COLONS = (":", "：")
_MIN_CONTINUED = 1 / 3

_SPECIAL = re.compile(r"[\n\r\v\f\x85\u2028\u2029\t|]|   ")
_LINE_BREAK = re.compile(r"\r\n|[\n\r\v\f\x85\u2028\u2029]")
_PAGE_BREAKS = frozenset("\v\f\u2029")
_CELL = re.compile(r"\t|\s{3}|\|")
_start = attrgetter("start")
_WIDE = re.compile(
    r"[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6"
    r"\U0001f300-\U0001faff\U00020000-\U0003fffd]"
)
_NUMBER = r"(?:\p{N}{1,3}|\p{L}|[ivxl]{1,5}|[一二三四五六七八九十]{1,3})"
_MARKER = regex.compile(
    r"\s*+(?:[-*+–—·]++(?=\s|[\p{Lu}\p{Lo}])|[•‣◦▪▸►●○■□◆◇★☆✓✔☐☑・※→]|\#{1,6}\s"
    rf"|[(\[（【]{_NUMBER}[)\]）】]|{_NUMBER}[)）、]|(?:\p{{N}}{{1,3}}|\p{{Ll}}|[ivxl]{{1,5}})[.．](?=\s)|[①-⓿]"
    r"|\p{Lu}[^\s:]{0,20}+(?: [^\s:]{1,20}+){0,2}+:(?=\s))"
)
_MARKS_ONLY = regex.compile(r"[^\p{L}\p{N}]*+")


class _Line(NamedTuple):
    """A line with at least one token: its tokens, its width in columns, and that of its first word."""

    first: int
    end: int
    columns: int
    first_word: int
    breakable: bool  # it could have been wrapped: it has more than one word
    marked: bool  # it starts with a list marker


def layout_starts(text: str, tokens: Sequence[Token]) -> set[int]:
    """Return the indices of tokens that begin a sentence because of the layout, by the rules above."""
    if not _SPECIAL.search(text):
        return set()
    starts: set[int] = set()
    block: list[_Line] = []
    for line in _lines(text, tokens, starts):
        if line is not None:
            block.append(line)
            continue
        starts.update(_starts_in_block(block, tokens))
        block = []
    return starts


def _lines(text: str, tokens: Sequence[Token], starts: set[int]) -> Iterator[_Line | None]:
    """Yield the lines of running text, and None between blocks and at the end.

    The starts of cells are added to `starts`.
    """
    position, index = 0, 0
    for match in [*_LINE_BREAK.finditer(text), None]:
        stop = match.start() if match else len(text)
        first, index = index, bisect_left(tokens, stop, lo=index, key=_start)
        line = text[position:stop]
        if _CELL.search(line) and (cells := list(_cells(text, tokens, first, index))):
            starts.update(cells, [first, index])
            yield None
        elif first == index or (_MARKS_ONLY.fullmatch(line) and len(line.strip()) > 2):
            starts.update([first, index])
            yield None
        else:
            yield _line(line, first, index)
        if match is None or match[0] in _PAGE_BREAKS:
            yield None
        position = match.end() if match else stop
    yield None


def _cells(text: str, tokens: Sequence[Token], first: int, end: int) -> Iterator[int]:
    """Yield the indices of the tokens that begin a table cell after the first, and of each separating |."""
    for i in range(first, end):
        before = text[tokens[i - 1].end : tokens[i].start] if i > first else " "
        after = text[tokens[i].end : tokens[i].end + 1]
        if tokens[i].text == "|" and before and (after.isspace() or i + 1 == end):
            yield from (i, i + 1)
        elif len(before) > 2 or "\t" in before:
            yield i


def _line(line: str, first: int, end: int) -> _Line:
    words = line.split(None, 1)
    unspaced = meet("", words[0])
    return _Line(
        first,
        end,
        columns=_columns(line.rstrip()),
        first_word=2 if unspaced else _columns(words[0]),
        breakable=unspaced or len(words) > 1,
        marked=_MARKER.match(line) is not None,
    )


def _columns(line: str) -> int:
    return len(line) if line.isascii() else len(line) + len(_WIDE.findall(line))


def _starts_in_block(block: Sequence[_Line], tokens: Sequence[Token]) -> Iterator[int]:
    """Yield the index of the first token of each line of a block that begins a sentence."""
    width = max((line.columns for line in block if line.breakable), default=0)
    run: list[_Line] = []
    for line in block:
        if run and (line.marked or not _can_be_wrapped(run[-1], line, width, tokens)):
            yield from _starts_in_run(run, width, tokens)
            run = []
        run.append(line)
    if run:
        yield from _starts_in_run(run, width, tokens)


def _can_be_wrapped(line: _Line, following: _Line, width: int, tokens: Sequence[Token]) -> bool:
    if _continues(following, tokens):
        return tokens[line.end - 1].text not in _COLONS
    if _ends_sentence(line, tokens):
        return False
    return _is_full(line, following, width) or (
        _is_full(line, following, width, _RAGGED) and _count_case(tokens[line.first : line.end])[0] > 0
    )


def _is_full(line: _Line, following: _Line, width: int, share: float = _FULL) -> bool:
    """Return whether the first word of the next line would make a line longer than a share of the width."""
    return line.columns + 1 + following.first_word > share * width


def _continues(line: _Line, tokens: Sequence[Token]) -> bool:
    """Return whether a line starts in lower case."""
    return tokens[line.first].text[0].islower()


def _starts_in_run(run: Sequence[_Line], width: int, tokens: Sequence[Token]) -> Iterator[int]:
    """Yield the first token's index for those lines of a run that begin a sentence; the rest are wrapped."""
    yield run[0].first
    if len(run) == 1:
        return
    lower, capitals = _count_case(tokens[run[0].first : run[-1].end])
    full = all(_is_full(*pair, width) or _continues(pair[1], tokens) for pair in pairwise(run))
    enough = width >= (_MIN_PAIR_WIDTH if len(run) == 2 else _MIN_WIDTH)
    if enough and capitals <= (3 if full else 1) * lower and _ends_sentence(run[-1], tokens):
        return
    mostly_lower = width >= _MIN_WIDTH and capitals <= lower
    if mostly_lower and _looks_wrapped(run, width, tokens):
        return
    for line in run[1:]:
        if not (mostly_lower and _continues(line, tokens)):
            yield line.first


def _count_case(tokens: Sequence[Token]) -> tuple[int, int]:
    """Return the numbers of lower-case and of capitalised words; words in all capitals are neither."""
    lower = sum(token.text[0].islower() for token in tokens)
    return lower, sum(token.text[0].isupper() and not token.text.isupper() for token in tokens)


def _looks_wrapped(run: Sequence[_Line], width: int, tokens: Sequence[Token]) -> bool:
    """Return whether enough full lines continue in lower case, or all lines are full, as in wrapped prose."""
    pairs = list(pairwise(run))
    if len(run) > 2 and width >= _MIN_FULL_WIDTH and all(_is_full(*pair, width, share=1) for pair in pairs):
        return True
    within = [_continues(line, tokens) for before, line in pairs if _is_full(before, line, width)]
    return any(within) and sum(within) >= _MIN_CONTINUED * len(within)


def _ends_sentence(line: _Line, tokens: Sequence[Token]) -> bool:
    """Return whether a line ends with a colon, or with a sentence end and up to two closing marks."""
    last = [token.text for token in tokens[line.first : line.end][-3:]]
    if last[-1] in _COLONS:
        return True
    while last and _MARKS_ONLY.fullmatch(last[-1]):
        if ENDERS.issuperset(last.pop()):
            return True
    return False

r"""Vary the look of a column corpus (`word\ttag` lines, in IOB2), for fuzz_data.py. Not a script itself.

A look is another spelling of tags, a header, comments, other columns, another separator or encoding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random


def dress(piece: bytes, draw: Random) -> bytes:
    """Return a piece of a column corpus with one or two other looks."""
    rows = [line.decode().split("\t") for line in piece.split(b"\n")]
    for change in draw.sample(DRESSES, draw.choice((1, 1, 2))):
        rows = change(rows)
    return draw.choice((*(_joined,) * 6, *JOINS))(rows)


Rows = list[list[str]]  # the cells of each line; a blank line has one empty cell


def _joined(rows: Rows, separator: str = "\t") -> bytes:
    return "\n".join(map(separator.join, rows)).encode()


def _tags(change: Callable[[str], str]) -> Callable[[Rows], Rows]:
    """Turn a spelling of tags into a look."""

    def changed(rows: Rows) -> Rows:
        return [[*cells[:-1], change(cells[-1])] if len(cells) > 1 else cells for cells in rows]

    return changed


def _rows(change: Callable[[int, list[str]], list[str]]) -> Callable[[Rows], Rows]:
    """Turn a change of rows into a look; the change gets the number of the word in its sentence."""

    def changed(rows: Rows) -> Rows:
        new: Rows = []
        number = 0
        for cells in rows:
            number = number + 1 if len(cells) > 1 else 0
            new.append(change(number, cells) if number else cells)
        return new

    return changed


def _with_last(rows: Rows, last: str, single: str) -> Rows:
    """Mark the last words of entities (and single words) of a file in IOB2, as BIOES, BILOU and BMES do."""
    new: Rows = []
    for cells, following in zip(rows, [*rows[1:], [""]], strict=True):
        tag, ends = cells[-1], following[-1][:2] != "I-"
        if len(cells) > 1 and ends and tag[:2] in ("B-", "I-"):
            tag = (single if tag[0] == "B" else last) + tag[1:]
        new.append([*cells[:-1], tag])
    return new


def _before(line: str) -> Callable[[Rows], Rows]:
    """Return a look with a line before each sentence."""

    def changed(rows: Rows) -> Rows:
        new = [[line]]
        for cells in rows:
            new += [cells, [line]] if cells == [""] else [cells]
        return new

    return changed


def _piece_marks(rows: Rows) -> Rows:
    return [["[CLS]", "[CLS]"], *rows, ["##x", "X"], ["[SEP]", "[SEP]"]]


def _header(names: str) -> Callable[[Rows], Rows]:
    return lambda rows: [names.split(), *rows]


def _outer(tag: str) -> str:
    return "O" if tag == "O" else "B-OUTER"


def _joins_of(separators: Iterable[str]) -> list[Callable[[Rows], bytes]]:
    return [lambda rows, separator=separator: _joined(rows, separator) for separator in separators]


DRESSES: list[Callable[[Rows], Rows]] = [
    lambda rows: _with_last(rows, "E", "S"),
    lambda rows: _with_last(rows, "L", "U"),
    lambda rows: _with_last([[cell.replace("I-", "M-") for cell in row] for row in rows], "E", "W"),
    *map(_tags, (str.lower, lambda tag: tag.replace("-", "_"), lambda tag: "-".join(tag.split("-")[::-1]))),
    *map(_tags, (lambda tag: tag[2:] or "O", lambda tag: tag[2:] or "0", lambda tag: tag[:1], "'{}'".format)),
    *map(_tags, (lambda tag: str(int(tag != "O")), lambda tag: str(len(tag) % 3), "{} ".format)),
    *map(_header, ("word tag", "Token NER", "tokens gold predicted", "text label", "x y", "Wort Etikett")),
    *map(_before, ("# id 1f3a", "#\turl\t2020", "# text = a b", "-DOCSTART- -X- O", "# newdoc", "#1")),
    *map(_rows, (lambda i, row: [str(i), *row], lambda i, row: [*row, _outer(row[-1])])),
    *map(_rows, (lambda i, row: [f"en:{row[0]}", *row[1:]], lambda i, row: [f"{row[0]}{i}", *row[1:]])),
    *map(_rows, (lambda i, row: [row[0], "_", "_", row[-1]], lambda i, row: row[::-1])),
    *map(_rows, (lambda i, row: [*row, ""], lambda i, row: [*row[:-1], "", row[-1]])),
    *map(_rows, (lambda i, row: [*row, f"0.{i}"], lambda i, row: [f'"{row[0]}"', *row[1:]])),
    _piece_marks,
    lambda rows: [cells for cells in rows if cells != [""]],
    lambda rows: [cells if cells != [""] else [" "] for cells in rows],
]
JOINS: list[Callable[[Rows], bytes]] = [
    *_joins_of((" ", "  ", ",", ";", " \t", "|", "/", "_")),
    lambda rows: b"\xef\xbb\xbf" + _joined(rows).replace(b"\n", b"\r\n"),
    lambda rows: _joined(rows).decode().encode("utf-16"),
    lambda rows: _joined(rows).decode().encode("utf-16-be"),
    lambda rows: _joined(rows).decode().encode("latin-1", "replace"),
    lambda rows: _joined(rows).replace(b"\n", b"\r"),
    lambda rows: b"Sentence #,Word,Tag\n" + _joined(rows, ",").replace(b"\n", b"\n,"),
]
"""Other ways than `_joined` to write rows as bytes."""

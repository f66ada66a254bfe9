"""How a column file is laid out: separator, columns, and which of its lines are rows.

Column files come without a header. What is not told is found from their first rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from rnner.errors import DataError
from rnner.tags import is_tag

DOCUMENT_MARK = "-DOCSTART-"
_NOT_ROWS_BEGIN = frozenset(("", " ", "\t", "#", "-"))
_HOW_TO_SET = "set data.columns, such as {token: 0, tag: -1} (counted from 0, negative numbers from the end)"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a column file has what.

    Attributes:
        separator: a tab, or a space (then runs of spaces count as one).
        width: columns in each row.
        token, tag: columns counted from 0; `tag` is None where tags are not read.
    """

    separator: str
    width: int
    token: int
    tag: int | None

    def cells(self, line: str) -> list[str]:
        """The columns of a row."""
        if self.separator == "\t":
            return line.split("\t")
        cells = line.strip(" \t").split(" ")
        return [cell for cell in cells if cell] if "" in cells else cells

    def is_row(self, line: str) -> bool:
        """Whether a line holds a token: it is neither blank nor a document mark nor a comment."""
        if line[:1] not in _NOT_ROWS_BEGIN:
            return True
        return not (is_blank(line) or line.startswith(DOCUMENT_MARK) or self.is_comment(line))

    def is_comment(self, line: str) -> bool:
        """A comment begins with `#` and holds no tab, and only tab-separated files have any."""
        return self.separator == "\t" and line[:1] == "#" and "\t" not in line

    def begins_document(self, line: str) -> bool:
        """Whether a line that is no row marks a new document: `-DOCSTART-` or `# newdoc`."""
        return line.startswith(DOCUMENT_MARK) or (line[:1] == "#" and line[1:].split()[:1] == ["newdoc"])


def is_blank(line: str) -> bool:
    """Whether a line is empty but for spaces and tabs; other white space may be a token."""
    return not line.strip(" \t")


def detect_layout(
    lines: Sequence[str], *, columns: Mapping[str, int] | None = None, tagged: bool = True, name: str = ""
) -> Layout:
    """Finds the layout of a column file from its first lines.

    The separator is what most rows hold; the width what most rows have. The tag column is the last one that
    holds nothing but tags (O, B-X and so on, or 0 and 1), or else the one that mostly does, so that the
    reader can name the first cell that is wrong. The token column is the first that is neither the tags nor a
    running index.

    Args:
        lines: from the beginning of the file.
        columns: `{"token": 0, "tag": -1}`, one or both; negative numbers count from the end.
        tagged: whether a tag column is needed.
        name: the file, for errors.

    Raises DataError if a column that is needed is not there, or is to be both word and tag.
    """
    if len(lines) == 1 and "\r" in lines[0]:
        raise DataError("the lines end in lone carriage returns, as on old Macs; make them newlines", name)
    separator = _separator(lines)
    sentences = list(_sentences(lines, Layout(separator, 0, 0, None)))
    widths = Counter(len(row) for rows in sentences for row in rows)
    if not widths:
        return Layout(separator, 0, 0, None)
    width = widths.most_common(1)[0][0]
    given = {key: _given(key, column, width, name) for key, column in (columns or {}).items()}
    table = [[row for row in rows if len(row) == width] for rows in sentences]
    token, tag = given.get("token"), given.get("tag") if tagged else None
    index = 0 if token != 0 and tag != 0 and _is_running_index(table) else None
    if tagged and tag is None:
        tag = _tag_column(table, [i for i in range(width) if i not in (token, index)], name)
    if token is None:
        free = [i for i in range(width) if i != tag]
        token = next((i for i in free if i != index), free[0])
    if token == tag:  # else the tags would be learnt from themselves
        raise DataError(
            f"column {token} (from 0, of {_columns(width)}) is to be both word and tag: {_HOW_TO_SET}", name
        )
    return Layout(separator, width, token, tag)


def _separator(lines: Iterable[str]) -> str:
    rows = [
        "\t" in line
        for line in lines
        if not (is_blank(line) or line.startswith(DOCUMENT_MARK) or (line[0] == "#" and "\t" not in line))
    ]
    return "\t" if rows and 2 * sum(rows) >= len(rows) else " "


def _sentences(lines: Iterable[str], layout: Layout) -> Iterator[list[list[str]]]:
    """The cells of the rows, sentence by sentence."""
    lines = (line for line in lines if not layout.is_comment(line))
    for row, group in groupby(lines, key=layout.is_row):
        if row:
            yield [layout.cells(line) for line in group]


def _given(key: str, column: int, width: int, name: str) -> int:
    if not -width <= column < width:
        raise DataError(f"data.columns has {key}: {column}, but the file has {_columns(width)}", name)
    return column % width


def _is_running_index(sentences: Sequence[Sequence[Sequence[str]]]) -> bool:
    """Whether column 0 counts the words of each sentence (from 0 or 1) and another column is left."""
    if not any(len(rows) > 1 and len(rows[0]) > 1 for rows in sentences):
        return False
    return all(
        row[0] == str(number)
        for rows in sentences
        for number, row in enumerate(rows, 0 if rows and rows[0][0] == "0" else 1)
    )


def _tag_column(sentences: Sequence[Sequence[Sequence[str]]], candidates: Sequence[int], name: str) -> int:
    rows = [row for rows in sentences for row in rows]
    if len(rows[0]) == 1:
        raise DataError("the file has one column, but a word and its tag are needed", name)
    shares = {
        column: sum(is_tag(row[column].strip(" ")) for row in rows) / len(rows) for column in candidates
    }
    best = max(candidates, key=lambda column: (shares[column], column), default=None)
    if best is None or shares[best] < 0.5:
        example = " | ".join(rows[0])
        raise DataError(
            f"no column holds tags (O, B-PER, I-PER ... or 0 and 1) in rows like {example!r}; {_HOW_TO_SET}",
            name,
        )
    return best


def _columns(width: int) -> str:
    return f"{width} column" + ("s" if width != 1 else "")

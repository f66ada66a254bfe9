"""The layout of a column file: its separator, its columns, and which lines are rows.

Column files have no header. Settings that the user omits are detected from the first rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from rnner.errors import DataError, counted
from rnner.tags import is_tag

DOCUMENT_MARK = "-DOCSTART-"
_MAY_NOT_BE_ROW = frozenset(("", " ", "\t", "#", "-"))  # first characters
_HOW_TO_SET = "set data.columns, such as {token: 0, tag: -1} (counted from 0, negative numbers from the end)"

_Rows = list[list[str]]  # the cells of each row of a sentence


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of a column file.

    Attributes:
        separator: a tab, or a space (runs of spaces count as one).
        width: columns per row.
        token, tag: columns, counted from 0; `tag` is None if tags are not read.
    """

    separator: str = " "
    width: int = 0
    token: int = 0
    tag: int | None = None

    def cells(self, line: str) -> list[str]:
        """Return the cells of a row."""
        if self.separator == "\t":
            return line.split("\t")
        cells = line.strip(" \t").split(" ")
        return [cell for cell in cells if cell] if "" in cells else cells

    def wrong_width(self, width: int) -> str:
        """Return the message about a row with a different number of columns."""
        separator = "tabs" if self.separator == "\t" else "spaces"
        return f"{counted(width, 'column')}, where most rows have {self.width} (separated by {separator})"

    def is_row(self, line: str) -> bool:
        """Return whether a line holds a token: it is not blank, a document mark or a comment."""
        if line[:1] not in _MAY_NOT_BE_ROW:
            return True
        return not (is_blank(line) or line.startswith(DOCUMENT_MARK) or self.is_comment(line))

    def is_comment(self, line: str) -> bool:
        """Return whether a line is a comment: it begins with `#`, has no tab, and tabs separate columns."""
        return self.separator == "\t" and line[:1] == "#" and "\t" not in line

    def begins_document(self, line: str) -> bool:
        """Return whether a line that is not a row marks a new document: `-DOCSTART-` or `# newdoc`."""
        return line.startswith(DOCUMENT_MARK) or (line[:1] == "#" and line[1:].split()[:1] == ["newdoc"])


def is_blank(line: str) -> bool:
    """Return whether a line is empty or holds only spaces and tabs; other white space may be a token."""
    return not line.strip(" \t")


def detect_layout(
    lines: Sequence[str], *, columns: Mapping[str, int] | None = None, tagged: bool = True, name: str = ""
) -> Layout:
    """Detect the layout of a column file from its first lines.

    Separator and width are those of most rows. The tag column is the last one that holds only tags. If
    there is none, it is the one with the most tags, so that the reader can report the first invalid cell.
    The token column is the first one that is neither the tag column nor a running index.

    Args:
        lines: the first lines of the file.
        columns: `{"token": 0, "tag": -1}`, one or both; negative numbers count from the end.
        tagged: whether a tag column is needed.
        name: the file name for error messages.

    Raises DataError if a column is missing, or is set for both word and tag.
    """
    if len(lines) == 1 and "\r" in lines[0]:
        raise DataError("the lines end in lone carriage returns (old Macs): convert them to newlines", name)
    separator = _detect_separator(lines)
    sentences = list(_sentences(lines, Layout(separator)))
    widths = Counter(len(row) for rows in sentences for row in rows)
    if not widths:
        return Layout(separator)
    width = widths.most_common(1)[0][0]
    given = {key: _from_start(key, column, width, name) for key, column in (columns or {}).items()}
    table = [[row for row in rows if len(row) == width] for rows in sentences]
    token, tag = given.get("token"), given.get("tag") if tagged else None
    index = 0 if token != 0 and tag != 0 and _has_running_index(table) else None
    if tagged and tag is None:
        tag = _detect_tag_column(table, [i for i in range(width) if i not in (token, index)], name)
    if token is None:
        free = [i for i in range(width) if i != tag]
        token = next((i for i in free if i != index), free[0])
    if token == tag:  # a model would learn to copy the tags
        which = f"column {token} (from 0, of {counted(width, 'column')})"
        raise DataError(f"{which} is set for both word and tag: {_HOW_TO_SET}", name)
    return Layout(separator, width, token, tag)


def _detect_separator(lines: Iterable[str]) -> str:
    is_row = Layout("\t").is_row
    has_tab = ["\t" in line for line in lines if is_row(line)]
    return "\t" if has_tab and 2 * sum(has_tab) >= len(has_tab) else " "


def _sentences(lines: Iterable[str], layout: Layout) -> Iterator[_Rows]:
    """Yield the cells of the rows, grouped by sentence."""
    lines = (line for line in lines if not layout.is_comment(line))
    for is_row, group in groupby(lines, key=layout.is_row):
        if is_row:
            yield [layout.cells(line) for line in group]


def _from_start(key: str, column: int, width: int, name: str) -> int:
    """Return a column given by the user, counted from 0."""
    if not -width <= column < width:
        raise DataError(
            f"data.columns has {key}: {column}, but the file has {counted(width, 'column')}", name
        )
    return column % width


def _has_running_index(sentences: Sequence[_Rows]) -> bool:
    """Return whether column 0 numbers the words of each sentence, from 0 or 1, and is not the only column."""
    if not any(len(rows) > 1 and len(rows[0]) > 1 for rows in sentences):
        return False
    return all(
        row[0] == str(number)
        for rows in sentences
        for number, row in enumerate(rows, 0 if rows and rows[0][0] == "0" else 1)
    )


def _detect_tag_column(sentences: Sequence[_Rows], candidates: Sequence[int], name: str) -> int:
    rows = [row for rows in sentences for row in rows]
    if len(rows[0]) == 1:
        raise DataError("the file has one column; a word and its tag are needed", name)
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

r"""The layout of a column file: its separator, its columns, and which lines are rows.

Settings that the user omits are detected from the first rows, and from a header if there is one.

Each line is one of these, regardless of the lines around it:

    blank           nothing but spaces and tabs
    document mark   begins with `-DOCSTART-`
    comment         begins with `#` or `##` and a space or tab (or with `#` alone, if tabs separate columns
                    and the line has none), and is not a valid row: it has more or fewer columns than most
                    rows, or no tag in the tag column (`# id 1f3a`, `#\turl\tdate`, `## id\ttext`)
    header          the first row, if it names columns: `word pos tag`
    row             everything else, such as the token `#` in `# O` and `#tag O`
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from rnner.data.formats.header import column_names, is_header, may_be_header
from rnner.data.formats.tag_columns import Rows, choose, describe_choice, find_label_column, find_tag_columns
from rnner.data.tag_spellings import spelling_of
from rnner.errors import DataError, counted
from rnner.tags import is_tag

DOCUMENT_MARK = "-DOCSTART-"
LONE_RETURNS = "the lines end in lone carriage returns (old Macs): convert them to newlines"
LAYOUT_SAMPLE = 5000
"""Number of lines from which the layout is detected."""
_MAY_NOT_BE_ROW = frozenset(("", " ", "\t", "#", "-"))  # first characters of lines that may not be rows
_HOW_TO_SET = "set data.columns, such as {token: 0, tag: -1} (counted from 0, negative numbers from the end)"
_SENTENCE_ID = re.compile(r"# id \S+([ \t]+domain=\S*)?[ \t]*")  # MultiCoNER
_COMMENT = re.compile("#{1,2}[ \t]")
_OTHER_SPACE = re.compile("[^\\S \t]")
_NUMBER = re.compile(r"[0-9]+([.:-][0-9]+)*")
_FEWEST_ROWS = 3  # needed to conclude that a column holds no words
_MARKUP = re.compile(r"<START(:\w+)?>|</[\w.:-]+>|^<\?xml|\]\([\w ]+\)|^[0-9]+\|[ta]\|")
_GAP = re.compile("[ \t]+")
_SHOWN = 120  # characters of a row in messages


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of a column file.

    Attributes:
        separator: a tab, or a space (runs of spaces count as one).
        width: columns per row.
        token, tag: column numbers, from 0; `tag` is None if tags are not read.
        tag_cells: tags in the first rows, in any spelling.
        header: the line that names the columns, or None.
        tag_choice: a note that names the columns with tags and the one that is read, if there are several.
        label: the column of the labels if the tags are prefixes without one (SUC 3.0), or None.
        skipped: a note on a column before the words that holds numbers or marks, if there is one.
    """

    separator: str = " "
    width: int = 0
    token: int = 0
    tag: int | None = None
    tag_cells: frozenset[str] = frozenset()
    header: str | None = None
    tag_choice: str = ""
    label: int | None = None
    skipped: str = ""

    @property
    def notes(self) -> list[str]:
        """Notes on the layout for the user, one sentence each."""
        header = "" if self.header is None else f"the first row is read as a header: {show_row(self.header)}"
        joined = f"tags are joined from their prefixes in column {self.tag} and their labels in column"
        label = "" if self.label is None else f"{joined} {self.label} (counted from 0)"
        return [note for note in (header, self.tag_choice, label, self.skipped) if note]

    def tag_of(self, cells: Sequence[str]) -> str:
        """Return the unchanged tag of a row, without spaces around it; empty if tags are not read."""
        tag = "" if self.tag is None else cells[self.tag].strip(" ")
        if self.label is None or spelling_of({tag: 1}).kind == "outside":
            return tag
        return f"{tag}-{cells[self.label].strip(' ')}"

    def has_other_separator(self, line: str) -> bool:
        """Return whether the cells of a row are separated by tabs where most have spaces, or vice versa."""
        return len(self.split(line)) != self.width == len(self.cells(line))

    def cells(self, line: str) -> list[str]:
        """Return the cells of a row, split at spaces and tabs if the usual separator does not fit."""
        cells = self.split(line)
        if len(cells) != self.width and self.width:
            others = _GAP.split(line.strip(" \t"))
            return others if len(others) == self.width else cells
        return cells

    def split(self, line: str) -> list[str]:
        """Return the cells of a row, split at the usual separator."""
        if self.separator == "\t":
            return line.split("\t")
        cells = line.strip(" \t").split(" ")
        return [cell for cell in cells if cell] if "" in cells else cells

    def wrong_width(self, width: int) -> str:
        """Return the message about a row with a different number of columns."""
        separator = "tabs" if self.separator == "\t" else "spaces"
        return f"{counted(width, 'column')}, where most rows have {self.width} (separated by {separator})"

    def is_row(self, line: str) -> bool:
        """Return whether a line holds a token: it is not blank, a document mark, a comment or a header."""
        if line[:1] not in _MAY_NOT_BE_ROW:
            return line != self.header
        blank = is_blank(line)
        return not (blank or line.startswith(DOCUMENT_MARK) or self.is_comment(line) or line == self.header)

    def is_comment(self, line: str) -> bool:
        """Return whether a line is a comment; see the module's docstring."""
        if line[:1] != "#":
            return False
        if self.separator == "\t" and "\t" not in line:
            return self.tag is None or not self._is_valid_row(line)
        return self.width > 0 and _may_be_comment(line) and not self._is_valid_row(line)

    def could_be_row(self, line: str) -> bool:
        """Return whether a line begins with # and contains the column separator."""
        return line[:1] == "#" and self.separator in line

    def begins_document(self, line: str) -> bool:
        """Return whether a line that is not a row marks a new document: `-DOCSTART-` or `# newdoc`."""
        return line.startswith(DOCUMENT_MARK) or (line[:1] == "#" and line[1:].split()[:1] == ["newdoc"])

    def _is_valid_row(self, line: str) -> bool:
        """Return whether a line that begins with # has as many columns as most rows, and a tag."""
        cells = self.cells(line)
        if len(cells) != self.width or _SENTENCE_ID.fullmatch(line):
            return False
        if self.tag is None:
            return self.separator != "\t" or " " not in cells[self.token]
        return self._is_tag(cells[self.tag].strip(" "))

    def _is_tag(self, cell: str) -> bool:
        return is_tag(cell) or cell in self.tag_cells


def is_blank(line: str) -> bool:
    """Return whether a line is empty or holds only spaces and tabs; other white space may be a token."""
    return not line.strip(" \t")


def show_row(line: str) -> str:
    """Return the first 120 characters of a row, in quotes."""
    return repr(line if len(line) <= _SHOWN else f"{line[:_SHOWN]}...")


def detect_layout(
    lines: Sequence[str], *, columns: Mapping[str, int] | None = None, tagged: bool = True, name: str = ""
) -> Layout:
    """Detect the layout of a column file from its first lines.

    Separator and width are those of most rows. The tag column is chosen by `tag_columns.choose` from those
    that hold tags, or that the header names. The token column is the one that the header names, or the first
    one that is neither the tag column nor a running index.

    Args:
        lines: the first lines of the file.
        columns: `{"token": 0, "tag": -1}`, one or both; negative numbers count from the end.
        tagged: whether a tag column is needed.
        name: the file name for error messages.

    Raises DataError if a column is missing, or is set for both word and tag.
    """
    if sum(line.count("\r") for line in lines) >= max(1, len(lines)):
        raise DataError(LONE_RETURNS, name)
    layout = Layout(_detect_separator(lines))
    first = next(filter(layout.is_row, lines), "")
    names = column_names(layout.cells(first))
    if not is_header(layout.cells(first)):
        found = _detect(lines, layout, columns, tagged, [], name)
        if not (tagged and found.width and may_be_header(layout.cells(first)) and _lacks_tag(first, found)):
            return found
    return _detect(lines, replace(layout, header=first), columns, tagged, names, name)


def _detect(
    lines: Sequence[str],
    layout: Layout,
    columns: Mapping[str, int] | None,
    tagged: bool,
    names: Sequence[str],
    name: str,
) -> Layout:
    """Complete a layout that has a separator and perhaps a header; `names` are the names in the header."""
    sentences = list(_sentences(lines, layout))
    all_rows = [row for rows in sentences for row in rows]
    # If tabs separate columns, a row of one cell with a space in it may be separated by spaces.
    sure = [row for row in all_rows if len(row) > 1 or " " not in row[0].strip(" ")]
    widths = Counter(map(len, sure or all_rows))
    if not widths:
        return layout
    width = widths.most_common(1)[0][0]
    if len(names) != width:
        names = [""] * width
    given = {key: _from_start(key, column, width, name) for key, column in (columns or {}).items()}
    table = [own for rows in sentences if (own := [row for row in rows if len(row) == width])]
    token, tag = given.get("token"), given.get("tag") if tagged else None
    if token is None and "token" in names and names.index("token") != tag:
        token = names.index("token")
    index = 0 if token != 0 and tag != 0 and _has_running_index(table) else None
    tag_choice = ""
    if tagged and tag is None:
        candidates = [i for i in range(width) if i not in (token, index)]
        found = find_tag_columns(table, candidates, words_first=token is None)
        of_name = {kind: [own for own in found if names[own.column] == kind] for kind in ("predicted", "tag")}
        found = of_name["predicted"] or of_name["tag"] or found
        if not found or width == 1:
            raise _no_tags(table[0][0], name)
        chosen = choose(found)
        tag, tag_choice = chosen.column, describe_choice(found, chosen)
        if tag_choice and len(lines) >= LAYOUT_SAMPLE:
            tag_choice += f" (counts are from the first {len(lines):,} lines)"
    skipped = ""
    if token is None:
        free = [i for i in range(width) if i != tag]
        first = next((i for i in free if i != index), free[0])
        token = next((i for i in free if i >= first and _may_be_words(table, i)), first)
        if token != first:
            advice = "if it numbers sentences, add a header such as sentence_id, token and tag"
            skipped = f"column {first} holds numbers or marks; words are read from column {token}; {advice}"
    if token == tag:  # a model would learn to copy the tags
        which = f"column {token} (from 0, of {counted(width, 'column')})"
        raise DataError(f"{which} is set for both word and tag: {_HOW_TO_SET}", name)
    layout = replace(layout, width=width, token=token, tag=tag, tag_choice=tag_choice, skipped=skipped)
    if tag is None:
        return layout
    known = spelling_of(Counter(row[tag] for rows in table for row in rows)).tags
    tag_cells = frozenset(cell.strip(" ") for cell in known)
    return replace(layout, tag_cells=tag_cells, label=find_label_column(table, tag))


def _detect_separator(lines: Iterable[str]) -> str:
    is_row = Layout("\t").is_row
    has_tab = ["\t" in line for line in lines if is_row(line) and ("\t" in line or " " in line.strip(" "))]
    return "\t" if has_tab and 2 * sum(has_tab) >= len(has_tab) else " "


def _sentences(lines: Sequence[str], layout: Layout) -> Iterator[Rows]:
    """Yield the rows of each sentence as cells. Possible comments are rows only if no other line is."""
    lines = [line for line in lines if not layout.is_comment(line)]
    sure = [line for line in lines if not _may_be_comment(line)]
    for is_row, group in groupby(sure if any(map(layout.is_row, sure)) else lines, key=layout.is_row):
        if is_row:
            yield [layout.cells(line) for line in group]


def _may_be_comment(line: str) -> bool:
    return line[:1] == "#" and _COMMENT.match(line) is not None


def _lacks_tag(line: str, layout: Layout) -> bool:
    """Return whether a row has no tag in the tag column."""
    cells = layout.cells(line)
    return layout.tag is not None and (
        len(cells) != layout.width or cells[layout.tag].strip(" ") not in layout.tag_cells
    )


def _from_start(key: str, column: int, width: int, name: str) -> int:
    """Return a column given by the user, counted from 0."""
    if not -width <= column < width:
        raise DataError(
            f"data.columns has {key}: {column}, but the file has {counted(width, 'column')}", name
        )
    return column % width


def _has_running_index(sentences: Sequence[Rows]) -> bool:
    """Return whether column 0 numbers the words of each sentence, from 0 or 1, and is not the only column."""
    if not any(len(rows) > 1 and len(rows[0]) > 1 for rows in sentences):
        return False
    return all(
        row[0] == str(number)
        for rows in sentences
        for number, row in enumerate(rows, 0 if rows and rows[0][0] == "0" else 1)
    )


def _may_be_words(sentences: Sequence[Rows], column: int) -> bool:
    """Return whether a column has two distinct cells, not all of them numbers, or fewer than three rows."""
    cells = [row[column] for rows in sentences for row in rows]
    return len(cells) < _FEWEST_ROWS or (len(set(cells)) > 1 and not all(map(_NUMBER.fullmatch, cells)))


def _no_tags(first: Sequence[str], name: str) -> DataError:
    if len(first) == 1:
        other, row = _OTHER_SPACE.search(first[0]), show_row(first[0])
        space = f"; replace the spaces U+{ord(other[0]):04X} in {row} with tabs" if other else ""
        return DataError(
            f"the file has one column; expected at least two, for the word and its tag{space}", name
        )
    if _MARKUP.search(" ".join(first)):
        known = "word/TAG, brat, or one of the JSON formats in docs/formats.md"
        row = show_row(" ".join(first))
        return DataError(f"this is text with markup, which is not read: {row}; convert it to {known}", name)
    rows = show_row(" | ".join(first))
    return DataError(
        f"no column holds tags (O, B-PER, I-PER ... or 0 and 1) in rows like {rows}; {_HOW_TO_SET}", name
    )

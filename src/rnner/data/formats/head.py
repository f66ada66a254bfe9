"""The first kilobytes of a file, from which its format is detected."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from rnner.data.formats.column_layout import DOCUMENT_MARK, is_blank

_HEAD_BYTES = 1 << 16
_MOST_ROWS = 200


@dataclass(frozen=True)
class Head:
    """The beginning of a file.

    Attributes:
        path: the file.
        data: its first bytes; empty if it is not a regular file (a pipe, which cannot be read twice).
        whole: whether `data` is the whole file.
    """

    path: Path
    data: bytes
    whole: bool = True

    @cached_property
    def text(self) -> str:
        """The text, without byte order mark; invalid bytes are replaced."""
        return self.data.decode(errors="replace").removeprefix("\ufeff")

    @cached_property
    def lines(self) -> list[str]:
        """The complete lines, without line ends; if there is only one, it may be cut off."""
        lines = self.text.replace("\r\n", "\n").split("\n")
        return lines if self.whole else lines[:-1] or lines

    @cached_property
    def rows(self) -> list[str]:
        """The first 200 lines that are neither blank nor comments (`#`) nor document marks."""
        rows = (line for line in self.lines if not _is_no_row(line))
        return list(islice(rows, _MOST_ROWS))


def read_head(path: Path) -> Head:
    """Return the head of a file."""
    try:
        if path.is_file():
            with path.open("rb") as file:
                data = file.read(_HEAD_BYTES)
                return Head(path, data, whole=not file.read(1))
    except OSError:
        pass  # the reader of the file will report the reason
    return Head(path, b"")


def _is_no_row(line: str) -> bool:
    return is_blank(line) or line[0] == "#" or line.startswith(DOCUMENT_MARK)

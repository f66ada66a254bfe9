"""Rows of CSV with cells of several lines."""

import pytest

from rnner.data.formats.csv_rows import read_rows
from rnner.errors import DataError


def lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def test_rows_have_the_number_of_their_first_line() -> None:
    rows = read_rows(lines('id,text\n\n1,"Ada\nwrote"\n2,""\n'), "a.csv", ",")
    assert list(rows) == [(1, ["id", "text"]), (3, ["1", "Ada\nwrote"]), (5, ["2", ""])]


def test_an_invalid_row_is_an_error_after_which_the_next_is_read() -> None:
    first, (_, row) = read_rows(lines('1,"a"b\n2,c\n'), "a.csv", ",", strict=True)
    assert str(first[1]).startswith("a.csv:1: this row is not valid CSV") and row == ["2", "c"]


def test_a_row_of_many_lines_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNER_MAX_RECORD_MB", "1")

    def endless():
        yield from lines('id,text\n1,short\n2,"never closed\n')
        while True:
            yield "a line\n"

    rows = read_rows(endless(), "a.csv", ",", strict=True)
    assert [next(rows), next(rows)] == [(1, ["id", "text"]), (2, ["1", "short"])]
    with pytest.raises(DataError, match=r"^a.csv:3: this row is longer than 1 MB; probably a quotation mark"):
        next(rows)

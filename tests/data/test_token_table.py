from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnner.data import token_table as tables
from rnner.data.token_table import (
    Column,
    Renumbering,
    TableRow,
    build_table,
    count_strings,
    rename,
    word_blocks,
    word_positions,
)

numbers = st.lists(st.integers(0, 9), max_size=30)
lengths = st.lists(st.integers(1, 6), max_size=12)


@pytest.mark.parametrize("pending", [0, 2, 1000])
def test_words_and_tags_are_numbered_in_order_of_first_appearance(
    pending: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "_PENDING", pending)
    rows = [
        TableRow(["b", "a", "b"], ["O", "B-X", "O"], -1, 1),
        TableRow(["c"], ["B-Y"], 0, 7),
        TableRow(["a", "b"], ["B-Y", "O"], 0, 9),
    ]
    table = build_table(rows)
    assert len(table) == 3
    assert table.tokens.strings == ["b", "a", "c"]
    assert table.tokens.numbers.tolist() == [0, 1, 0, 2, 1, 0]
    assert table.tags.strings == ["O", "B-X", "B-Y"]
    assert table.tags.numbers.tolist() == [0, 1, 0, 2, 2, 0]
    assert table.starts.tolist() == [0, 3, 4, 6]
    assert (table.documents.tolist(), table.lines.tolist()) == ([-1, 0, 0], [1, 7, 9])


def test_a_table_may_be_empty() -> None:
    table = build_table([])
    assert (len(table), table.starts.tolist(), table.tokens.strings) == (0, [0], [])


@given(st.lists(numbers, max_size=5))
def test_renumbering_follows_the_order_of_first_appearance(parts: list[list[int]]) -> None:
    numbering, order = Renumbering(10), list(dict.fromkeys(number for part in parts for number in part))
    for part in parts:
        assert numbering(np.array(part, dtype=np.int64)).tolist() == [order.index(number) for number in part]
    assert numbering.old == order


@given(lengths, st.integers(1, 12))
def test_word_blocks_are_as_large_as_allowed(lengths: list[int], words: int) -> None:
    runs = [lengths[run] for run in word_blocks(np.array(lengths, dtype=np.int64), words)]
    assert [length for run in runs for length in run] == lengths
    assert all(len(run) == 1 or 0 < sum(run) <= words for run in runs)
    assert all(sum(run) + after[0] > words for run, after in pairwise(runs))


@given(lengths, st.data())
def test_word_positions_of_sentences(lengths: list[int], chosen: st.DataObject) -> None:
    rows = chosen.draw(st.lists(st.sampled_from(range(len(lengths))))) if lengths else []
    sizes = np.array(lengths, dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    expected = [place for row in rows for place in range(starts[row], starts[row] + lengths[row])]
    assert word_positions(starts[rows], sizes[rows]).tolist() == expected


@given(numbers, st.lists(st.sampled_from("xyz"), min_size=10, max_size=10))
def test_renamed_strings_may_become_one(numbers: list[int], names: list[str]) -> None:
    column = Column(list("abcdefghij"), np.array(numbers, dtype=np.int32))
    renamed = rename(column, dict(zip(column.strings, names, strict=True)))
    assert [renamed.strings[number] for number in renamed.numbers] == [names[number] for number in numbers]
    assert len(set(renamed.strings)) == len(renamed.strings)


def test_strings_are_counted_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "BLOCK_WORDS", 2)
    column = Column(["a", "b", "c"], np.array([0, 1, 0, 0, 1], dtype=np.int32))
    assert count_strings(column) == {"a": 3, "b": 2, "c": 0}
    assert rename(column, {"a": "x", "b": "x", "c": "y"}).numbers.tolist() == [0, 0, 0, 0, 0]

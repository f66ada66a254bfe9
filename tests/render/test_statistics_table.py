"""The table of statistics in a terminal."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.cells import cell_len
from rich.console import Console

from rnner.data.vectors import Vectors
from rnner.render.statistics_table import short_names, statistics_table
from rnner.workbench.statistics import describe
from tiny_corpus import DEV, TEST, TRAIN, split_of

VECTORS = Vectors(["the", "in"], np.zeros((2, 2), dtype=np.float32))


def drawn(files, width=100):
    out = io.StringIO()
    Console(file=out, width=width).print(statistics_table(files))
    return out.getvalue()


def corpus(vectors=None):
    texts = {"train": TRAIN, "dev": DEV, "test": TEST}
    return describe([split_of(text, name=name) for name, text in texts.items()], vectors)


def line(table, title):
    """Return the cells of the one row with this title."""
    (found,) = [row for row in table.splitlines() if row.strip().startswith(title + "  ")]
    return found.replace(title, "", 1).split()


def test_one_column_per_file():
    table = drawn(corpus(VECTORS))
    assert table.split()[:3] == ["train.conll", "dev.conll", "test.conll"]
    assert line(table, "sentences") == ["10", "3", "2"]
    assert line(table, "MISC") == ["1", "5.6%", "–", "–"]
    assert line(table, "with a vector: tokens")[0].endswith("%")


def test_unseen_shares_are_shown_for_dev_and_test():
    table = drawn(corpus())
    assert "not in train.conll:" in table
    unseen = table[table.index("not in train.conll:") :]
    assert line(unseen, "entities") == ["–", "80.0%", "100.0%"]


def test_empty_rows_are_left_out():
    table = drawn(describe([split_of(TRAIN, documents=[-1] * 10)]))
    for title in ("documents", "not in", "with a vector"):
        assert title not in table


def test_columns_that_do_not_fit_continue_below():
    files = [replace(file, path=Path(f"{i}/some_long_name.conll")) for i in range(7) for file in corpus()[:1]]
    for width in (60, 100):
        table = drawn(files, width)
        assert max(map(cell_len, table.splitlines())) <= width
        for i in range(7):
            assert table.count(f"{i}/some_long_name.conll") == 1 + (i == 0) * table.count("not in")


def test_a_label_cannot_move_the_cursor():
    file = replace(corpus()[0], per_type={"P\x1b[2JR": 19})
    assert "\x1b" not in drawn([file])
    assert r"P\x1b[2JR" in drawn([file])


def test_short_names_tell_paths_apart():
    def names(*paths):
        return short_names([Path(path) for path in paths])

    assert names("a/train.conll", "a/dev.conll") == ["train.conll", "dev.conll"]
    assert names("x/a/train.conll", "x/b/train.conll") == ["a/train.conll", "b/train.conll"]
    assert names("train.conll", "b/train.conll") == ["train.conll", "b/train.conll"]
    assert names("/a/t.conll", "/a/t.conll") == ["t.conll", "t.conll"]

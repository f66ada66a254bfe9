"""The lenient reader agrees with the strict one on valid files, and keeps what that one refuses."""

import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from samples import column_file

from rnner.data.formats.columns import ConllReader
from rnner.errors import DataError
from rnner.workbench.check.lenient_reader import parse, read_file

WORDS = st.text(st.sampled_from("aé#-\u200b\xa0 .1"), min_size=1, max_size=4).filter(
    lambda word: word.strip()
)
TAGS = st.sampled_from(["O", "B-PER", "I-PER", "E-LOC", "S-LOC", "0", "1"])
LINES = st.one_of(
    st.tuples(WORDS, TAGS).map("\t".join),
    st.tuples(WORDS, TAGS).map(" ".join),
    st.sampled_from(["", "\t", "-DOCSTART- O", "# a comment", "# newdoc", "one\ttwo\tthree", "\u200b"]),
    st.text(max_size=8).map(lambda text: text.replace("\n", "")),
)


@given(st.lists(LINES, max_size=12))
@example(["\r", "1\tO"])  # a blank line that ends in CRLF
def test_files_that_the_strict_reader_accepts_are_read_the_same(lines):
    text = "\n".join(lines)
    try:
        strict = [
            (sentence.words, sentence.tags, sentence.lines)
            for sentence in ConllReader(io.StringIO(text, newline="\n"))
        ]
    except DataError:
        return
    file = read_file(io.StringIO(text, newline="\n"))
    assert not file.ragged
    cells = [cell.strip(" ") for sentence in file.sentences for cell in sentence.tag_cells]
    assert cells == [tag for _, tags, _ in strict for tag in tags]
    assert [(sentence.words, sentence.lines) for sentence in file.sentences] == [
        (words, lines) for words, _, lines in strict
    ]


@given(st.lists(LINES, max_size=12))
def test_every_row_becomes_a_token_or_is_ragged(lines):
    file = parse("my.conll", lines)
    if file.layout_problem:
        return
    tokens = [number for sentence in file.sentences for number in sentence.lines]
    numbers = sorted([*tokens, *(number for number, _ in file.ragged)])
    assert numbers == [number for number, line in enumerate(lines, 1) if file.layout.is_row(line)]


def test_ragged_rows_leave_the_rest_of_their_sentence():
    file = column_file("Ada B-PER\nLovelace I-PER extra\nwrote O\n\nIt O\nrained O")
    assert [sentence.words for sentence in file.sentences] == [["Ada", "wrote"], ["It", "rained"]]
    assert [sentence.valid for sentence in file.sentences] == [False, True]
    assert file.ragged == [(2, 3)]


@pytest.mark.parametrize(
    ("cell", "tag"),
    [("L-PER", "E-PER"), ("U-PER", "S-PER"), ("b-PER", "B-PER"), ("I_PER", "I-PER"), ("o", "O")],
)
def test_other_spellings_of_tags_are_understood(cell, tag):
    file = column_file(f"Ada {cell}\nwrote O\nand O\nread O")
    assert file.sentences[0].tags[0] == tag
    assert file.sentences[0].tag_cells[0] == cell


@pytest.mark.parametrize("cell", ["PER", "B-", "X-PER", "1", "B", "X"])
def test_an_invalid_cell_has_no_tag(cell):
    file = column_file(f"Ada {cell}\nwrote B-LOC\nand O\nread O")
    assert file.sentences[0].tags == [None, "B-LOC", "O", "O"]
    assert not file.sentences[0].valid


def test_ones_and_zeros_are_tags_if_most_tags_are():
    assert column_file("Ada 1\nwrote 0\nit 0").sentences[0].tags == ["1", "0", "0"]
    assert column_file("Ada 1\nwrote 0\nit 0").spans[0] == [(0, 1, "NAME")]
    assert column_file("Ada B-PER\nwrote 0\nit 0").sentences[0].tags == ["B-PER", "O", "O"]


@pytest.mark.parametrize(("line", "token", "tag"), [("Ada\tB-PER", 1, 5), ("  Ada   B-PER ", 3, 9)])
def test_positions_count_from_the_start_of_the_line(line, token, tag):
    file = column_file(f"{line}\n{line.replace('Ada', 'Bob')}")
    assert (file.token_position(1), file.token_position(1, 2), file.tag_position(1)) == (
        token,
        token + 2,
        tag,
    )


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(DataError, match="file not found"):
        read_file(tmp_path / "none.conll")


def test_a_file_without_tags_has_a_layout_problem():
    file = column_file("Ada wrote\nto Charles\nBabbage and")
    assert "no column holds tags" in file.layout_problem
